"""WebVTT subtitles (https://www.w3.org/TR/webvtt1/)."""

from __future__ import annotations

from pathlib import Path

from pipeline.events import Event, TranscriptFinal
from stages.sinks.cues import split_cues
from stages.sinks.text import timestamp
from stages.sinks.writer import Writer

_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


class VttWriter(Writer):
    """Cues with `HH:MM:SS.mmm` times, text escaped as the format asks."""

    def __init__(self, path: Path, source: str = "") -> None:
        super().__init__(path, source)
        self._end = 0

    def begin(self) -> None:
        """Write the signature."""
        self.put("WEBVTT\n\n")

    def write(self, event: Event) -> None:
        """Write the cues of a finished segment."""
        if not isinstance(event, TranscriptFinal):
            return
        for cue in split_cues(event, self._end):
            self._end = cue.end
            text = "\n".join(line.translate(_ESCAPES) for line in cue.lines)
            self.put(f"{timestamp(cue.start)} --> {timestamp(cue.end)}\n{text}\n\n")
            self.mark_content()
