"""The JSON of a run: its schema, and reading it again."""
