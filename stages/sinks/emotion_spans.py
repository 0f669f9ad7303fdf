"""Emotion updates for readers: merged into intervals, and looked up by the time something was said."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from lipstream.events import EmotionUpdate

UNKNOWN = "unknown"
_CLOSE = 0.001
"""Updates follow each other if one begins this close to the end of the other, in seconds."""


@dataclass
class _Run:
    label: str
    start: float
    end: float
    sums: dict[str, dict[str, float]] = field(default_factory=dict)
    weight: float = 0.0
    speaker: int | None = None

    def add(self, update: EmotionUpdate) -> None:
        self.end = update.end
        # It is known once the face has spoken.
        self.speaker = self.speaker if update.speaker is None else update.speaker
        # Moments without evidence only hold the label; they count where there is nothing else.
        share = (update.end - update.start) * (1.0 if any(update.weights.values()) else 1e-6)
        affect = {"valence": update.valence, "arousal": update.arousal}
        for name, values in (("probabilities", update.probabilities), ("weights", update.weights), ("affect", affect)):
            sums = self.sums.setdefault(name, dict.fromkeys(values, 0.0))
            for key, value in values.items():
                sums[key] += value * share
        self.weight += share

    def means(self, name: str) -> dict[str, float]:
        return {key: round(value / max(self.weight, 1e-12), 4) for key, value in self.sums[name].items()}


class EmotionIntervals:
    """Merges the updates of each face, while its label stays the same, into one interval with the means of the rest."""

    def __init__(self) -> None:
        self._open: dict[int | None, _Run] = {}

    def add(self, update: EmotionUpdate) -> Iterator[dict[str, Any]]:
        """Take an update, and give the intervals that are thereby known to be over."""
        for face in [face for face, run in self._open.items() if run.end < update.start - _CLOSE]:
            yield self._record(face, self._open.pop(face))
        run = self._open.get(update.face)
        if run is not None and run.label != update.label:
            yield self._record(update.face, self._open.pop(update.face))
            run = None
        if run is None:
            run = self._open[update.face] = _Run(update.label, update.start, update.end)
        run.add(update)

    def finish(self) -> Iterator[dict[str, Any]]:
        """Give those still open."""
        for face, run in sorted(self._open.items(), key=lambda item: item[1].start):
            yield self._record(face, run)
        self._open.clear()

    def _record(self, face: int | None, run: _Run) -> dict[str, Any]:
        return {
            "start": round(run.start, 3),
            "end": round(run.end, 3),
            "label": run.label,
            "probabilities": run.means("probabilities"),
            **run.means("affect"),
            "weights": run.means("weights"),
            "face": face,
            "speaker": run.speaker,
        }


class EmotionTrack:
    """The updates of late, to look up what emotion something was said with.

    Args:
        history: seconds of updates kept; text may come so much later than it was said (`audio.track=each`).
    """

    def __init__(self, history: float = 240.0) -> None:
        self._history = history
        self._updates: deque[EmotionUpdate] = deque()

    def add(self, update: EmotionUpdate) -> None:
        """Take an update."""
        self._updates.append(update)
        while self._updates[0].end < update.end - self._history:
            self._updates.popleft()

    def label(self, start: float, end: float) -> str | None:
        """The label that prevails from `start` to `end` (seconds) of whoever spoke, None if none is known.

        Whoever spoke is who has voice in their updates; without such, the only face there is.
        """
        during = [each for each in self._updates if each.start < end and each.end > start and each.label != UNKNOWN]
        spoken = [each for each in during if each.weights["voice"] > 0]
        if not spoken and len({each.face for each in during}) == 1:
            spoken = during
        overlaps: dict[str, float] = {}
        for each in spoken:
            overlap = min(end, each.end) - max(start, each.start)
            overlaps[each.label] = overlaps.get(each.label, 0.0) + overlap
        return max(overlaps, key=lambda label: (overlaps[label], label), default=None)
