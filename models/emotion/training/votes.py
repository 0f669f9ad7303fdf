"""What several people saw in the same face: the votes of FER+ (Barsoum et al., ICMI 2016)."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

Float32 = npt.NDArray[np.float32]
Int64 = npt.NDArray[np.int64]

COLUMNS: Final = (
    "neutral",
    "happiness",
    "surprise",
    "sadness",
    "anger",
    "disgust",
    "fear",
    "contempt",
    "unknown",
    "NF",
)
"""Columns of the votes, `NF` for "not a face"."""

OURS: Final = (0, 1, 3, 4, 6, 5, 2)
"""The column of each of `EMOTIONS`. Contempt is not among them."""

_LEAST: Final = 0.5
"""A face that fewer of the votes give one of the seven emotions says nothing."""


def vote_targets(votes: Int64) -> Float32:
    """What share of the people who saw one of the seven emotions saw which.

    Args:
        votes: (N, 10) by `COLUMNS`, -1 where there are none.

    Returns:
        (N, 7) in the order of `EMOTIONS`; NaN where there are no votes, or half of them or more are for something else.
    """
    ours, cast = _ours(votes)
    total = ours.sum(axis=1, keepdims=True)
    shares: Float32 = (ours / np.maximum(total, 1)).astype(np.float32)
    shares[total[:, 0] <= _LEAST * cast] = np.nan
    return shares


def majority(votes: Int64) -> Int64:
    """(N,) the index in `EMOTIONS` of what more than half of all votes say, -1 where there is no such."""
    ours, cast = _ours(votes)
    return np.where(ours.max(axis=1) * 2 > cast, ours.argmax(axis=1), -1)


def _ours(votes: Int64) -> tuple[Int64, Int64]:
    known = np.maximum(votes, 0)
    return known[:, list(OURS)], known.sum(axis=1)
