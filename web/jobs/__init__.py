"""Recordings that programs send, and come back for."""
