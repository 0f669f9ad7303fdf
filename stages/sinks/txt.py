"""Plain text."""

from __future__ import annotations

from pipeline.events import Event, TranscriptFinal
from stages.sinks.text import clean
from stages.sinks.writer import Writer


class TxtWriter(Writer):
    """One segment a line."""

    def write(self, event: Event) -> None:
        """Write the text of a finished segment."""
        if isinstance(event, TranscriptFinal) and (text := clean(event.text)):
            self.put(f"{text}\n")
            self.mark_content()
