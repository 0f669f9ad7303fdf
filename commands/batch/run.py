"""The driver: has what is planned done, and keeps the rows as they come."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lipstream.commands.batch.journal import Journal
from lipstream.commands.batch.progress import Progress
from lipstream.commands.batch.recording import Recording
from lipstream.commands.batch.rows import Row
from lipstream.commands.batch.settings import Settings
from lipstream.commands.failures import report
from lipstream.pipeline import UserError

POLL_SECONDS = 0.1
_FATAL = {"PlaceError"}
_FATAL_AT_FIRST = {"ModelError", "AssetError"}
"""What is not the recording's fault if no recording has been done yet."""

Done = tuple[Recording, Row]


@dataclass(frozen=True, slots=True)
class Limits:
    """When to stop before the end.

    Attributes:
        asked: set by Ctrl-C.
        errors: most recordings that may fail; None for any number.
    """

    asked: threading.Event
    errors: int | None = None


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run ended.

    Attributes:
        interrupted: by Ctrl-C.
        gave_up: because more failed than may.
    """

    interrupted: bool = False
    gave_up: bool = False


def drive(results: Iterator[Done], journal: Journal, progress: Progress, limits: Limits) -> Ending:
    """Keep each row as it comes.

    Args:
        results: recordings with their rows; drawn from on a thread of its own, so that Ctrl-C is heard meanwhile.
        journal: entered.
        progress: counts, and shows how far it is.
        limits: when to stop.

    Raises:
        UserError: nothing can go on: the rows cannot be kept, outputs cannot be written, networks cannot be loaded.
    """
    for result in _heard(results, limits.asked, progress):
        if result is None:
            return Ending(interrupted=True)
        recording, row = result
        if not row.done and (row.error_class in _FATAL or (row.error_class in _FATAL_AT_FIRST and not progress.done)):
            raise UserError(row.error or row.error_class or "a worker failed")
        journal.append(recording, row)
        progress.add(recording, row)
        if not row.done:
            progress.clear()
            source, line = row.source, row.error or ""
            report(line if source in line else f"{source}: {line}")
            if limits.errors is not None and progress.failed > limits.errors:
                return Ending(gave_up=True)
    if progress.left:
        raise UserError(f"Ray has lost {progress.left} recordings; the same command does them")
    return Ending()


def checked(results: Iterator[Done], settings: Settings) -> Iterator[Done]:
    """The same results, as long as workers make what is wanted.

    Raises:
        UserError: a worker has other networks, another version or another configuration.
    """
    for recording, row in results:
        if row.made != settings.made_of(recording):
            raise UserError(
                f"{row.host or 'a worker'} has another version of Lipstream or other networks than this machine; "
                f"install the same everywhere"
            )
        yield recording, row


def _heard(results: Iterator[Done], asked: threading.Event, progress: Progress) -> Iterator[Done | None]:
    """The results, and None as the last if Ctrl-C came."""
    arrived: queue.SimpleQueue[Done | BaseException | None] = queue.SimpleQueue()
    threading.Thread(target=_draw, args=(results, arrived), name="rows", daemon=True).start()
    while True:
        progress.show()
        stopping = asked.is_set()
        try:
            # What has arrived by now is kept.
            result = arrived.get(timeout=0 if stopping else POLL_SECONDS)
        except queue.Empty:
            if stopping:
                yield None
                return
            continue
        if result is None:
            return
        if isinstance(result, BaseException):
            if isinstance(result, UserError):
                raise result
            raise UserError(f"Ray has stopped: {_told(result)}; the same command goes on from here") from result
        yield result


def _draw(results: Iterator[Done], arrived: queue.SimpleQueue[Done | BaseException | None]) -> None:
    try:
        for result in results:
            arrived.put(result)
    except BaseException as error:  # noqa: BLE001 - it is raised where the results are awaited
        arrived.put(error)
    else:
        arrived.put(None)


def _told(error: BaseException) -> str:
    """The last line that says something: Ray puts whole tracebacks into its messages."""
    lines: Sequence[str] = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[-1]}" if lines else type(error).__name__
