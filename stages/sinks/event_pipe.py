"""Every event to a pipe, for programs that read along."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from typing import BinaryIO

from lipstream.pipeline.component import EventSink
from lipstream.pipeline.errors import UserError
from lipstream.pipeline.events import Error, Event
from lipstream.stages.sinks.jsonl import JsonlWriter
from lipstream.stages.sinks.text import json_text

_STDOUT = 1


def reader_gone(error: OSError) -> bool:
    """Whether writing failed because nobody reads any more."""
    return isinstance(error, (BrokenPipeError, ConnectionResetError))


class EventPipe(EventSink):
    """Writes `Event.to_dict` of every event as a line of JSON, at once.

    A file run waits for a slow reader; of a live run it misses what later events supersede. When the reader goes away
    (`| head`), nothing more is written, and the run goes on with its other outputs. What cannot be written for any
    other reason, such as a full disk, ends the run of a recording; a live run goes on without it, and says so.

    Args:
        file: where to; closed at the end.
        gone: called once when the reader has gone away.
        name: what messages call the place.

    Attributes:
        failure: why a live run went on without it, None if it did not.
    """

    def __init__(self, file: BinaryIO, gone: Callable[[], None] = lambda: None, name: str = "--events") -> None:
        self.failure: str | None = None
        self._file: BinaryIO | None = file
        self._gone = gone
        self._name = name

    def handle(self, event: Event) -> None:
        """Write the event.

        Raises:
            UserError: it cannot be written, though there is a reader, and the run is not live.
        """
        if self._file is None:
            return
        try:
            self._file.write(f"{json_text(event.to_dict())}\n".encode("utf-8", "replace"))
            self._file.flush()
        except OSError as error:
            self.close()
            if reader_gone(error):
                self._gone()
            else:
                self._fail(error)

    def _fail(self, error: OSError) -> None:
        message = f"{self._name}: cannot be written any more: {error.strerror}"
        if self.context.lossless:
            raise UserError(message) from error
        self.failure = message
        self.publish(Error(stage=self.context.name, message=message, recoverable=True))

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
