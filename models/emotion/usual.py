"""A person is judged against what is usual for them: some faces look sad, some voices sound afraid, when nothing is.

Until that is known, against what is usual for people.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lipstream.models.emotion.classes import EMOTIONS

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class UsualConfig:
    """How soon and how far a person is judged against their own mean.

    Attributes:
        wait: seconds of evidence that change nothing yet: a short clip is judged as it is.
        full: seconds of evidence after which the correction has its whole strength.
        memory: seconds over which the mean is taken (exponentially).
        floor: no emotion counts as rarer than this in the mean.
        most: no probability is multiplied or divided by more than this. What the networks are off by for a person is
            less; and who smiles all the time is still seen to smile.
        calm_face: times that neutral is likelier of people in view than the networks expect, which learnt from
            photographs and acted speech, neutral in one of six or seven. It counts while a person is new.
        calm_voice: the same where there is a voice alone, which the networks judge better.
        new: seconds of evidence for which a person is new; from then to `full` the times fall to 1.
        expected: (7,) what people who talk show on average, in the order of `EMOTIONS`. An assumption: half of the time
            neutral, and the rest as the networks share it out, of which some is confusion of neutral with sad.
    """

    wait: float = 3.0
    full: float = 8.0
    memory: float = 60.0
    floor: float = 0.02
    most: float = 2.0
    calm_face: float = 3.0
    calm_voice: float = 1.5
    new: float = 5.0
    expected: tuple[float, ...] = (0.5, 0.12, 0.16, 0.06, 0.08, 0.04, 0.04)


class Usual:
    """What one person shows on average, and their probabilities corrected by it. Pure logic on given times.

    The networks are off by a constant for each person. So each probability is multiplied by what is expected of people
    over the mean of this one, to a power that grows from 0 to 1 with the evidence: as the priors of a classifier are
    changed (Saerens et al., "Adjusting the Outputs of a Classifier to New a Priori Probabilities", Neural Computation
    14, 2002). An emotion that somebody shows without a break becomes usual by that, and is no longer told.
    """

    def __init__(self, config: UsualConfig | None = None) -> None:
        self._config = config or UsualConfig()
        self._expected: Float64 = np.array(self._config.expected, np.float64)
        self._sum: Float64 = np.zeros(len(EMOTIONS), np.float64)
        self._weight = 0.0
        self._seconds = 0.0

    def corrected(self, probabilities: Float32, seconds: float, *, face: bool) -> Float32:
        """Take in one update, and give it as it is for this person.

        Args:
            probabilities: (7,) of the update.
            seconds: how long it is, > 0.
            face: whether a face is among what it was judged by.

        Returns:
            (7,) which sum to 1.
        """
        kept = math.exp(-seconds / self._config.memory)
        self._sum = kept * self._sum + seconds * probabilities.astype(np.float64)
        self._weight = kept * self._weight + seconds
        self._seconds += seconds
        mean = np.maximum(self._sum / self._weight, self._config.floor)
        most = self._config.most
        own = probabilities * np.clip(self._expected / mean, 1 / most, most) ** self._power()
        own[0] *= (self._config.calm_face if face else self._config.calm_voice) ** self._newness()
        return np.asarray(own / own.sum(), np.float32)

    def _power(self) -> float:
        wait, full = self._config.wait, self._config.full
        return min(1.0, max(0.0, (self._seconds - wait) / (full - wait)))

    def _newness(self) -> float:
        """1 of somebody of whom nothing is known, 0 of somebody known."""
        new, full = self._config.new, self._config.full
        return min(1.0, max(0.0, (full - self._seconds) / (full - new)))
