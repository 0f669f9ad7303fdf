"""How far a batch is: one line, drawn over on a terminal, now and then in a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from typing import TextIO

from lipstream.commands.batch.recording import Recording
from lipstream.commands.batch.rows import Row
from lipstream.commands.failures import note
from lipstream.stages.printable import printable
from lipstream.stages.sinks.media_progress import clock


class Display:
    """Where the line is shown: on standard error, now and then.

    Attributes:
        interval: seconds between two lines.
    """

    interval = 60.0

    def draw(self, line: str) -> None:
        """Show a line in place of the one before."""
        note(line)

    def clear(self) -> None:
        """Take the line away, for another to be printed or for good."""


class Terminal(Display):
    """A terminal, on which the line is drawn over.

    Args:
        stream: its stream.
    """

    interval = 0.5

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def draw(self, line: str) -> None:
        """See `Display`."""
        self._stream.write(f"\r\x1b[K{printable(line)}")
        self._stream.flush()

    def clear(self) -> None:
        """See `Display`."""
        self._stream.write("\r\x1b[K")
        self._stream.flush()


def display() -> Display:
    """Standard error, as it is."""
    return Terminal(sys.stderr) if sys.stderr is not None and sys.stderr.isatty() else Display()


class Progress:
    """Counts rows, and shows what they come to.

    Args:
        todo: what is before this run.
        display: where that is shown, or None.
        now: seconds, for the speed and the time left.

    Attributes:
        done: recordings done in this run.
        failed: those that failed in it.
        media: seconds of media done.
    """

    def __init__(
        self, todo: Sequence[Recording], display: Display | None, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._weigh = _weight(todo)
        self._total, self._count = sum(map(self._weigh, todo)), len(todo)
        self._display, self._now = display, now
        self._begun = self._shown = now()
        self._weighed = 0.0
        self.done = self.failed = 0
        self.media = 0.0

    def add(self, recording: Recording, row: Row) -> None:
        """Count a row."""
        self.done += row.done
        self.failed += not row.done
        self.media += row.duration
        self._weighed += self._weigh(recording)

    def show(self) -> None:
        """Show the line, if it is time."""
        if self._display is not None and self._now() - self._shown >= self._display.interval:
            self._shown = self._now()
            self._display.draw(self.line)

    def clear(self) -> None:
        """Take the line away, for another to be printed or for good."""
        if self._display is not None:
            self._display.clear()

    @property
    def line(self) -> str:
        """`37/1,000 done, 2 failed; 3.1 h of media, 11.2x real time; 1:12:05 left`."""
        failed = f", {self.failed:,} failed" if self.failed else ""
        parts = [f"{self.done:,}/{self._count:,} done{failed}", f"{self.media / 3600:.2f} h of media{self.speed}"]
        if self._weighed > 0:
            left = (self._now() - self._begun) * (self._total - self._weighed) / self._weighed
            parts.append(f"{clock(left)} left")
        return "; ".join(parts)

    @property
    def left(self) -> int:
        """Recordings that are still to be done."""
        return self._count - self.done - self.failed

    @property
    def speed(self) -> str:
        """`, 11.2x real time`, or nothing as long as that is not known."""
        took = self._now() - self._begun
        return f", {self.media / took:.1f}x real time" if took > 0 and self.media > 0 else ""

    @property
    def took(self) -> float:
        """Seconds since the beginning."""
        return self._now() - self._begun


def _weight(todo: Sequence[Recording]) -> Callable[[Recording], float]:
    """How much work a recording is, by the best that is known of all of them."""
    if all(each.duration is not None for each in todo):
        return lambda recording: recording.duration or 0.0
    if all(each.size is not None for each in todo):
        return lambda recording: float(recording.size or 0)
    return lambda recording: 1.0
