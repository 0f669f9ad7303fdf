"""Sounds that are no words, as cues in the pauses between what is said."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from copy import copy
from typing import Self

from lipstream.config.subtitles import SubtitlesConfig
from lipstream.events import SoundEvent
from lipstream.stages.sinks.subtitles.cue import Cue
from lipstream.stages.sinks.text import clean

CHAINED_MS = 500
"""A cue that would go off less than this before the next stays until that."""


def mark_of(sound: SoundEvent) -> str:
    """A sound as it is written: `[applause]`."""
    return f"[{clean(sound.label)}]"


class SoundMarks:
    """Puts each sound that is told of between the cues of what is said: once, as soon as there is room while it lasts.

    A mark stays as long as its sound and at least the least time of a cue, at most the longest, and keeps the gap to
    both sides. It never covers words: a sound in whose time there is no such room is left out.

    Args:
        rules: the limits; `sounds` off leaves all of them out.
    """

    def __init__(self, rules: SubtitlesConfig) -> None:
        self._on = rules.sounds
        self._gap = round(rules.gap * 1000)
        self._least = max(1, round(rules.min_duration * 1000))
        self._longest = round(rules.max_duration * 1000)
        self._waiting: list[SoundEvent] = []
        self._marked: set[tuple[str, float]] = set()
        self._free: int | None = None

    def add(self, sound: SoundEvent) -> None:
        """Take a sound that begins, or one that is over, which may have been told of when it began."""
        key = (sound.label, sound.start)
        if key in self._marked:
            self._marked.discard(key)
        elif self._on:
            others = [each for each in self._waiting if (each.label, each.start) != key]
            self._waiting = sorted([*others, sound], key=lambda each: each.start)

    def among(self, cues: Iterable[Cue]) -> Iterator[Cue]:
        """Cues of what is said, in order, with the sounds between them."""
        for cue in cues:
            yield from self._fill(cue.start)
            yield cue
            # Of two who speak at once the one who began later may end first.
            self._free = max(self._free or 0, cue.end + self._gap)

    def rest(self) -> Iterator[Cue]:
        """The sounds behind the last cue."""
        return self._fill(None)

    def aside(self) -> Self:
        """The same sounds, to try out what would follow."""
        other = copy(self)
        other._marked = set(self._marked)
        return other

    def _fill(self, following: int | None) -> Iterator[Cue]:
        """The marks before the cue that begins at `following`, milliseconds; before nothing where it is None."""
        latest = None if following is None else following - self._gap
        later: list[SoundEvent] = []
        for place, sound in enumerate(self._waiting):
            start, end = round(sound.start * 1000), None if sound.end is None else round(sound.end * 1000)
            begin = start if self._free is None else max(start, self._free)
            if latest is not None and begin >= latest:
                # So do all that begin later.
                later += self._waiting[place:]
                break
            if end is not None and start < begin >= end:
                # There were words all the while.
                continue
            elif (stays := self._stays(begin, end, latest)) is not None:
                self._free = stays + self._gap
                if end is None:
                    self._marked.add((sound.label, sound.start))
                yield Cue(begin, stays, (mark_of(sound),), sound=True)
            elif end is None or latest is None or end > latest:
                later.append(sound)
        self._waiting = later

    def _stays(self, begin: int, end: int | None, latest: int | None) -> int | None:
        """Until when a mark stays; None where there is too little room."""
        longest = begin + self._longest
        wanted = min(longest, max(begin + self._least, longest if end is None else end))
        if latest is None:
            return wanted
        if latest - begin < self._least:
            return None
        return latest if latest - wanted < CHAINED_MS and latest <= longest else min(wanted, latest)
