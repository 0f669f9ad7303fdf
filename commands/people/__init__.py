"""`people`: those whom the user has added by name."""
