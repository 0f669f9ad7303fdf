"""Who reads finals comes first: who reads one once more gives way at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from lipstream.models.speech.interruption import Interruption
from lipstream.models.speech.recogniser import Hints, InFront, Recogniser, Transcript, Utterance
from lipstream.stages.speech.reading.reader import Reading


class Precedence:
    """Knows who reads, and interrupts who is to give way. From any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._first = 0
        self._giving_way: Interruption | None = None

    @contextmanager
    def first(self) -> Iterator[None]:
        """Read what somebody waits for."""
        with self._lock:
            self._first += 1
            if self._giving_way is not None:
                self._giving_way.ask()
        try:
            yield
        finally:
            with self._lock:
                self._first -= 1

    @contextmanager
    def giving_way(self) -> Iterator[Interruption]:
        """Read what nobody waits for; by one at a time. The interruption is asked for already if another reads now."""
        interruption = Interruption()
        with self._lock:
            if self._first:
                interruption.ask()
            self._giving_way = interruption
        try:
            yield interruption
        finally:
            with self._lock:
                self._giving_way = None


class FirstReader(InFront):
    """A recogniser for whose finished speech others give way; speech that goes on is read beside theirs.

    Args:
        reader: the recogniser.
        precedence: tells the others.
    """

    def __init__(self, reader: Recogniser, precedence: Precedence) -> None:
        super().__init__(reader)
        self._precedence = precedence

    def recognise(self, utterance: Utterance, hints: Hints) -> Transcript:
        """Read an utterance; see `Recogniser`."""
        if not utterance.whole:
            return self.reader.recognise(utterance, hints)
        with self._precedence.first():
            return self.reader.recognise(utterance, hints)

    def reads_alone(self, utterance: Utterance) -> bool:
        """See `Recogniser.reads_alone`."""
        return self.reader.reads_alone(utterance)

    def reviewed(
        self, utterances: Sequence[Utterance], parts: Sequence[Transcript], hints: Hints
    ) -> Sequence[Transcript]:
        """See `Recogniser.reviewed`."""
        return self.reader.reviewed(utterances, parts, hints)


def with_precedence(reading: Reading, precedence: Precedence) -> Reading:
    """The same recognisers, which others give way to when they read finished speech."""
    final = FirstReader(reading.final, precedence)
    return replace(reading, first=final if reading.first is reading.final else reading.first, final=final)
