"""The emotions over time, as a table."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from lipstream.events import EmotionUpdate
from lipstream.pipeline.events import Event
from lipstream.stages.sinks.writer import Writer

COLUMNS = (
    *("start", "end", "face", "label"),
    *("neutral", "happy", "sad", "angry", "fearful", "disgusted", "surprised"),
    *("valence", "arousal", "weight_face", "weight_voice"),
)
"""The header: times in seconds; the face's number, empty for none; the probability of each emotion."""


class EmotionCsvWriter(Writer):
    """A header, then one row for each `EmotionUpdate`; commas between, RFC 4180 with plain line feeds."""

    needs_run = True

    def __init__(self, path: Path, source: str = "") -> None:
        super().__init__(path, source)
        self._row = io.StringIO()
        self._rows = csv.DictWriter(self._row, COLUMNS, lineterminator="\n")

    def begin(self) -> None:
        """Write the header."""
        self._rows.writeheader()
        self._put_row()

    def write(self, event: Event) -> None:
        """Write an update."""
        if not isinstance(event, EmotionUpdate):
            return
        self._rows.writerow(
            {
                "start": f"{event.start:.3f}",
                "end": f"{event.end:.3f}",
                "face": event.face,
                "label": event.label,
                **event.probabilities,
                "valence": event.valence,
                "arousal": event.arousal,
                "weight_face": event.weights["face"],
                "weight_voice": event.weights["voice"],
            }
        )
        self._put_row()
        if any(event.weights.values()):
            self.mark_content()

    def _put_row(self) -> None:
        self.put(self._row.getvalue())
        self._row.seek(0)
        self._row.truncate()
