"""Plain text."""

from __future__ import annotations

from lipstream.events import TranscriptFinal
from lipstream.pipeline.events import Event
from lipstream.stages.sinks.text import clean
from lipstream.stages.sinks.writer import Writer


class TxtWriter(Writer):
    """One segment a line."""

    in_language = True

    def write(self, event: Event) -> None:
        """Write the text of a finished segment."""
        if isinstance(event, TranscriptFinal) and (text := clean(event.text)):
            self.put(f"{text}\n")
            self.mark_content()
