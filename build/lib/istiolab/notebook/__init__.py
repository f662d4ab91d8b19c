"""Running one notebook: cells in, cells with outputs out."""
