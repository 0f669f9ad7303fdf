"""Colours of charts that people who confuse colours can tell apart too.

The emotions have the set of Okabe and Ito, "Color Universal Design" (2008), which is made for that; what has no emotion
in it is grey.
"""

from __future__ import annotations

EMOTION_COLOURS = {
    "neutral": "#a3a9b1",
    "happy": "#f0c929",
    "sad": "#0072b2",
    "angry": "#d55e00",
    "fearful": "#cc79a7",
    "disgusted": "#009e73",
    "surprised": "#56b4e9",
}
"""By emotion, in the order in which they are stacked."""

FACE, VOICE = "#7b5fc9", "#d98200"
"""The shares of face and voice in an emotion."""
SOUND, LIPS = "#8795a8", "#c2185b"
"""The level of the sound, and the aperture of the lips."""
WARNING = "#c98a00"
"""What was degraded."""
