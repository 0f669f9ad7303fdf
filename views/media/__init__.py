"""Media files made of a recording and its captions: rendered videos, subtitle tracks."""
