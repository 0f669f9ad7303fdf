"""One stage, one file."""
