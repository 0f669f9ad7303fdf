"""The words, as a table."""

from __future__ import annotations

from lipstream.events import TranscriptFinal
from lipstream.pipeline.events import Event
from lipstream.stages.sinks.data.columns import WORDS
from lipstream.stages.sinks.data.table_writer import TableWriter


class WordsCsvWriter(TableWriter):
    """A row for each word of each finished segment."""

    table = WORDS
    is_amended = True

    def write(self, event: Event) -> None:
        """Write the words of a finished segment."""
        if not isinstance(event, TranscriptFinal):
            return
        for index, word in enumerate(event.words):
            self.put_row(
                {
                    "segment": event.segment,
                    "index": index,
                    "start": f"{word.start:.3f}",
                    "end": f"{word.end:.3f}",
                    "word": word.word,
                    "confidence": round(word.confidence, 3),
                    "lip_gate": round(word.lip_gate, 3),
                    "face": event.face,
                    "off_camera": event.off_camera,
                    "language": event.language,
                    "speaker": word.speaker,
                    "name": None if word.speaker is None else self.book.names.get(word.speaker),
                }
            )
            self.mark_content()
