"""Captions in a terminal as they form, or plain lines anywhere else."""

from __future__ import annotations

import contextlib
import dataclasses
import sys
from collections.abc import Callable
from typing import TextIO

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from lipstream.events import (
    EmotionUpdate,
    Recording,
    Remark,
    SoundEvent,
    SpeechStarted,
    TranscriptFinal,
    TranscriptPartial,
)
from lipstream.pipeline.component import EventSink
from lipstream.pipeline.errors import UserError
from lipstream.pipeline.events import Degraded, End, Error, Event, Recovered
from lipstream.stages.sinks.corrections import CorrectionsInMemory
from lipstream.stages.sinks.emotion_spans import EmotionTrack
from lipstream.stages.sinks.event_pipe import reader_gone
from lipstream.stages.sinks.forming import forming_rows
from lipstream.stages.sinks.media_progress import MediaProgress
from lipstream.stages.sinks.speakers import SpeakerBook, TurnMarks, parts_of
from lipstream.stages.sinks.text import clean, timestamp

_NAMES = {"audio": "sound", "video": "picture"}
_EMOTION_STYLE = "dim italic"
_REFRESH_HZ = 8.0
_ROOM_FOR_INTERRUPT = 3
"""Cells at the end of a row that stay free: a terminal prints ^C there, which must not begin another row."""


def start_time(final: TranscriptFinal) -> str:
    """`[mm:ss.s]`, for live captions."""
    return _clock(final.start)


def time_range(final: TranscriptFinal) -> str:
    """`[mm:ss.mmm --> mm:ss.mmm]`, for recordings."""
    start, end = (timestamp(round(seconds * 1000), hours=False) for seconds in (final.start, final.end))
    return f"[{start} --> {end}]"


