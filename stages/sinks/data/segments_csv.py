"""The stretches of speech, as a table."""

from __future__ import annotations

from statistics import fmean

from lipstream.events import TranscriptFinal
from lipstream.pipeline.events import Event
from lipstream.stages.sinks.data.columns import SEGMENTS
from lipstream.stages.sinks.data.table_writer import TableWriter


class SegmentsCsvWriter(TableWriter):
    """A row for each finished segment."""

    table = SEGMENTS
    is_amended = True

    def write(self, event: Event) -> None:
        """Write a finished segment."""
        if not isinstance(event, TranscriptFinal) or not event.text.strip():
            return
        confidences = [word.confidence for word in event.words]
        self.put_row(
            {
                "segment": event.segment,
                "start": f"{event.start:.3f}",
                "end": f"{event.end:.3f}",
                "text": event.text,
                "words": len(event.words),
                "confidence": round(fmean(confidences), 3) if confidences else None,
                "lip_gate": round(event.lip_gate, 3),
                "face": event.face,
                "off_camera": event.off_camera,
                "language": event.language,
                "speaker": event.speaker,
                "name": event.speaker_name,
                "overlaps": event.overlaps,
            }
        )
        self.mark_content()
