"""SubRip subtitles."""

from __future__ import annotations

from pathlib import Path

from lipstream.events import TranscriptFinal
from lipstream.pipeline.events import Event
from lipstream.stages.sinks.cues import split_cues
from lipstream.stages.sinks.text import timestamp, without_markup
from lipstream.stages.sinks.writer import Writer


class SrtWriter(Writer):
    """Numbered cues, `HH:MM:SS,mmm`, UTF-8 without a byte order mark."""

    in_language = True

    def __init__(self, path: Path, source: str = "") -> None:
        super().__init__(path, source)
        self._number = 0
        self._end = 0

    def write(self, event: Event) -> None:
        """Write the cues of a finished segment."""
        if not isinstance(event, TranscriptFinal):
            return
        for cue in split_cues(event, self._end):
            self._number += 1
            self._end = cue.end
            times = f"{timestamp(cue.start, ',')} --> {timestamp(cue.end, ',')}"
            text = "\n".join(without_markup(line) for line in cue.lines)
            self.put(f"{self._number}\n{times}\n{text}\n\n")
            self.mark_content()
