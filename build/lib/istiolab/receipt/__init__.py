"""What was verified, when, on what: written down."""
