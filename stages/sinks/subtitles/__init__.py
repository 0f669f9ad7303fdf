"""Subtitles: what was said, cut into cues by the trade's rules, and the formats they are written in."""
