"""What `file` and `live` can make of a run besides its output formats."""
