"""Who speaks when, as diarization is exchanged and scored: Rich Transcription Time Marked (NIST RT-09, appendix A)."""

from __future__ import annotations

import re
from pathlib import Path

from lipstream.events import TranscriptFinal, Word
from lipstream.pipeline.events import Event
from lipstream.stages.sinks.speakers import called, parts_of
from lipstream.stages.sinks.text import clean
from lipstream.stages.sinks.writer import Writer

PAUSE = 0.5
"""Seconds without a word within which a turn goes on."""
UNKNOWN = "unknown"
"""Who speaks where that is not known."""


class RttmWriter(Writer):
    """A line for each turn, from its first word to its last; a longer pause parts it."""

    tells_speakers = True

    def __init__(self, path: Path, source: str = "") -> None:
        super().__init__(path, source)
        self._recording = _field(path.name.removesuffix(".rttm"))

    def write(self, event: Event) -> None:
        """Write the turns of a finished segment."""
        if not isinstance(event, TranscriptFinal):
            return
        for said in parts_of(event):
            name = UNKNOWN if said.speaker is None else _field(called(said.speaker, self.book.names.get(said.speaker)))
            for start, end in _spans(said.words) or [(said.start, said.end)]:
                length = max(0.001, end - start)
                self.put(f"SPEAKER {self._recording} 1 {start:.3f} {length:.3f} <NA> <NA> {name} <NA> <NA>\n")
                self.mark_content()


def _spans(words: tuple[Word, ...]) -> list[tuple[float, float]]:
    spans: list[tuple[float, float]] = []
    for word in words:
        if spans and word.start - spans[-1][1] <= PAUSE:
            spans[-1] = spans[-1][0], max(spans[-1][1], word.end)
        else:
            spans.append((word.start, max(word.start, word.end)))
    return spans


def _field(text: str) -> str:
    """A text as a field: without white space, which parts fields."""
    return re.sub(r"\s+", "_", clean(text)) or "<NA>"
