"""Who reads speech, and what becomes of the words that are read."""
