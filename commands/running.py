"""One run of a pipeline from a verb: outputs, terminal, Ctrl-C."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from lipstream import Pipeline
from lipstream.commands.failures import handled, note
from lipstream.commands.outputs import Outputs, names
from lipstream.events import SpeechEnded, TranscriptFinal
from lipstream.pipeline import End, Event, EventSink, Stats
from lipstream.stages.failures import FAILED_SEGMENTS
from lipstream.stages.sinks import ConsoleSink

log = logging.getLogger(__name__)

_POLL_SECONDS = 0.1
_NOTABLE_LOSS = 0.05
"""Seconds of lost sound from which on the closing line speaks of them."""


class Outcome(EventSink):
    """What is known when a run is over.

    Attributes:
        end: the `End` event, None if it never came.
        wall: wall-clock seconds the run took.
        heard: segments of speech that ended.
        written: segments of which a text came.
        counters: the run's named totals.
    """

    def __init__(self) -> None:
        self.end: End | None = None
        self.wall = 0.0
        self.heard = 0
        self.written = 0
        self.counters: dict[str, float] = {}

    def handle(self, event: Event) -> None:
        """Keep what counts."""
        if isinstance(event, End):
            self.end = event
        elif isinstance(event, Stats):
            self.wall, self.counters = event.wall, event.counters
        elif isinstance(event, SpeechEnded):
            self.heard += 1
        elif isinstance(event, TranscriptFinal):
            self.written += 1
        if not event.ephemeral:
            log.debug("%s", event)

    @property
    def failed(self) -> bool:
        """Whether a component failed."""
        return self.end is not None and self.end.reason == "failed"

    @property
    def losses(self) -> str:
        """What is missing from the captions, to be put behind the closing line; empty if nothing is."""
        missing = []
        off_camera = self.counters.get("audio.off_camera_seconds", 0.0)
        if (failed := round(self.counters.get(FAILED_SEGMENTS, 0))) > 0:
            missing.append(f"recognition failed on {failed} of {self.heard} stretches of speech")
        elif self.heard and not self.written and not off_camera:
            missing.append("speech was heard, but nothing could be understood")
        if (lost := self.counters.get("audio.lost_seconds", 0.0)) >= _NOTABLE_LOSS:
            missing.append(f"{lost:.1f} s of sound were lost")
        if off_camera:
            missing.append(f"{off_camera:.1f} s of speech off camera were left out")
        return "".join(f"; {each}" for each in missing)

    @property
    def unrecognised(self) -> bool:
        """Whether there was speech and recognition failed on all of it."""
        return not self.written and self.counters.get(FAILED_SEGMENTS, 0) > 0

    @property
    def interrupted(self) -> bool:
        """Whether the run was ended from outside."""
        return self.end is None or self.end.reason == "stopped"


def execute(
    pipeline: Pipeline,
    outputs: Outputs,
    console: ConsoleSink | None,
    invitation: str | None = None,
    foreground: Callable[[], bool] | None = None,
) -> Outcome:
    """Run a pipeline to its end, or to Ctrl-C; every output is complete afterwards.

    Args:
        pipeline: not started yet.
        outputs: the files to write.
        console: the terminal, or None.
        invitation: a line to print once everything is loaded and the sources deliver.
        foreground: work for the calling thread, done again and again while the run goes on; waits a moment itself when
            there is nothing to do, and returns False to end the run.

    Raises:
        UserError: something the user can mend.
        StageFailed: a component failed; what was finished before is saved.
    """
    outcome = Outcome()
    for name, writer in outputs.writers.items():
        pipeline.add_sink(f"{name.replace('.', ' ')} writer", writer)
    if console is not None:
        pipeline.add_sink("console", console)
    pipeline.add_sink("outcome", outcome)
    with interrupts() as interrupted:
        pipeline.start()
        try:
            while not pipeline.wait(_POLL_SECONDS if foreground is None else 0):
                if invitation is not None and pipeline.begun:
                    note(invitation)
                    invitation = None
                if interrupted.is_set() or (foreground is not None and not _goes_on(pipeline, foreground)):
                    pipeline.stop()
                    pipeline.wait(0)
                    break
        finally:
            outputs.settle()
            if console is not None:
                console.close()
            if outcome.failed and outputs.saved:
                note(f"what was finished before the failure is in {names(outputs.saved)}")
    return outcome


def _goes_on(pipeline: Pipeline, foreground: Callable[[], bool]) -> bool:
    try:
        return foreground()
    except Exception:
        # What was recognised until then is saved all the same.
        pipeline.stop()
        raise


@contextmanager
def interrupts() -> Iterator[threading.Event]:
    """An event that is set by Ctrl-C, a closed terminal or a polite kill; a second Ctrl-C interrupts as usual.

    An exception out of nowhere could hit the start or the stop of a run half-way.
    """
    asked = threading.Event()

    def ask(number: int, frame: FrameType | None) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()

    wanted = [signal.SIGINT, signal.SIGTERM]
    # nohup ignores SIGHUP, and means it. A script's "&" ignores SIGINT too, but `kill -INT` is how to end such a run.
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        wanted.append(signal.SIGHUP)
    with handled(wanted, ask):
        yield asked
