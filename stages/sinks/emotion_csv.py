"""The emotions over time, as a table."""

from __future__ import annotations

from lipstream.events import EmotionUpdate
from lipstream.pipeline.events import Event
from lipstream.stages.sinks.data.columns import EMOTION
from lipstream.stages.sinks.data.table_writer import TableWriter

COLUMNS = EMOTION.header
"""The header: the recording; times in seconds; the face's number, empty for none; the probability of each emotion."""


class EmotionCsvWriter(TableWriter):
    """A row for each `EmotionUpdate`."""

    table = EMOTION
    needs_run = True

    def write(self, event: Event) -> None:
        """Write an update."""
        if not isinstance(event, EmotionUpdate):
            return
        self.put_row(
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
                "speaker": event.speaker,
            }
        )
        if any(event.weights.values()):
            self.mark_content()
