"""The room that joins both halves: notebooks and clusters in, what came of each run out."""
