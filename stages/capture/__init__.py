"""Microphones and cameras."""
