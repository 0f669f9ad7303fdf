"""A user's own networks, made from the user's own recordings."""
