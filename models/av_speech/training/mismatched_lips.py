"""Lips that do not belong to the sound, made of lips that do: what the fusion must learn to ignore."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import torch

from lipstream.models.av_speech.recording import LIP_RATE
from lipstream.models.av_speech.training.lip_augment import LipSequence

LEAST_SHIFT: Final = 0.5
"""Seconds by which lips are late or early at least, so that no word stays where it was."""
_OTHERS: Final = 0.6
_SHIFTED: Final = 0.25
"""Shares of lips of another recording and of the same ones at another time; the rest are the same in another order."""
_PIECE: Final = int(0.4 * LIP_RATE)


def mismatched_lips(own: LipSequence, others: Sequence[LipSequence], rng: np.random.Generator) -> LipSequence:
    """Lips to put in the place of a recording's own.

    Args:
        own: lips of the recording.
        others: lips of all recordings.
        rng: random numbers.
    """
    kind = rng.random()
    other = others[int(rng.integers(len(others)))]
    if kind < _OTHERS and other is not own:
        return moved(other, int(rng.integers(0, len(other.mask)))) if rng.random() < 0.3 else other
    least = int(LEAST_SHIFT * LIP_RATE)
    if kind < _OTHERS + _SHIFTED or len(own.mask) < 2 * _PIECE:
        return moved(own, int(rng.integers(least, max(least + 1, len(own.mask) - least))))
    return _shuffled(own, rng)


def moved(lips: LipSequence, frames: int) -> LipSequence:
    """Lips so many frames later, what falls out at the end coming first."""
    return _at(lips, (torch.arange(len(lips.mask)) - frames) % len(lips.mask))


def _shuffled(lips: LipSequence, rng: np.random.Generator) -> LipSequence:
    """Pieces of lips in a random order."""
    pieces = torch.split(torch.arange(len(lips.mask)), _PIECE)
    return _at(lips, torch.cat([pieces[index] for index in rng.permutation(len(pieces))]))


def _at(lips: LipSequence, index: torch.Tensor) -> LipSequence:
    return LipSequence(lips.shape[index], lips.pictures[index], lips.mask[index])
