"""Sounds that are no speech: which of those that a reader of captions wants to know of are heard."""
