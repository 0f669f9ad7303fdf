"""Which faces were in view when, and which of them together: two in one picture are two persons."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from itertools import combinations

OFTEN = 5
"""Pictures that two faces must share: one face may be found twice for a moment."""


class FacesSeen:
    """Remembers faces.

    Args:
        history: microseconds for which it is kept who was in view.

    Attributes:
        ever: all faces there were.
        together: pairs of faces that were in one picture.
    """

    def __init__(self, history: int) -> None:
        self.ever: set[int] = set()
        self.together: set[frozenset[int]] = set()
        self._history = history
        self._views: deque[tuple[int, frozenset[int]]] = deque()
        self._often: dict[frozenset[int], int] = {}

    def see(self, time: int, faces: Sequence[int]) -> None:
        """Take a picture with the faces in it."""
        self.ever.update(faces)
        self._views.append((time, frozenset(faces)))
        while self._views[0][0] < time - self._history:
            self._views.popleft()
        for pair in map(frozenset, combinations(faces, 2)):
            self._often[pair] = self._often.get(pair, 0) + 1
            if self._often[pair] >= OFTEN:
                self.together.add(pair)

    def between(self, start: int, end: int) -> frozenset[int]:
        """Faces that were in more than half of the pictures of a time."""
        views = [faces for time, faces in self._views if start <= time < end]
        counts: dict[int, int] = {}
        for faces in views:
            for face in faces:
                counts[face] = counts.get(face, 0) + 1
        return frozenset(face for face, count in counts.items() if 2 * count > len(views))
