"""Voices for tests: vectors round a direction for each person."""

from __future__ import annotations

import numpy as np

from lipstream.models.voice.diarization import Heard


class Choir:
    """People whose windows scatter round their own direction, as the network's do.

    Args:
        seed: everything random follows from it.
        noise: length of what is added to a direction; 1 gives a likeness of about 0.5 within a person.
    """

    def __init__(self, seed: int = 0, noise: float = 0.8) -> None:
        self._random = np.random.default_rng(seed)
        self._noise = noise
        self._people: dict[str, np.ndarray] = {}
        self.time = 0.0
        self.segment = 0

    def voice(self, *names: str) -> np.ndarray:
        """A vector of somebody, or of several one after the other."""
        total = np.zeros(64)
        for name in names:
            if name not in self._people:
                self._people[name] = _unit(self._random.standard_normal(64))
            total += self._people[name]
        return _unit(_unit(total) + self._noise * _unit(self._random.standard_normal(64))).astype(np.float32)

    def says(self, *names: str, windows: int = 6, face: int | None = None, not_of: frozenset[int] = frozenset()):
        """A segment of somebody; with a second name that one takes over in the middle."""
        self.segment += 1
        found = []
        for index in range(windows * len(names)):
            whose = index // windows
            edges = windows * whose, windows * (whose + 1) - 1
            mixed = len(names) > 1 and index in edges and 0 < index < len(names) * windows - 1
            beside = whose - 1 if index == windows * whose and whose else min(whose + 1, len(names) - 1)
            voice = self.voice(names[whose], names[beside]) if mixed else self.voice(names[whose])
            start = self.time + 0.4 * index
            found.append(Heard(self.segment, start, start + 1.6, voice, face, not_of))
        self.time = found[-1].end + 0.5
        return found


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / np.linalg.norm(vector)
