"""The guided session of enrolment: sentences to read aloud before the camera, one after the other."""

from __future__ import annotations

import argparse
import queue
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from lipstream import Pipeline
from lipstream.commands.failures import note
from lipstream.commands.guided.arguments import MINUTES, configured
from lipstream.commands.guided.lesson import Lesson
from lipstream.commands.guided.view import LessonView, View
from lipstream.commands.keys import Keys
from lipstream.commands.running import interrupts
from lipstream.events import SoundLevel
from lipstream.models.av_speech.enrolment.enrolment import LEAST_MINUTES
from lipstream.models.av_speech.enrolment.read_aloud import Readings
from lipstream.models.av_speech.recording import Float32, Recording
from lipstream.pipeline import Degraded, Error, Event, EventSink, Recovered
from lipstream.stages.enrol.takes import Takes, build_reading

if TYPE_CHECKING:
    from lipstream.config import Config

_POLL_SECONDS = 0.05
_READ = "read"
_ERROR = "error"


def gather(args: argparse.Namespace, work: Path) -> Readings | None:
    """Have sentences read until there are enough; what was read before counts.

    Args:
        args: of the command line.
        work: folder of the enrolment. What a training that was interrupted left there is removed if anything is added,
            for it would be one of other recordings.

    Returns:
        What was read; None if the reader ended it before there was enough for a profile.

    Raises:
        UserError: a device cannot be used, or the arguments do not go together.
        KeyboardInterrupt: Ctrl-C; what was read is kept.
    """
    config = configured(args)
    goal = 60 * (MINUTES if args.minutes is None else args.minutes)
    readings = Readings(work / _READ)
    if readings.seconds >= goal:
        note(f"{readings.seconds / 60:.1f} min were read before; --minutes asks for more")
    else:
        try:
            _read_aloud(config, Lesson(readings, goal, _recogniser()))
        finally:
            if readings.changed:
                _forget_training(work)
            if readings.names:
                note(f"{readings.seconds / 60:.1f} min were read and are kept until the profile is made")
    if readings.seconds < 60 * LEAST_MINUTES:
        note(f"a profile needs {LEAST_MINUTES:g} min; the same command goes on where you were")
        return None
    return readings


def _recogniser() -> Callable[[Float32], str]:
    from lipstream.commands.networks.speech_networks import engine

    hears = engine()
    return lambda sound: hears.decode(hears.encode(sound)).text


def _forget_training(work: Path) -> None:
    for path in work.iterdir():
        if path.name == _READ:
            continue
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


@dataclass
class Board(EventSink):
    """The newest of what the devices tell."""

    level: float = -100.0
    speaking: bool = False
    _troubles: dict[tuple[str, str], str] = field(default_factory=dict)

    @property
    def trouble(self) -> str:
        """The newest of what is wrong and is not over; "" if nothing is."""
        return next(reversed(self._troubles.values()), "")

    def handle(self, event: Event) -> None:
        """Note it."""
        if isinstance(event, SoundLevel):
            self.level, self.speaking = event.level, event.speech
        elif isinstance(event, Degraded):
            self._note(event.modality, event.stage, event.reason)
        elif isinstance(event, Error):
            self._note(_ERROR, event.stage, event.message)
        elif isinstance(event, Recovered):
            over = {(event.modality, event.stage), (_ERROR, event.stage)}
            self._troubles = {of: why for of, why in self._troubles.items() if of not in over}

    def _note(self, kind: str, stage: str, reason: str) -> None:
        # A new dictionary: the board is read on another thread.
        others = {of: why for of, why in self._troubles.items() if of != (kind, stage)}
        self._troubles = {**others, (kind, stage): reason}


def _read_aloud(config: Config, lesson: Lesson) -> None:
    taken: queue.Queue[Recording] = queue.Queue()
    takes = Takes(taken.put)
    pipeline = Pipeline(config, lambda given: build_reading(given, takes))
    board = Board()
    pipeline.add_sink("board", board)
    note("loading, wait before you speak")
    with interrupts() as interrupted, Keys() as keys, View(keys.there) as view:
        pipeline.start()
        try:
            while not lesson.done and not pipeline.wait(_POLL_SECONDS):
                if interrupted.is_set():
                    raise KeyboardInterrupt
                if not pipeline.begun:
                    continue
                if (key := keys.pressed()) == "q":
                    break
                line = _dealt_with(key, taken, lesson)
                view.show(_scene(lesson, board, takes), line)
        finally:
            pipeline.stop()


def _dealt_with(key: str, taken: queue.Queue[Recording], lesson: Lesson) -> str:
    """Act on a key, or else on what was said; returns a line about it, "" if there was neither."""
    if key == "s":
        return lesson.skip()
    if key == "r":
        return lesson.repeat()
    return "" if taken.empty() else lesson.take(taken.get())


def _scene(lesson: Lesson, board: Board, takes: Takes) -> LessonView:
    return LessonView(
        lesson.sentence, lesson.seconds, lesson.goal, board.level, board.speaking, takes.mouth_seen, board.trouble
    )
