"""Who speaks when, as diarization is exchanged and scored: Rich Transcription Time Marked (NIST RT-09, appendix A)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from lipstream.events import SpeechEnded, TranscriptFinal, Word
from lipstream.pipeline.events import Event
from lipstream.stages.sinks.speakers import Said, called, parts_of
from lipstream.stages.sinks.text import clean
from lipstream.stages.sinks.writer import Writer

PAUSE = 0.5
"""Seconds without a word within which a turn goes on."""
UNKNOWN = "unknown"
"""Who speaks where that is not known."""


class RttmWriter(Writer):
    """A line for each turn; together the turns of a segment are what voice activity found to be speech.

    Where that is not known, as in a transcript that is converted, a turn is from its first word to its last, and a
    longer pause parts it.
    """

    is_amended = True
    noted = (TranscriptFinal, SpeechEnded)

    def __init__(self, path: Path, source: str = "") -> None:
        super().__init__(path, source)
        self._voiced: dict[int, tuple[float, float]] = {}
        self._recording = _field(path.name.removesuffix(".rttm"))

    def write(self, event: Event) -> None:
        """Write the turns of a finished segment."""
        if isinstance(event, SpeechEnded):
            self._voiced[event.segment] = event.start, event.end
        if not isinstance(event, TranscriptFinal):
            return
        # What two people say at once is not all that voice activity found, of either of them.
        voiced = None if event.overlaps else self._voiced.get(event.segment)
        # Speech that became no text; of two finals of one segment the second may come later.
        self._voiced = {
            segment: span
            for segment, span in self._voiced.items()
            if span[1] > event.start and (event.overlaps or segment != event.segment)
        }
        for said, spans in _turns(parts_of(event), voiced):
            name = UNKNOWN if said.speaker is None else _field(called(said.speaker, self.book.names.get(said.speaker)))
            for start, end in spans:
                length = max(0.001, end - start)
                self.put(f"SPEAKER {self._recording} 1 {start:.3f} {length:.3f} <NA> <NA> {name} <NA> <NA>\n")
                self.mark_content()


def _turns(
    parts: Sequence[Said], voiced: tuple[float, float] | None
) -> Iterator[tuple[Said, list[tuple[float, float]]]]:
    """The parts of a segment, each with when it is said."""
    if voiced is None:
        yield from ((said, _spans(said.words) or [(said.start, said.end)]) for said in parts)
        return
    borders = [(one.end + other.start) / 2 for one, other in pairwise(parts)]
    edges = [min(voiced[0], parts[0].start), *borders, max(voiced[1], parts[-1].end)]
    yield from ((said, [span]) for said, span in zip(parts, pairwise(edges), strict=True))


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
