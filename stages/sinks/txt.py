"""Plain text."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Self

from lipstream.config import Config
from lipstream.events import TranscriptFinal
from lipstream.pipeline.events import Event
from lipstream.stages.sinks.speakers import TurnMarks, parts_of
from lipstream.stages.sinks.text import clean
from lipstream.stages.sinks.writer import Writer


class TxtWriter(Writer):
    """One segment a line, and a line of its own for everybody who takes over within one.

    Where the speaker changes there is a dash before the text, or the name, as `subtitles.speakers` says.
    """

    in_language = True
    is_amended = True
    marks: ClassVar[str] = "dash"

    def __init__(self, path: Path, source: str = "") -> None:
        super().__init__(path, source)
        self._marks = TurnMarks(self.marks)

    @classmethod
    def configured(cls, config: Config) -> type[Self]:
        """The same with the marks of a configuration."""
        settings = {"__module__": cls.__module__, "__doc__": cls.__doc__, "marks": config.subtitles.speakers}
        return type(cls.__name__, (cls,), settings)

    def write(self, event: Event) -> None:
        """Write the text of a finished segment."""
        if not isinstance(event, TranscriptFinal) or not clean(event.text):
            return
        parts = parts_of(event) if self.marks != "none" else parts_of(event)[:1]
        texts = [event.text] if len(parts) == 1 else [said.text for said in parts]
        for said, text in zip(parts, texts, strict=True):
            self.put(f"{clean(self._marks.before(said, self.book) + text)}\n")
        self.mark_content()
