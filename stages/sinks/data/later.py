"""What is known of a face later than its picture: whether it is the voice, and its emotion; joined by time."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from lipstream.events import EmotionUpdate, SpeakingProbability
from lipstream.pipeline.events import Event
from lipstream.stages.sinks.data.columns import EMOTIONS

Floats = npt.NDArray[np.float64]

_WIDTH = len(EMOTIONS) + 2


@dataclass(slots=True)
class _Emotions:
    """The updates of one face, in the order of time."""

    times: array[float] = field(default_factory=lambda: array("d"))
    values: array[float] = field(default_factory=lambda: array("d"))
    labels: list[str] = field(default_factory=list)

    def add(self, update: EmotionUpdate) -> None:
        self.times.extend((update.start, update.end))
        self.values.extend((*(update.probabilities[name] for name in EMOTIONS), update.valence, update.arousal))
        self.labels.append(update.label)


class Later:
    """Keeps what comes later and looks it up by time. An hour of one face takes 0.7 MB of speech, 0.7 of emotion."""

    def __init__(self) -> None:
        self._emotions: dict[int, _Emotions] = {}
        self._spoken_times = array("d")
        self._spoken = array("d")
        self._step = 0.0
        self._in_order: tuple[Floats, Floats] | None = None

    def add(self, event: Event) -> None:
        """Take an event; others than the two are of no interest."""
        if isinstance(event, EmotionUpdate) and event.face is not None and any(event.weights.values()):
            self._emotions.setdefault(event.face, _Emotions()).add(event)
        elif isinstance(event, SpeakingProbability):
            self._step, self._in_order = max(self._step, event.step), None
            for index, each in enumerate(event.own_voice):
                self._spoken_times.append(event.start + index * event.step)
                self._spoken.append(np.nan if each is None else each)

    def speaking(self, times: Floats) -> Floats:
        """(N,) probabilities that the speaker's mouth is the voice, NaN where that was not judged.

        Args:
            times: (N,) seconds.
        """
        if not self._spoken:
            return np.full(len(times), np.nan)
        known, spoken = self._spoken_in_order()
        after = np.clip(np.searchsorted(known, times), 1, len(known)) - 1
        after = np.minimum(after + 1, len(known) - 1)
        before = np.maximum(after - 1, 0)
        nearest = np.where(np.abs(known[after] - times) < np.abs(known[before] - times), after, before)
        found: Floats = spoken[nearest]
        found[np.abs(known[nearest] - times) > self._step] = np.nan
        return found

    def _spoken_in_order(self) -> tuple[Floats, Floats]:
        """Times and probabilities by growing time: segments that were judged again may come late."""
        if self._in_order is None:
            times, spoken = np.array(self._spoken_times), np.array(self._spoken)
            order = np.argsort(times, kind="stable")
            self._in_order = times[order], spoken[order]
        return self._in_order

    def emotions(self, times: Floats, faces: npt.NDArray[np.int64]) -> tuple[list[str | None], Floats]:
        """The labels of N rows, None where nothing was judged, and (N, 9) probabilities, valence and arousal, or NaN.

        Args:
            times: (N,) seconds.
            faces: (N,) ids.
        """
        labels: list[str | None] = [None] * len(times)
        values = np.full((len(times), _WIDTH), np.nan)
        for face, known in self._emotions.items():
            rows = np.flatnonzero(faces == face)
            spans = np.asarray(known.times).reshape(-1, 2)
            at = np.searchsorted(spans[:, 0], times[rows], "right") - 1
            within = (at >= 0) & (times[rows] < spans[np.maximum(at, 0), 1])
            rows, at = rows[within], at[within]
            values[rows] = np.asarray(known.values).reshape(-1, _WIDTH)[at]
            for row, index in zip(rows.tolist(), at.tolist(), strict=True):
                labels[row] = known.labels[index]
        return labels, values
