"""What is asked of recordings of a user, so that they can teach."""

from __future__ import annotations

from typing import Final

import numpy as np

from lipstream.models.av_speech.recording import SAMPLE_RATE, Float32
from lipstream.models.av_speech.training.mixtures import Noise
from lipstream.models.speech.alignment import frame_levels
from lipstream.models.speech.moonshine import FRAME_RATE

LEAST_RANGE: Final = 15.0
"""Decibels by which speech must stand out from the pauses, in half of the recordings."""
LONGEST: Final = 8.0
"""Seconds of the longest piece that is learnt from."""
HELD_BACK: Final = 10
"""One piece in so many is held back and judges the profile."""
BABBLE: Final = Noise("babble4", 4)
"""What a profile is judged in, at 0 dB."""
LEAST_CONFIDENCE: Final = 0.5
"""Mean confidence of the words of a recording from which on they teach, where nobody tells what is said. Read with
others of its kind nearly every recording has it, even of commands, which no recogniser expects."""
LONGEST_TOLD: Final = 20.0
"""Seconds of the longest recording with a transcript."""


def speech_range(sound: Float32) -> float:
    """Decibels between the loud and the quiet frames of (N,) sound at 16 kHz."""
    levels = frame_levels(sound, max(1, int(len(sound) / SAMPLE_RATE * FRAME_RATE)), FRAME_RATE)
    low, high = np.percentile(levels, [5, 90])
    return float(high - low)
