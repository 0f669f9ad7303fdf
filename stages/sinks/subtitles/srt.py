"""SubRip subtitles."""

from __future__ import annotations

from lipstream.stages.sinks.subtitles.cue import Cue
from lipstream.stages.sinks.subtitles.writer import CueWriter
from lipstream.stages.sinks.text import timestamp, without_markup


class SrtWriter(CueWriter):
    """Numbered cues, `HH:MM:SS,mmm`, UTF-8 without a byte order mark; always plain text."""

    def record(self, cue: Cue, number: int) -> str:
        """Number, times, lines."""
        text = "\n".join(map(without_markup, cue.lines))
        return f"{number}\n{timestamp(cue.start, ',')} --> {timestamp(cue.end, ',')}\n{text}\n\n"
