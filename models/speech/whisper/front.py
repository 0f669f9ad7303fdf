"""Where a text goes on behind the speech in front of it, and where it ends."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from lipstream.models.speech.engine import SAMPLE_RATE, Hypothesis
from lipstream.models.speech.recogniser import Front
from lipstream.models.speech.whisper.network import FRAME_RATE
from lipstream.models.speech.whisper.tokens import WhisperTokens

FRAME: Final = round(SAMPLE_RATE / FRAME_RATE)
"""Samples of a frame."""


def fitting(front: Front | None, room: int) -> Front | None:
    """Speech in front in whole frames; None if there is none, or not room for so many samples."""
    if front is None or not front.text:
        return None
    kept = len(front.sound) // FRAME * FRAME
    if not kept or kept > room:
        return None
    return replace(front, sound=front.sound[len(front.sound) - kept :])


def closing_probability(text: Hypothesis, tokens: WhisperTokens) -> float:
    """The probability of the signs behind the last word of a text."""
    probability = 1.0
    for token, likely in zip(reversed(text.tokens), reversed(text.probabilities), strict=True):
        if tokens.is_audible(token):
            break
        probability *= likely
    return probability
