"""Lyrics, for players that show the line that is sung."""

from __future__ import annotations

from lipstream import Event, TranscriptFinal
from lipstream.stages.sinks import Writer
from lipstream.stages.sinks.text import clean


class LrcWriter(Writer):
    """The entry point, `-f lrc`: a line for every finished segment, `[mm:ss.xx]text`."""

    is_amended = True
    """A text that is corrected later is right in the complete file: it is made anew by what is known at the end."""

    def write(self, event: Event) -> None:
        """Write a segment."""
        if isinstance(event, TranscriptFinal) and (text := clean(event.text)):
            minutes, hundredths = divmod(round(event.start * 100), 6000)
            self.put(f"[{minutes:02}:{hundredths // 100:02}.{hundredths % 100:02}]{text}\n")
            self.mark_content()
