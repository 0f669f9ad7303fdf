"""Every event, one JSON object a line."""

from __future__ import annotations

from lipstream.pipeline.events import End, Error, Event, Stats
from lipstream.stages.sinks.text import json_text
from lipstream.stages.sinks.writer import Writer


class JsonlWriter(Writer):
    """`Event.to_dict` of every event of the run, in order."""

    needs_run = True

    def write(self, event: Event) -> None:
        """Write the event."""
        line = json_text(event.to_dict())
        self.put(f"{line}\n", flush=not event.ephemeral)
        if not isinstance(event, (Stats, Error, End)):
            self.mark_content()
