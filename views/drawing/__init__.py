"""The overlay on a picture, and what it is drawn with."""
