"""Recorded files: their sound and their picture."""
