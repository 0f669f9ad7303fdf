"""What formats for annotators have in common: they are written at the end, from what was noted as it came."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from lipstream.events import EmotionUpdate, TranscriptCorrected, TranscriptFinal
from lipstream.pipeline.events import End, Event
from lipstream.stages.sinks.data.tiers import Interval, Tiers
from lipstream.stages.sinks.noted import event_of
from lipstream.stages.sinks.text import json_text
from lipstream.stages.sinks.writer import Writer


class AnnotationWriter(Writer):
    """Finals, as they are known at the end, and emotions of a run, as annotations in tiers.

    These formats name all times, or the length of the recording, before the first annotation, so they cannot grow. The
    part file has the events as lines of JSON, as in JSONL; at the end the tiers are made of it.
    """

    def __init__(self, path: Path, source: str = "") -> None:
        super().__init__(path, source)
        self._duration = 0.0

    def write(self, event: Event) -> None:
        """Note what is annotated."""
        if isinstance(event, (TranscriptFinal, TranscriptCorrected, EmotionUpdate)):
            self.put(f"{json_text(event.to_dict())}\n", flush=not event.ephemeral)
            if not isinstance(event, EmotionUpdate) or any(event.weights.values()):
                self.mark_content()
        self._duration = max(self._duration, event.emitted)

    def complete(self, end: End | None) -> None:
        """Take the length of the recording."""
        self._duration = self._duration if end is None else end.duration

    def convert(self) -> Path:
        """Make the tiers of the part file."""
        tiers = Tiers(self.book.names)
        with self.part.open(encoding="utf-8", newline="") as lines:
            for line in lines:
                event = event_of(json.loads(line))
                # The book has what is corrected.
                tiers.add(self.book.amended(event) if isinstance(event, TranscriptFinal) else event)
        found = tiers.finish()
        last = max((interval.end for tier in found.values() for interval in tier), default=0)
        with self.made_anew() as file:
            self.save(found, max(last, round(self._duration * 1000), 1), file)
        return self.made

    @abstractmethod
    def save(self, tiers: Mapping[str, list[Interval]], duration: int, file: BinaryIO) -> None:
        """Write a whole file.

        Args:
            tiers: by name.
            duration: milliseconds, not less than the end of the last interval.
            file: where to.
        """
