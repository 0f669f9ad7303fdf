"""Whether a sentence that was just read can teach anything, told at once rather than after minutes of reading."""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import Final

import numpy as np

from lipstream.models.av_speech.enrolment.asked import LEAST_RANGE, LONGEST_TOLD, speech_range
from lipstream.models.av_speech.evaluation.word_errors import normaliser
from lipstream.models.av_speech.recording import SAMPLE_RATE, Recording

LEAST_FACE: Final = 0.8
"""Share of a sentence in which the mouth must be visible; more than of recordings, for it can be read again."""
LOUDEST: Final = 0.01
"""Share of the samples at full scale from which on a sound is distorted."""
LEAST_LIKENESS: Final = 0.8
"""How alike the letters of a sentence and of what was heard must be: a sentence half read has 0.67 on average."""


def fault(recording: Recording) -> str | None:
    """What is wrong with length, sound or picture, in words for the one who reads; None if nothing is."""
    seconds = len(recording.pcm) / SAMPLE_RATE
    if seconds > LONGEST_TOLD:
        return f"it lasts {seconds:.0f} s, and may last {LONGEST_TOLD:.0f}: read it in one go, and be quiet afterwards"
    seen = float(recording.lips.mask.mean()) if len(recording.lips.mask) else 0.0
    if seen < LEAST_FACE:
        return f"your mouth was visible for {seen:.0%} of it: face the camera, in good light"
    if float(np.mean(np.abs(recording.pcm.astype(np.int32)) >= 32_700)) > LOUDEST:
        return "the sound is distorted: speak more quietly, or turn the microphone down"
    above = speech_range(recording.sound)
    if above < LEAST_RANGE:
        return (
            f"it is too noisy: your voice is {above:.0f} dB above the pauses, and should be {LEAST_RANGE:.0f} or more: "
            "find a quieter place, or come closer to the microphone"
        )
    return None


def likeness(text: str, heard: str) -> float:
    """How alike a sentence and what was heard are, letter by letter, in [0, 1].

    Letters, not words: of a sentence of two words a recogniser that mishears one is wrong by half.

    Raises:
        ModelError: the package that normalises is not installed.
    """
    one, other = (normaliser()(each).replace(" ", "") for each in (text, heard))
    return SequenceMatcher(None, one, other, autojunk=False).ratio()
