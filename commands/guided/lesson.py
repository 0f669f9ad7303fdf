"""Which sentence is to be read, and what becomes of what was heard."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from lipstream.models.av_speech.enrolment.read_aloud import Readings
    from lipstream.models.av_speech.recording import Float32, Recording

TRIES: Final = 2
"""How often a sentence is asked for that is heard to be another."""


class Lesson:
    """Leads through the sentences until enough was read.

    Args:
        readings: where sentences are kept.
        goal: seconds to gather, those gathered before included.
        hears: the recogniser, which tells whether it was the sentence that was read.

    Attributes:
        sentence: to be read now.
    """

    def __init__(self, readings: Readings, goal: float, hears: Callable[[Float32], str]) -> None:
        from lipstream.models.av_speech.enrolment.sentences import still_to_read

        self.goal = goal
        self._readings = readings
        self._hears = hears
        self._coming = still_to_read(readings.texts)
        self._tries = 0
        self.sentence = next(self._coming)

    @property
    def seconds(self) -> float:
        """Gathered so far."""
        return self._readings.seconds

    @property
    def done(self) -> bool:
        """Whether enough was gathered."""
        return self.seconds >= self.goal

    def take(self, recording: Recording) -> str:
        """Judge what was just said, and keep it if it is the sentence; returns a line about it."""
        from lipstream.models.av_speech.enrolment.take_check import LEAST_LIKENESS, fault, likeness

        heard = self._hears(recording.sound)
        if not heard:
            return "that was no speech; read the sentence"
        if (wrong := fault(recording)) is not None:
            return f"not kept: {wrong}"
        if likeness(self.sentence, heard) < LEAST_LIKENESS:
            self._tries += 1
            if self._tries < TRIES:
                return f"not kept: heard “{heard}”; read it once more"
            self.skip()
            return f"left out: heard “{heard}”; here is another sentence"
        self._readings.add(self.sentence, recording)
        self._next()
        return "kept"

    def skip(self) -> str:
        """Go on without this sentence; returns a line about it."""
        self._next()
        return "left out"

    def repeat(self) -> str:
        """Forget the sentence that was kept last, and ask for it again; returns a line about it."""
        from itertools import chain

        again = self._readings.drop_last()
        if again is None:
            return "nothing was kept yet"
        self._coming = chain([self.sentence], self._coming)
        self.sentence, self._tries = again, 0
        return "the last one was forgotten; read it again"

    def _next(self) -> None:
        self.sentence, self._tries = next(self._coming), 0
