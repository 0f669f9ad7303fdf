"""A person is judged against what is usual for them: some faces look sad, some voices sound afraid, when nothing is."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lipstream.models.emotion.classes import EMOTIONS

Float32 = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class UsualConfig:
    """How soon and how far a person is judged against their own mean.

    Attributes:
        wait: seconds of evidence that change nothing yet.
        full: seconds of evidence after which the correction has its whole strength.
        strength: exponent of the correction then; 1 takes the mean for what this person looks and sounds like neutral.
        neutral: share of neutral in what people show over a long time, the other six sharing the rest.
        memory: seconds over which the mean is taken (exponentially).
        floor: no emotion counts as rarer than this in the mean.
    """

    wait: float = 3.0
    full: float = 10.0
    strength: float = 1.0
    neutral: float = 0.6
    memory: float = 60.0
    floor: float = 0.02


class Usual:
    """What one person shows on average, and their probabilities corrected by it. Pure logic on given times.

    The networks are off by a constant for each person: their mean over the last minute, q, is far from what people show
    on average, pi. So each probability is multiplied by (pi / q) to a power that grows with the evidence, which is how
    the priors of a classifier are changed (Saerens et al., "Adjusting the Outputs of a Classifier to New a Priori
    Probabilities", Neural Computation 14, 2002). An emotion that lasts for minutes becomes usual by that.
    """

    def __init__(self, config: UsualConfig | None = None) -> None:
        self._config = config or UsualConfig()
        self._sum = np.zeros(len(EMOTIONS), np.float64)
        self._weight = 0.0
        self._seconds = 0.0

    def corrected(self, probabilities: Float32, seconds: float) -> Float32:
        """Take in one update, and give it as it is for this person.

        Args:
            probabilities: (7,) of the update.
            seconds: how long it is, > 0.
        """
        kept = math.exp(-seconds / self._config.memory)
        self._sum = kept * self._sum + seconds * probabilities
        self._weight = kept * self._weight + seconds
        self._seconds += seconds
        own = probabilities * (self._expected() / self._mean()) ** self._power()
        return np.asarray(own / own.sum(), np.float32)

    def _mean(self) -> npt.NDArray[np.float64]:
        mean: npt.NDArray[np.float64] = np.maximum(self._sum / self._weight, self._config.floor)
        return mean

    def _expected(self) -> npt.NDArray[np.float64]:
        expected = np.full(len(EMOTIONS), (1 - self._config.neutral) / (len(EMOTIONS) - 1))
        expected[EMOTIONS.index("neutral")] = self._config.neutral
        return expected

    def _power(self) -> float:
        wait, full = self._config.wait, self._config.full
        return self._config.strength * min(1.0, max(0.0, (self._seconds - wait) / (full - wait)))
