"""Plug-ins for Lipstream, as an example."""
