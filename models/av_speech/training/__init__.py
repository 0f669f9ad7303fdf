"""Training of the audio-visual speech networks, and the data they learn from."""
