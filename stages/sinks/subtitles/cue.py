"""One subtitle."""

from __future__ import annotations

from dataclasses import dataclass, replace

from lipstream.stages.sinks.subtitles.width import columns


@dataclass(frozen=True, slots=True)
class Spoken:
    """A word in a line.

    Attributes:
        text: the word, with what stands before it in the line: a space, a mark of who speaks.
        start: milliseconds.
        end: milliseconds, >= start.
    """

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Cue:
    """One subtitle.

    Attributes:
        start: milliseconds.
        end: milliseconds, > start.
        lines: its lines, with marks of who speaks.
        words: the words of each line, which together are the line; empty where their times are not known.
        voices: who says each line; empty, or None for a line, where that is not known.
        sound: whether it is the mark of a sound, and nothing that is said.
    """

    start: int
    end: int
    lines: tuple[str, ...]
    words: tuple[tuple[Spoken, ...], ...] = ()
    voices: tuple[str | None, ...] = ()
    sound: bool = False

    @property
    def chars(self) -> int:
        """Characters to be read, wide ones counted twice."""
        return sum(map(columns, self.lines))

    @property
    def cps(self) -> float:
        """Characters a second."""
        return self.chars / ((self.end - self.start) / 1000)

    def shifted(self, by: int) -> Cue | None:
        """The cue so many milliseconds later, cut off where the media begins; None if nothing of it is left."""
        if not by:
            return self
        if self.end + by <= 0:
            return None
        words = tuple(
            tuple(replace(each, start=each.start + by, end=each.end + by) for each in row) for row in self.words
        )
        return replace(self, start=max(0, self.start + by), end=self.end + by, words=words)
