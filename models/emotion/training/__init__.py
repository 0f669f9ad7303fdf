"""Training of the emotion networks, and the data they learn from."""
