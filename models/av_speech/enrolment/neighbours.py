"""Recordings that follow each other, gathered to be read as one."""

from __future__ import annotations

from typing import Final, Generic, TypeVar

from lipstream.models.av_speech.recording import SAMPLE_RATE

TOGETHER: Final = 24.0
"""Seconds of sound that are read as one at most: a recogniser takes 30, and some of the end is lost near that."""

Item = TypeVar("Item")


class Neighbours(Generic[Item]):
    """Gathers what lasts `longest` seconds together at most; by itself what is longer."""

    def __init__(self, longest: float = TOGETHER) -> None:
        self._longest = longest * SAMPLE_RATE
        self._gathered: list[Item] = []
        self._samples = 0

    def __len__(self) -> int:
        return len(self._gathered)

    def add(self, item: Item, samples: int) -> list[Item]:
        """Gather one more; gives those before it where it would be too much with them, else none."""
        full = self.take() if self._gathered and self._samples + samples > self._longest else []
        self._gathered.append(item)
        self._samples += samples
        return full

    def take(self) -> list[Item]:
        """Give what was gathered, and begin anew."""
        gathered, self._gathered, self._samples = self._gathered, [], 0
        return gathered
