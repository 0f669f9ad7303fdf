"""The newest captions in a small text file, for programs that show one."""

from __future__ import annotations

import contextlib
import os
from collections import deque
from pathlib import Path

from lipstream.events import SoundEvent, SpeechUnclear, TranscriptCorrected, TranscriptFinal, TranscriptPartial
from lipstream.pipeline.component import EventSink
from lipstream.pipeline.events import End, Event
from lipstream.stages.sinks.corrections import CorrectionsInMemory
from lipstream.stages.sinks.speakers import SpeakerBook
from lipstream.stages.sinks.subtitles.sound_marks import mark_of
from lipstream.stages.sinks.text import clean

LINES = 2
"""Sentences that are in it: the one that is forming, and those before it."""
_EVERY_US = 200_000
"""Text that is forming is written at most so often, microseconds: whoever reads files looks no more often."""


class TextFile(EventSink):
    """Keeps a text file the same as what was said or heard last, and the text that is forming.

    It is written anew beside its place and takes it in one step, so whoever reads it finds either what was there before
    or all of what is there now, never a part. At the end it is empty: nothing is said any more.

    Args:
        path: the file; one that is there is replaced.
        lines: how many sentences are in it, the newest last.

    Attributes:
        failure: why what was said last is not in it; None if it is.
    """

    def __init__(self, path: Path, lines: int = LINES) -> None:
        self.path = path
        self.failure: str | None = None
        self._part = path.with_name(f".{path.name}.{os.getpid()}.new")
        # Those of sentences that are not in it any more are of no use.
        self._book = SpeakerBook(CorrectionsInMemory(most=8 * lines))
        self._said: deque[TranscriptFinal | str] = deque(maxlen=lines)
        self._forming: dict[int, str] = {}
        self._written: str | None = None
        self._at = -_EVERY_US

    def open(self) -> None:
        """Make it, empty."""
        self._write("")

    def close(self) -> None:
        """Leave nothing half written behind."""
        with contextlib.suppress(OSError):
            self._part.unlink(missing_ok=True)

    def handle(self, event: Event) -> None:
        """Take what is said."""
        self._book.take(event)
        match event:
            case TranscriptPartial():
                self._forming.pop(event.segment, None)
                if event.text:
                    self._forming[event.segment] = clean(event.text)
                    # What is not written now is with the next.
                    if self.context.now() - self._at < _EVERY_US:
                        return
            case TranscriptFinal():
                self._forming.pop(event.segment, None)
                if clean(event.text):
                    self._said.append(event)
            case SpeechUnclear():
                self._forming.pop(event.segment, None)
            case SoundEvent(end=None):
                self._said.append(mark_of(event))
            case TranscriptCorrected():
                # The sentence, if it is still there, is written as it is now.
                pass
            case End():
                self._said.clear()
                self._forming.clear()
            case _:
                return
        self._at = self.context.now()
        said = [each if isinstance(each, str) else clean(self._book.amended(each).text) for each in self._said]
        lines = [*said, *self._forming.values()][-(self._said.maxlen or LINES) :]
        self._write("".join(f"{line}\n" for line in lines))

    def _write(self, text: str) -> None:
        if text == self._written:
            return
        try:
            self._part.write_text(text, encoding="utf-8")
            os.replace(self._part, self.path)
        except OSError as error:
            # It is tried again with what comes next: a program may have it open just now.
            self.failure = f"captions cannot be written to {self.path}: {error.strerror or error}"
            return
        self._written, self.failure = text, None
