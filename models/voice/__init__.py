"""Voices: a vector that tells who speaks, and what can be made of many of them."""
