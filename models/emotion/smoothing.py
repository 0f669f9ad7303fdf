"""What is shown to the user: probabilities averaged over time, and a label from them that does not flicker."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from lipstream.models.emotion.classes import EMOTIONS, UNCLEAR, UNKNOWN

Float32 = npt.NDArray[np.float32]

_CALM: Final = EMOTIONS[0]


@dataclass(frozen=True, slots=True)
class SmoothingConfig:
    """How steady the label is.

    Attributes:
        time_constant: seconds over which probabilities are averaged (exponentially).
        first_constant: the same for the first `first` seconds of evidence, in which what is usual for a person is not
            known, and what is judged moves most.
        first: seconds.
        margin: how far an emotion other than neutral must lead the next one to be shown.
        least: the probability that it must have, too.
        calm_margin: how far neutral must lead to be shown after `unclear`.
        hold: seconds for which either must do so without a break, unless evidence has just begun.
        keep: how far the emotion that is shown must lead to stay. After an emotion neutral is shown as soon as it leads
            by as much: everybody comes back to it. What leads by less is `unclear`: such bars look the same.
        forget: seconds without evidence after which the label is `unknown` and the average starts anew.
    """

    time_constant: float = 1.6
    first_constant: float = 5.0
    first: float = 5.0
    margin: float = 0.12
    least: float = 0.4
    calm_margin: float = 0.05
    hold: float = 0.5
    keep: float = 0.01
    forget: float = 1.5


@dataclass(frozen=True, slots=True)
class Smoothed:
    """The state after an update.

    Attributes:
        label: one of `EMOTIONS`, which then has the largest of `probabilities`; or `unclear`, or `unknown`.
        probabilities: (7,) averaged; uniform while unknown.
        changed: the label differs from that of the update before.
    """

    label: str
    probabilities: Float32
    changed: bool


class EmotionSmoother:
    """Turns fused probabilities, a few a second, into what is shown. Pure logic on given times."""

    def __init__(self, config: SmoothingConfig | None = None) -> None:
        self._config = config or SmoothingConfig()
        self._label = UNKNOWN
        self._average: Float32 | None = None
        self._time = -math.inf
        self._evidence = -math.inf
        self._known = 0.0
        self._rival: tuple[str, float] | None = None

    @property
    def label(self) -> str:
        """The label shown now."""
        return self._label

    def update(self, time: float, probabilities: Float32 | None) -> Smoothed:
        """Take in one update.

        Args:
            time: seconds, not before that of the last update.
            probabilities: (7,) or None where neither modality gives evidence.
        """
        before = self._label
        if probabilities is None:
            if time - self._evidence > self._config.forget:
                self._average, self._label, self._rival = None, UNKNOWN, None
        else:
            self._blend(time, probabilities)
            self._decide(time)
            self._evidence = time
        self._time = time
        average = self._average
        shown = np.full(len(EMOTIONS), 1 / len(EMOTIONS), np.float32) if average is None else average
        return Smoothed(self._label, shown, self._label != before)

    def reset(self) -> None:
        """Start anew, as for another face."""
        self._label, self._average, self._rival = UNKNOWN, None, None
        self._time = self._evidence = -math.inf
        self._known = 0.0

    def _blend(self, time: float, probabilities: Float32) -> None:
        if self._average is None:
            self._average = probabilities.astype(np.float32)
            return
        passed = max(0.0, time - self._time)
        self._known += passed
        config = self._config
        constant = config.first_constant if self._known < config.first else config.time_constant
        share = 1 - math.exp(-passed / constant)
        self._average = (self._average + np.float32(share) * (probabilities - self._average)).astype(np.float32)

    def _decide(self, time: float) -> None:
        average = self._average
        assert average is not None
        best = EMOTIONS[int(average.argmax())]
        second, first = np.sort(average)[-2:].tolist()
        lead, config = first - second, self._config
        shown = self._label in EMOTIONS
        if lead >= config.keep and shown and best in (self._label, _CALM):
            self._label, self._rival = best, None
            return
        clear = lead >= (config.calm_margin if best == _CALM else config.margin)
        clear = clear and (best == _CALM or first >= config.least)
        if not clear:
            self._rival = None
        elif self._rival is None or self._rival[0] != best:
            self._rival = best, time
        fresh = self._label == UNKNOWN
        waited = self._rival is not None and time - self._rival[1] >= self._config.hold - 1e-9
        if self._rival is not None and (fresh or waited):
            self._label, self._rival = best, None
        else:
            self._label = UNCLEAR
