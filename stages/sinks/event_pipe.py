"""Every event to a pipe, for programs that read along."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from typing import BinaryIO

from lipstream.pipeline.component import EventSink
from lipstream.pipeline.events import Event
from lipstream.stages.sinks.jsonl import JsonlWriter
from lipstream.stages.sinks.text import json_text

_STDOUT = 1


class EventPipe(EventSink):
    """Writes `Event.to_dict` of every event as a line of JSON, at once.

    A file run waits for a slow reader; of a live run it misses what later events supersede. When the reader goes away
    (`| head`), nothing more is written, and the run goes on with its other outputs.

    Args:
        file: where to; closed at the end.
        gone: called once when the reader has gone away.
    """

    def __init__(self, file: BinaryIO, gone: Callable[[], None] = lambda: None) -> None:
        self._file: BinaryIO | None = file
        self._gone = gone

    def handle(self, event: Event) -> None:
        """Write the event."""
        if self._file is None:
            return
        try:
            self._file.write(f"{json_text(event.to_dict())}\n".encode("utf-8", "replace"))
            self._file.flush()
        except OSError:
            self.close()
            self._gone()

    def close(self) -> None:
        """Let the reader see the end. Idempotent."""
        file, self._file = self._file, None
        if file is not None:
            # What a reader that has gone did not take is tried once more.
            with contextlib.suppress(OSError):
                file.close()


class FollowedJsonlWriter(JsonlWriter):
    """JSONL of which every line is there at once, also those that later events supersede."""

    def write(self, event: Event) -> None:
        """Write the event."""
        super().write(event)
        self.put("")


def standard_output() -> BinaryIO:
    """A file of its own on standard output, so that a reader that goes away spoils nothing for who prints there.

    Raises:
        OSError: standard output is closed.
    """
    return os.fdopen(os.dup(_STDOUT), "wb")
