"""The people of a run by their faces: a few embeddings each, in memory alone."""

from __future__ import annotations

import numpy as np

from lipstream.models.face.backend import Float32
from lipstream.models.face.identity import likeness

_MOST = 12
"""Embeddings that are kept of a person."""
_NEWS = 0.65
"""Likeness to all that is kept of a person under which a look is worth keeping too."""


class Gallery:
    """Who looks like whom. Numbers of people are given from outside."""

    def __init__(self) -> None:
        self._looks: dict[int, list[Float32]] = {}

    def __contains__(self, person: int) -> bool:
        return person in self._looks

    @property
    def people(self) -> tuple[int, ...]:
        """All who are known, in the order they came."""
        return tuple(self._looks)

    def add(self, person: int, look: Float32) -> None:
        """Keep a look at a person, if it differs from those that are kept; the oldest but the first give way."""
        kept = self._looks.setdefault(person, [])
        if kept and float(likeness(np.stack(kept), look).max()) >= _NEWS:
            return
        kept.append(look)
        if len(kept) > _MOST:
            del kept[1]

    def forget(self, person: int) -> None:
        """Drop a person, if there is such a one."""
        self._looks.pop(person, None)

    def clear(self) -> None:
        """Drop everybody."""
        self._looks.clear()

    def likeness(self, person: int, look: Float32) -> float:
        """How much a look is like the nearest one that is kept of a person; minus infinity for who is not known."""
        kept = self._looks.get(person)
        return float(likeness(np.stack(kept), look).max()) if kept else -np.inf
