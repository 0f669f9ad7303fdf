"""The work on one recording: fetch it, caption it, put its outputs in their place, and tell what became of it."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import posixpath
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from lipstream.commands.batch.places import Store, is_address
from lipstream.commands.batch.recording import Recording
from lipstream.commands.batch.rows import DONE, FAILED, Row
from lipstream.commands.batch.scratch import scratch
from lipstream.commands.batch.settings import Settings, versions
from lipstream.commands.batch.targets import Target
from lipstream.commands.failures import describe

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Report:
    """What captioning a recording gave.

    Attributes:
        duration: of the media, in seconds.
        words: how many were written.
        files: the outputs, complete.
        notes: see `Row.notes`.
    """

    duration: float
    words: int
    files: Sequence[Path]
    notes: Sequence[str] = ()


Work = Callable[[Recording, Path, Path], Report]
"""Captions a recording that lies at a path, into an empty folder. Raises what `commands/failures.py` describes."""


class Stopped(BaseException):
    """The process is asked to end; the recording is not done. Not an `Exception`: it says nothing of the recording."""


def handle(recording: Recording, work: Work, target: Target, settings: Settings) -> Row:
    """Do one recording, and tell what became of it.

    Args:
        recording: which.
        work: what captions it.
        target: where the outputs belong.
        settings: of the run.

    Returns:
        Its row; whatever went wrong with the recording is in it.

    Raises:
        Stopped: the process is asked to end.
    """
    begun, path = time.monotonic(), Path(recording.source)
    row = Row(
        recording.key,
        recording.source,
        FAILED,
        settings.made_of(recording),
        name=recording.name,
        size=recording.size,
        version=recording.version,
        host=socket.gethostname(),
    )
    try:
        with target.begun(recording) as folder:
            with _here(recording) as path:
                row = _looked_at(row, recording, path)
                report = work(recording, path, folder)
            outputs = target.deliver(recording, report.files)
        row = replace(
            row,
            status=DONE,
            duration=round(report.duration, 3),
            words=report.words,
            notes=tuple(report.notes),
            outputs=outputs,
        )
    except Exception as error:
        # One recording must not keep the others from being done.
        message, _ = describe(error) or (" ".join(f"{type(error).__name__}: {error}".split()), 1)
        log.debug("%s failed", recording.source, exc_info=error)
        # Of the copy that was fetched nobody knows.
        row = replace(row, error_class=type(_cause(error)).__name__, error=message.replace(str(path), recording.source))
    now = datetime.now(UTC).isoformat(timespec="microseconds")
    return replace(row, wall=round(time.monotonic() - begun, 3), finished=now, versions=versions())


@contextlib.contextmanager
def _here(recording: Recording) -> Iterator[Path]:
    """The recording as a file of this machine."""
    if not is_address(recording.source):
        yield Path(recording.source)
        return
    with scratch("lipstream-fetched-") as folder:
        # The ending alone: FFmpeg goes by it where the content does not tell.
        ending = posixpath.splitext(recording.source.partition("?")[0])[1]
        path = folder / f"recording{ending}"
        Store(recording.source).download(path)
        yield path


def _looked_at(row: Row, recording: Recording, path: Path) -> Row:
    """The row with what tells the recording from what it may be later."""
    if not path.is_file():
        return row  # Who opens it says what is wrong.
    with path.open("rb") as file:
        facts = os.fstat(file.fileno())
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    version = str(facts.st_mtime_ns)
    if is_address(recording.source):
        version = recording.version if recording.size is not None else Store(recording.source).stat().version
    return replace(row, size=facts.st_size, version=version, sha256=digest)


def _cause(error: Exception) -> BaseException:
    from lipstream.pipeline import StageFailed

    return error.cause if isinstance(error, StageFailed) else error
