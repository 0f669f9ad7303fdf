"""What all output files have in common: written beside their place as events come, put in place when complete."""

from __future__ import annotations

import contextlib
import errno
import os
import threading
from abc import abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, ClassVar, Self

from lipstream.config import Config
from lipstream.events import SoundEvent, TranscriptFinal
from lipstream.pipeline.component import Context, EventSink
from lipstream.pipeline.errors import UserError
from lipstream.pipeline.events import End, Error, Event
from lipstream.pipeline.exclusive import open_exclusively
from lipstream.stages.sinks.corrections import CorrectionsOnDisk
from lipstream.stages.sinks.noted import NotedEvents
from lipstream.stages.sinks.speakers import SpeakerBook
from lipstream.stages.sinks.spoken import LanguageInName


class Writer(EventSink):
    """An event sink that writes one file.

    The file grows as `NAME.part` beside its place, in whole records, and takes its place in one step when the run ends:
    whatever had that name before stays whole until then. A run that failed or was stopped before there was anything to
    write leaves no file. Memory does not grow with the length of the run. Only one run at a time may write a file.

    A file that cannot be written any more ends the run of a recording, which can be done again. What is said live
    cannot, so a live run goes on with its other outputs, and says so.

    Args:
        path: the file to make; its folder is made too.
        source: what is being transcribed, for formats that name it.

    Attributes:
        path: the file; with the language in its name once it is complete, see `name_by`.
        part: the file while it grows.
        used: whether an event has come.
        saved: whether the file is complete and in its place.
        book: what is known by now of speakers, of signs that were left open, and of texts that were corrected.
        remakes: whether the file is made anew from what is known at the end, rather than as things are told.
        failure: why a live run went on without it, None if it did not.
    """

    in_language: ClassVar[bool] = False
    """Whether the file is text in the language spoken and little else, so that the language may be in its name."""
    needs_run: ClassVar[bool] = False
    """Whether it tells more than a transcript has, so that only a run can make it, not `convert`."""
    is_amended: ClassVar[bool] = False
    """Whether the file tells what is said, or who says it, so that it is made anew if that is put right later."""
    tells_sounds: ClassVar[bool] = False
    """Whether the file has marks of sounds; their places are sure at the end, and it is made anew if there were any."""
    noted: ClassVar[tuple[type[Event], ...]] = (TranscriptFinal,)
    """What such a file is made of."""

    def __init__(self, path: Path, source: str = "") -> None:
        self.path = path
        self.source = source
        self.part: Path = path.with_name(path.name + ".part")
        self.used: bool = False
        self.saved: bool = False
        self.failure: str | None = None
        self._naming: LanguageInName | None = None
        self._live = False
        self.remakes = False
        self._file: BinaryIO | None = None
        self._content = False
        self._done = threading.Event()
        self._corrections = CorrectionsOnDisk(path.parent)
        self.book: SpeakerBook = SpeakerBook(self._corrections)
        self._noted: NotedEvents | None = None
        self._sounds_heard: dict[tuple[str, float], SoundEvent] = {}
        self._outdated = False

    @classmethod
    def configured(cls, config: Config) -> type[Self]:
        """The class as a configuration has it; itself for a format without settings."""
        return cls

    @property
    def remark(self) -> str:
        """What is to be known about the file when it is complete, in a few words; empty for most."""
        return ""

    def attach(self, context: Context) -> None:
        """Take the surroundings of a run."""
        super().attach(context)
        self._live = not context.lossless

    def name_by(self, naming: LanguageInName) -> None:
        """Put the complete file where `naming` says. To be called before `open`; nothing where not `in_language`.

        The file grows under its usual name all the same, and keeps that where no language was told.
        """
        if self.in_language:
            self._naming = naming

    def open(self) -> None:
        """Make the folder and begin the part file. Idempotent; comes by itself with the first event.

        Call it before anything slow is loaded, to find out early that the place cannot be written to.

        Raises:
            UserError: it cannot be, or another run is writing it; the message says why.
        """
        if self._file is not None or self._done.is_set():
            return
        try:
            with self._explained():
                if self._place().is_dir():
                    raise IsADirectoryError(0, "there is a folder of that name")
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self._file = open_exclusively(self.part)
                self.begin()
        except BaseException:
            self.discard()
            raise

    def handle(self, event: Event) -> None:
        """Write what the event adds; complete the file on `End`.

        Raises:
            UserError: the file cannot be written, and the run is not live; what was written stays in the part file.
        """
        self.used = True
        if self._done.is_set():
            return
        self.open()
        if self._naming is not None:
            self._naming.take(event)
        with self._going_on():
            self.write(self._by_now(event))
            if isinstance(event, End):
                self._finish(event)

    def close(self) -> None:
        """Complete what there is, if `End` never came. Idempotent.

        Raises:
            UserError: that cannot be written, and the run is not live.
        """
        if self._file is not None:
            with self._going_on():
                self._finish(None)
        self._abandon()

    def discard(self) -> None:
        """Leave nothing: remove the part file if it is this run's, touch nothing else."""
        ours = self._file is not None
        if os.name == "nt":
            self._abandon()  # Windows does not remove open files; elsewhere the lock is kept until it is gone.
        if ours:
            with contextlib.suppress(OSError):
                self.part.unlink(missing_ok=True)
        self._abandon()

    def wait(self, timeout: float) -> bool:
        """Wait until the file is complete or given up, at most `timeout` seconds; returns whether it is."""
        return self._done.wait(timeout)

    # For the formats.

    def begin(self) -> None:
        """Write what stands before the first record."""

    @abstractmethod
    def write(self, event: Event) -> None:
        """Write what an event adds, with `put`; set `mark_content` once there is something worth keeping."""

    def complete(self, end: End | None) -> None:
        """Write what stands after the last record; `end` is None when the run broke off."""

    def convert(self) -> Path | None:
        """Make the whole file anew from the part file, for formats that cannot grow; comes after `complete`.

        Returns:
            The file, written with `made_anew`; None where the part file is what takes its place.
        """
        return None

    @property
    def made(self) -> Path:
        """Where `made_anew` writes."""
        return self.path.with_name(f"{self.path.name}.new")

    @property
    def made_bytes(self) -> int:
        """How much of it there is so far; 0 while nothing is made anew."""
        try:
            return self.made.stat().st_size
        except OSError:
            return 0

    @contextlib.contextmanager
    def made_anew(self) -> Iterator[BinaryIO]:
        """A file to write the whole into; if that fails, nothing is left of it, and the part file stays."""
        file = open_exclusively(self.made)
        try:
            with file:
                yield file
                file.flush()
                os.fsync(file.fileno())
        except BaseException:
            with contextlib.suppress(OSError):
                self.made.unlink(missing_ok=True)
            raise

    def whole(self, end: End | None) -> bool:
        """Whether a run that ended so came to its end: a live run is meant to be stopped, a recording's is not."""
        return end is not None and (end.reason == "finished" or (self._live and end.reason == "stopped"))

    def put(self, text: str, *, flush: bool = True) -> None:
        """Append text, as UTF-8, and hand it to the operating system unless more of the same record follows."""
        assert self._file is not None
        self._file.write(text.encode("utf-8", "replace"))
        if flush:
            self._file.flush()

    def mark_content(self) -> None:
        """Note that the file holds something worth keeping even if the run fails."""
        self._content = True

    # What is put right later.

    def _by_now(self, event: Event) -> Event:
        """An event by what is known now; kept, if the file may have to be made anew."""
        changes = self.book.take(event)
        if isinstance(event, SoundEvent) and self.tells_sounds:
            self._sounds_heard[event.label, event.start] = event
        if not self.is_amended:
            return event
        self._outdated = self._outdated or (changes and self._noted is not None)
        if isinstance(event, self.noted):
            if self._noted is None:
                self._noted = NotedEvents(self.path.parent)
            self._noted.add(event)
            return self.book.amended(event) if isinstance(event, TranscriptFinal) else event
        return event

    def _retold(self, end: End | None) -> Path | None:
        """The whole file made anew by what is known at the end; None where what there is holds.

        Sounds come first: they and the words take different ways, and which is told sooner is not the same every time.
        """
        if not (self._sounds_heard or (self._outdated and self._noted is not None)):
            return None
        again = type(self)(self.path, self.source)
        again.path, again.part = self.made, self.made.with_name(f"{self.made.name}.part")
        again._live, again._content, again.remakes = self._live, self._content, True
        again.book = self.book
        again.open()
        try:
            for sound in sorted(self._sounds_heard.values(), key=lambda each: (each.start, each.label)):
                again.write(sound)
            for event in self._noted or ():
                again.write(self.book.amended(event) if isinstance(event, TranscriptFinal) else event)
            again._finish(end)
        except BaseException:
            again.discard()
            raise
        again._abandon()
        self.follow(again)
        return again.path if again.saved else None

    def _put_right(self, end: End | None) -> Path | None:
        """The same; live, where it cannot be made, what was written in time is what there is, and that is told."""
        try:
            return self._retold(end)
        except (OSError, UserError) as error:
            if not self._live:
                raise
            reason = (isinstance(error, OSError) and error.strerror) or str(error)
            self._tell(f"{self.path} lacks the names and corrections that came late: {reason}")
            return None

    def follow(self, again: Self) -> None:
        """Take over what is to be known of the file from the writer that has made it anew."""

    # The end.

    def _finish(self, end: End | None) -> None:
        if not self._content and (end is None or end.reason != "finished"):
            self.discard()
            return
        self.complete(end)
        self.path = self._place()
        file = self._file
        assert file is not None
        file.flush()
        os.fsync(file.fileno())
        if os.name == "nt":
            # Windows does not rename open files. Elsewhere the lock is kept until the file is out of the others' way.
            file.close()
        made = self.convert() or self._put_right(end)
        os.replace(made or self.part, self.path)
        if made is not None:
            self.part.unlink(missing_ok=True)
        file.close()
        self._file = None
        self._forget()
        self.saved = True
        self._done.set()

    def _place(self) -> Path:
        return (self._naming.place() if self._naming is not None else None) or self.path

    def _abandon(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            # Closing flushes, which fails again where writing has failed.
            with contextlib.suppress(OSError):
                file.close()
        self._forget()
        self.release()
        self._done.set()

    def _forget(self) -> None:
        self._corrections.close()
        if self._noted is not None:
            self._noted.close()
            self._noted = None

    def release(self) -> None:
        """Free what the format holds besides its file."""

    @contextlib.contextmanager
    def _going_on(self) -> Iterator[None]:
        try:
            with self._explained():
                yield
        except UserError as error:
            self._abandon()
            if not self._live:
                raise
            self._tell(str(error))
        except BaseException:
            self._abandon()
            raise

    def _tell(self, failure: str) -> None:
        self.failure = failure
        self.publish(Error(stage=self.context.name, message=failure, recoverable=True))

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise UserError(self._explain(error)) from error

    def _explain(self, error: OSError) -> str:
        reason = error.strerror or str(error)
        if error.errno == errno.ELOOP:
            link = error.filename or self.part
            return f"cannot write {self.path}: {link} is a symbolic link, and those are not followed; remove it"
        if error.errno in (errno.EEXIST, errno.ENOTDIR):
            return f"cannot write {self.path}: {self.path.parent} is no folder; choose a folder with -o"
        kept = self._content and self.part.exists()
        advice = f"; what was written so far is in {self.part}" if kept else "; choose another folder with -o"
        return f"cannot write {self.path}: {reason}{advice}"