class ConsoleSink(EventSink):
    """Shows finished segments as lines, and below them, in a terminal, some rows for the text that is forming.

    Stable text is plain, text that may still change is dim; no word moves before its row does. While a run is recorded
    a row of its own says so. In a terminal the emotion something is said with, if it is known by then, follows in small
    print. Where somebody else takes over, the text is on a line of its own, and that speaker is named before it. With a
    duration there is a further row, the progress.
    Elsewhere than in a terminal nothing is ever rewritten: finished segments go to `out` and notes to `err`, a line
    each. A reader of `out` that goes away (`| head`), or a terminal, does not end the run. A file that `out` is led to
    and that cannot be written ends the run of a recording; a live run goes on, and says so.

    Args:
        out: for captions; standard output if None.
        err: for notes; standard error if None.
        stamp: the time shown before a finished segment.
        duration: length of the media in seconds, for the progress; None shows none.

    Attributes:
        failure: why a live run went on without captions, None if it did not.
    """

    def __init__(
        self,
        out: TextIO | None = None,
        err: TextIO | None = None,
        *,
        stamp: Callable[[TranscriptFinal], str] = start_time,
        duration: float | None = None,
    ) -> None:
        self._out = out or sys.stdout
        self._err = err or sys.stderr
        self._stamp = stamp
        self._partial: TranscriptPartial | None = None
        # For the names alone: a line that stands is not printed again, whatever is known of it later.
        self._book = SpeakerBook(CorrectionsInMemory(most=0))
        self._marks = TurnMarks("names", since_second=True)
        self._emotions = EmotionTrack()
        self._live: Live | None = None
        self.failure: str | None = None
        self._closed = False
        self._gone = False
        self._progress: MediaProgress | None = None
        self._recording: str | None = None
        screen = next((Console(file=file) for file in self._screens(duration) if _can_rewrite(file)), None)
        self._screen = screen
        if screen is not None and duration:
            self._progress = MediaProgress(screen, duration)

    def _screens(self, duration: float | None) -> list[TextIO]:
        # Where captions go elsewhere, the progress alone still wants a terminal.
        return [self._out, self._err] if duration else [self._out]

    def handle(self, event: Event) -> None:
        """Show the event.

        Raises:
            UserError: captions cannot be written, and the run is not live.
        """
        if self._gone:
            return
        try:
            self._show(event)
            if self._progress is not None:
                self._progress.update(event.emitted)
            self._redraw(event)
        except OSError as error:
            # If the reader or the terminal has gone, the run may have other outputs.
            self._gone = True
            if not reader_gone(error) and not _is_terminal(self._out):
                self._fail(error)

    def _fail(self, error: OSError) -> None:
        self.failure = f"captions cannot be written to standard output any more: {error.strerror}"
        if self.context.lossless:
            raise UserError(self.failure) from error
        self.note(self.failure)

    def _show(self, event: Event) -> None:
        self._book.take(event)
        match event:
            case TranscriptPartial():
                if event.text or (self._partial is not None and self._partial.segment == event.segment):
                    self._partial = event if event.text else None
            case TranscriptFinal():
                if self._partial is not None and self._partial.segment <= event.segment:
                    self._partial = None
                self._caption(event)
            case SpeechStarted():
                # A segment may end without text; what was shown of it must not stay.
                if self._partial is not None and self._partial.segment < event.segment:
                    self._partial = None
            case EmotionUpdate():
                self._emotions.add(event)
            case SoundEvent(end=None):
                self._mark(event)
            case Recording():
                self._recording = event.file if event.on else None
                if self._screen is None:
                    self.note(f"{'recording into' if event.on else 'no longer recording into'} {event.file}")
            case Degraded():
                self.note(f"{_NAMES.get(event.modality, event.modality)}: {event.reason}")
            case Recovered():
                self.note(f"{_NAMES.get(event.modality, event.modality)}: {event.reason or 'back again'}")
            case Remark():
                self.note(f"{_NAMES.get(event.modality, event.modality)}: {event.text}")
            case Error(recoverable=True):
                self.note(f"{event.stage}: {event.message}")
            case End():
                self.close()

    def __rich__(self) -> RenderableType:
        """The rows as of now, so that a line printed above them never brings an old row back."""
        rows: list[RenderableType] = []
        if (partial := self._partial) is not None and self._screen is not None:
            emotion = self._emotions.label(partial.start, partial.end)
            rows += caption_rows(partial, self._screen.width - _ROOM_FOR_INTERRUPT, emotion)
        if self._recording is not None and not self._closed:
            rows.append(Text(f"● recording into {clean(self._recording)}", style="bold red", no_wrap=True))
        if self._progress is not None and not self._closed:
            rows.append(self._progress.row)
        return Group(*rows)

    def close(self) -> None:
        """Take the rows away; the finished lines stay."""
        self._closed = True
        live, self._live = self._live, None
        if live is not None:
            self._partial = None
            with contextlib.suppress(OSError):
                live.stop()

    def note(self, text: str) -> None:
        """Show one line about the run itself."""
        line = f"lipstream: {clean(text)}"
        with contextlib.suppress(OSError):
            if self._live is not None and self._err.isatty():
                self._live.console.print(Text(line, style="yellow"), soft_wrap=True)
            else:
                _write(self._err, line)

    def _caption(self, final: TranscriptFinal) -> None:
        if not clean(final.text):
            return
        parts = parts_of(final)
        for said in parts:
            text = clean(self._marks.before(said, self._book) + (said.text if len(parts) > 1 else final.text))
            part = final if len(parts) == 1 else dataclasses.replace(final, start=said.start, end=said.end)
            self._line(part, text)

    def _line(self, final: TranscriptFinal, text: str) -> None:
        stamp = self._stamp(final)
        if self._screen is not None and self._screen.file is self._out:
            emotion = _small_print(self._emotions.label(final.start, final.end))
            self._screen.print(Text.assemble((stamp, "cyan"), " ", text, (emotion, _EMOTION_STYLE), overflow="fold"))
        else:
            _write(self._out, f"{stamp} {text}")

    def _mark(self, sound: SoundEvent) -> None:
        stamp, label = _clock(sound.start), f"[{clean(sound.label)}]"
        if self._screen is not None and self._screen.file is self._out:
            self._screen.print(Text.assemble((stamp, "cyan"), " ", (label, "italic")))
        else:
            _write(self._out, f"{stamp} {label}")

    def _redraw(self, event: Event) -> None:
        if self._screen is None or self._closed:
            return
        if self._live is None:
            # Not before there is something to show: models may still be fetched, with a progress bar of their own.
            progressed = self._progress is not None and event.emitted > 0
            if self._partial is None and self._recording is None and not progressed:
                return
            self._live = Live(
                self,
                console=self._screen,
                refresh_per_second=_REFRESH_HZ,
                auto_refresh=self._progress is not None,
                transient=True,
            )
            self._live.start()
        if isinstance(event, (TranscriptPartial, TranscriptFinal, Recording)):
            self._live.refresh()


def caption_rows(partial: TranscriptPartial, width: int, emotion: str | None = None) -> list[Text]:
    """The forming text as rows of at most `width` cells."""
    text, unstable = clean(partial.text), clean(partial.unstable)
    stamp, label = _clock(partial.start) + " ", _small_print(emotion)
    return forming_rows(text, min(len(text), len(unstable)), stamp, width, label, ("cyan", _EMOTION_STYLE))


def _small_print(emotion: str | None) -> str:
    return f"  {emotion}" if emotion else ""


def _clock(seconds: float) -> str:
    minutes, tenths = divmod(int(seconds * 10), 600)
    hours, minutes = divmod(minutes, 60)
    return f"[{f'{hours}:' if hours else ''}{minutes:02}:{tenths // 10:02}.{tenths % 10}]"


def _write(file: TextIO, line: str) -> None:
    file.write(f"{line}\n")
    file.flush()


def _is_terminal(file: TextIO) -> bool:
    try:
        return file.isatty()
    except (OSError, ValueError):
        return True


def _can_rewrite(file: TextIO) -> bool:
    return file.isatty() and not Console(file=file).is_dumb_terminal
