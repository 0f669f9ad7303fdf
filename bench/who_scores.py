"""How well it is told who speaks: diarization error rate, and words with the right speaker.

The first is that of NIST's md-eval (The 2009 Rich Transcription evaluation plan, 6.1): missed speech, false alarm and
speech of the wrong speaker over the speech of the truth, under the assignment of speakers that is best, leaving out a
collar at both sides of every border of the truth. In steps of 10 ms.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Turn = tuple[float, float, str]
"""Start, end and who."""
_STEP = 0.01


@dataclass(frozen=True, slots=True)
class Errors:
    """Seconds of each kind.

    Attributes:
        missed: speech of the truth that nobody is said to say.
        false: speech that is none.
        confused: of the wrong speaker.
        total: speech of the truth; where two speak, twice.
    """

    missed: float = 0.0
    false: float = 0.0
    confused: float = 0.0
    total: float = 0.0

    def __add__(self, other: Errors) -> Errors:
        return Errors(
            self.missed + other.missed,
            self.false + other.false,
            self.confused + other.confused,
            self.total + other.total,
        )

    @property
    def rate(self) -> float:
        """The diarization error rate."""
        return (self.missed + self.false + self.confused) / max(self.total, 1e-9)


def diarization_errors(truth: Sequence[Turn], told: Sequence[Turn], collar: float = 0.25) -> Errors:
    """Compare who speaks when."""
    last = max(end for _, end, _ in (*truth, *told)) + 1
    steps = int(last / _STEP)
    real, said = _grid(truth, steps), _grid(told, steps)
    counted = np.ones(steps, bool)
    for start, end, _ in truth:
        for border in (start, end):
            counted[max(0, _at(border - collar)) : _at(border + collar)] = False
    real, said = real[:, counted], said[:, counted]
    together = (real[:, None] & said[None]).sum(axis=2)
    correct = best_pairs(together)
    in_truth, in_told = real.sum(axis=0), said.sum(axis=0)
    return Errors(
        missed=float(np.maximum(0, in_truth - in_told).sum()) * _STEP,
        false=float(np.maximum(0, in_told - in_truth).sum()) * _STEP,
        confused=float(np.minimum(in_truth, in_told).sum() - correct) * _STEP,
        total=float(in_truth.sum()) * _STEP,
    )


def right_words(pairs: Sequence[tuple[int | None, str]]) -> int:
    """How many words have the right speaker, under the best assignment.

    Args:
        pairs: speaker told and speaker in truth of each word.
    """
    told = sorted({speaker for speaker, _ in pairs if speaker is not None})
    real = sorted({name for _, name in pairs})
    counts = np.zeros((len(real), len(told)), np.int64)
    for speaker, name in pairs:
        if speaker is not None:
            counts[real.index(name), told.index(speaker)] += 1
    return best_pairs(counts)


def best_pairs(together: npt.NDArray[np.int64]) -> int:
    """The most that rows and columns can have together, each paired once: dynamic programming over sets of rows."""
    if together.shape[0] > together.shape[1]:
        together = together.T
    best = {0: 0}
    for column in range(together.shape[1]):
        following = dict(best)
        for taken, count in best.items():
            for row in range(together.shape[0]):
                if not taken >> row & 1:
                    key = taken | 1 << row
                    following[key] = max(following.get(key, 0), count + int(together[row, column]))
        best = following
    return max(best.values())


def _grid(turns: Sequence[Turn], steps: int) -> npt.NDArray[np.bool_]:
    names = sorted({name for _, _, name in turns})
    grid = np.zeros((len(names), steps), bool)
    for start, end, name in turns:
        grid[names.index(name), _at(start) : _at(end)] = True
    return grid


def _at(seconds: float) -> int:
    return round(seconds / _STEP)
