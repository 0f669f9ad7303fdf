"""Scores (logits) to probabilities, and the best of them."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from lipstream.models.speech.engine import Float32

_BLOCK: Final = 256


def log_softmax(scores: Float32) -> Float32:
    """(..., V) scores, some of which may be -inf, to logarithms of probabilities."""
    shifted = scores - scores.max(axis=-1, keepdims=True)
    found: Float32 = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return found


def softmax(scores: Float32) -> Float32:
    """(..., V) scores to probabilities."""
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    found: Float32 = powers / powers.sum(axis=-1, keepdims=True)
    return found


def best_of(values: npt.NDArray[Any], count: int) -> list[int]:
    """Places of the `count` largest of (N,) values, the largest first."""
    blocks = len(values) // _BLOCK
    places = np.arange(len(values))
    if blocks > count:
        # The largest are in those blocks whose largest are, or behind the last whole block: far fewer to sort.
        highest = values[: blocks * _BLOCK].reshape(blocks, _BLOCK).max(axis=1)
        chosen = np.argpartition(highest, -count)[-count:]
        inside = (chosen[:, None] * _BLOCK + np.arange(_BLOCK)).reshape(-1)
        places = np.concatenate((inside, places[blocks * _BLOCK :]))
    order = np.argsort(-values[places], kind="stable")[:count]
    return [int(place) for place in places[order]]
