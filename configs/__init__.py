"""The configurations that ship with Lipstream: YAML, data only."""
