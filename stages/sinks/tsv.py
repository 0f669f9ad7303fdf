"""Tab-separated values, as openai-whisper writes them."""

from __future__ import annotations

from lipstream.events import TranscriptFinal
from lipstream.pipeline.events import Event
from lipstream.stages.sinks.text import cell
from lipstream.stages.sinks.writer import Writer


class TsvWriter(Writer):
    """A header, then start and end in milliseconds and the text.

    Tabs and line breaks in the text become spaces; what a spreadsheet would calculate gets an apostrophe in front.
    """

    in_language = True
    is_amended = True

    def begin(self) -> None:
        """Write the header."""
        self.put("start\tend\ttext\n")

    def write(self, event: Event) -> None:
        """Write a finished segment."""
        if isinstance(event, TranscriptFinal) and (text := cell(event.text)):
            self.put(f"{round(event.start * 1000)}\t{round(event.end * 1000)}\t{text}\n")
            self.mark_content()
