"""Plain text."""

from __future__ import annotations

import bisect
import math
from pathlib import Path
from typing import ClassVar, Self

from lipstream.config import Config
from lipstream.events import SoundEvent, TranscriptFinal
from lipstream.pipeline.events import End, Event
from lipstream.stages.sinks.speakers import TurnMarks, parts_of
from lipstream.stages.sinks.subtitles.sound_marks import mark_of
from lipstream.stages.sinks.text import clean
from lipstream.stages.sinks.writer import Writer


class TxtWriter(Writer):
    """One segment a line, and a line of its own for everybody who takes over within one.

    Where the speaker changes there is a dash before the text, or the name, as `subtitles.speakers` says. A sound has a
    line of its own, before the segment that begins next.
    """

    in_language = True
    is_amended = True
    tells_sounds = True
    marks: ClassVar[str] = "dash"

    def __init__(self, path: Path, source: str = "") -> None:
        super().__init__(path, source)
        self._marks = TurnMarks(self.marks)
        self._waiting: list[SoundEvent] = []
        self._lasting: set[tuple[str, float]] = set()

    @classmethod
    def configured(cls, config: Config) -> type[Self]:
        """The same with the marks of a configuration."""
        rules = config.subtitles
        settings = {
            "__module__": cls.__module__,
            "__doc__": cls.__doc__,
            "marks": rules.speakers,
            "tells_sounds": rules.sounds,
        }
        return type(cls.__name__, (cls,), settings)

    def write(self, event: Event) -> None:
        """Write the text of a finished segment, and the sounds before it."""
        if isinstance(event, SoundEvent):
            if self.tells_sounds:
                self._wait(event)
            return
        if not isinstance(event, TranscriptFinal) or not clean(event.text):
            return
        self._put_sounds(event.start)
        parts = parts_of(event) if self.marks != "none" else parts_of(event)[:1]
        texts = [event.text] if len(parts) == 1 else [said.text for said in parts]
        for said, text in zip(parts, texts, strict=True):
            self.put(f"{clean(self._marks.before(said, self.book) + text)}\n")
        self.mark_content()

    def complete(self, end: End | None) -> None:
        """Write the sounds behind the last segment."""
        self._put_sounds(math.inf)

    def _wait(self, sound: SoundEvent) -> None:
        key = (sound.label, sound.start)
        if key in self._lasting:
            # It is over, and has been taken when it began.
            self._lasting.discard(key)
            return
        if sound.end is None:
            self._lasting.add(key)
        bisect.insort(self._waiting, sound, key=lambda each: each.start)

    def _put_sounds(self, before: float) -> None:
        """Write the sounds that began before a time, in seconds."""
        while self._waiting and self._waiting[0].start < before:
            self.put(f"{mark_of(self._waiting.pop(0))}\n")
            self.mark_content()
