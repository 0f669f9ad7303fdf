"""How the learning rate goes over a training: what an optimiser is set to before each step."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final, NamedTuple

WARM_UP: Final = 0.15
"""Share of the steps in which the learning rate rises."""
_FIRST: Final = 25
"""The peak of the learning rate in parts of the rate that `one_cycle` begins with."""
_LAST: Final = 1e4
"""That rate in parts of the one it ends with."""
_MOMENTA: Final = (0.95, 0.85)
"""Momentum of `one_cycle` at its ends, and at the peak of the learning rate."""


class Place(NamedTuple):
    """Where a training stands: before a step, all counted from 0.

    Attributes:
        epoch: which epoch.
        step: which step in it.
        steps: how many steps an epoch has.
        epochs: how many epochs there are.
    """

    epoch: int
    step: int
    steps: int
    epochs: int

    @property
    def epochs_done(self) -> float:
        """Epochs that are done, the one under way in part."""
        return self.epoch + self.step / self.steps

    @property
    def done(self) -> int:
        """Steps that are done."""
        return self.epoch * self.steps + self.step

    @property
    def total(self) -> int:
        """Steps in all."""
        return self.epochs * self.steps


Schedule = Callable[[Place, float], dict[str, Any]]
"""The place, and the learning rate that a group of parameters was given, to what the group is set to."""


def rise_and_fall(place: Place, peak: float) -> dict[str, Any]:
    """A linear rise from a twentieth of the peak, then half a cosine to zero."""
    progress = place.epochs_done / place.epochs
    if progress < WARM_UP:
        return {"lr": peak * (0.05 + 0.95 * progress / WARM_UP)}
    return {"lr": peak * (0.5 * (1 + math.cos(math.pi * (progress - WARM_UP) / (1 - WARM_UP))))}


def one_cycle(place: Place, peak: float) -> dict[str, Any]:
    """Half a cosine up, half a cosine down, and momentum the other way round; for Adam and its like.

    Smith and Topin, "Super-Convergence", 2018; the numbers are those of `torch.optim.lr_scheduler.OneCycleLR`, which
    keeps a count of its own, while this follows from the place alone.
    """
    begin, slow, fast = peak / _FIRST, *_MOMENTA
    turn, last = WARM_UP * place.total - 1, place.total - 1
    if place.done <= turn:
        part = place.done / turn
        rate, momentum = _cosine(begin, peak, part), _cosine(slow, fast, part)
    else:
        part = (place.done - turn) / (last - turn)
        rate, momentum = _cosine(peak, begin / _LAST, part), _cosine(fast, slow, part)
    return {"lr": rate, "betas": (momentum, 0.999)}


def linear_fall(place: Place, peak: float) -> dict[str, Any]:
    """From the peak to zero in a straight line."""
    return {"lr": peak * (1 - place.done / place.total)}


def _cosine(start: float, end: float, part: float) -> float:
    return end + (start - end) / 2.0 * (math.cos(math.pi * part) + 1)
