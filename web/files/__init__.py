"""Recordings that browsers send."""
