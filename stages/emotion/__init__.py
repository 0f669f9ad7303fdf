"""Emotion from face and voice. Imported only where it is wanted: it loads the networks' library."""
