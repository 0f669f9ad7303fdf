"""`--events`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from lipstream.commands.extras.base import Extra, path_of
from lipstream.commands.failures import note

if TYPE_CHECKING:
    from lipstream import Pipeline
    from lipstream.commands.running import Outcome
    from lipstream.stages.sinks import Writer
    from lipstream.stages.sinks.event_pipe import EventPipe

STDOUT = "-"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add --events."""
    parser.add_argument(
        "--events",
        metavar="-|FILE",
        help="write every event as a line of JSON, as it comes: - for standard output, where captions then do not go; "
        "a named pipe; or a file",
    )


def from_args(args: argparse.Namespace) -> Events | None:
    """What was asked for, or None.

    Raises:
        UserError: no file can have that name.
    """
    if args.events is None:
        return None
    return Events(None if args.events == STDOUT else path_of("--events", args.events))


class Events(Extra):
    """The events as JSONL, for other programs.

    Args:
        path: None for standard output. A pipe or a device is written to directly; any other path names a
            file, which grows as `NAME.part` and takes its place at the end like every output.

    Attributes:
        ends_run: end the run when the reader goes away: nobody else wants it.
    """

    option = "--events"

    def __init__(self, path: Path | None) -> None:
        self.takes_stdout = path is None
        self.path = path
        self.ends_run = False
        self._writer: Writer | None = None
        self._pipe: EventPipe | None = None

    @property
    def failure(self) -> str | None:
        """Why the events of a live run are not complete, None if they are, or nobody wanted them."""
        sink = self._writer or self._pipe
        return None if sink is None else sink.failure

    def attach(self, pipeline: Pipeline, quiet: bool) -> None:
        """Write the events of a run.

        Raises:
            UserError: they cannot be written there.
        """
        from lipstream.pipeline import UserError
        from lipstream.stages.sinks.event_pipe import EventPipe, FollowedJsonlWriter

        sink: EventPipe | FollowedJsonlWriter
        if self.path is not None and (self.path.is_file() or not self.path.exists()):
            sink = self._writer = FollowedJsonlWriter(self.path)
            sink.open()
        else:
            try:
                file = self._open_pipe(quiet)
            except OSError as error:
                raise UserError(f"--events {self.path or STDOUT}: cannot write there: {error.strerror}") from error
            stop = pipeline.stop if self.ends_run else lambda: None
            sink = self._pipe = EventPipe(file, stop, f"--events {self.path or STDOUT}")
        pipeline.add_sink("events", sink)

    def finish(self, outcome: Outcome) -> bool:
        """Wait until the file is complete."""
        from lipstream.commands.outputs import SAVE_SECONDS

        return self._writer is not None and self._writer.wait(SAVE_SECONDS) and self._writer.saved

    def discard(self) -> None:
        """Leave no empty file."""
        if self._writer is not None and not self._writer.used:
            self._writer.discard()

    def _open_pipe(self, quiet: bool) -> BinaryIO:
        from lipstream.stages.sinks.event_pipe import standard_output

        if self.path is None:
            return standard_output()
        if self.path.is_fifo() and not quiet:
            note(f"waiting for somebody to read {self.path}")
        return self.path.open("wb")
