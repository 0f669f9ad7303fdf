"""What subtitle formats have in common: cues are written as they are settled, and behind them those that are not."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import ClassVar, Self

from lipstream.config import Config
from lipstream.config.subtitles import SubtitlesConfig
from lipstream.events import SoundEvent, TranscriptFinal
from lipstream.pipeline.events import End, Event
from lipstream.stages.sinks.subtitles.cue import Cue
from lipstream.stages.sinks.subtitles.cutter import CueCutter
from lipstream.stages.sinks.subtitles.sound_marks import SoundMarks
from lipstream.stages.sinks.writer import Writer


class CueWriter(Writer):
    """Writes a record for each cue.

    How long the last cue stays, and whether the next words join it, is known when those come. It stands in the file all
    the same, as if nothing followed, and is replaced in place: the file is whole at any moment.

    Attributes:
        rules: how the cues are cut.
        language: of the text, as far as it was chosen; "" where it was not.
        left_out: cues that a shift has moved before the beginning.
    """

    in_language = True
    is_amended = True
    tells_sounds = True
    rules: ClassVar[SubtitlesConfig] = SubtitlesConfig()
    language: ClassVar[str] = ""

    def __init__(self, path: Path, source: str = "") -> None:
        super().__init__(path, source)
        self.left_out: int = 0
        self._cutter = CueCutter(self.rules)
        self._marks = SoundMarks(self.rules)
        self._shift = round(self.rules.shift * 1000)
        self._count = 0
        self._settled_at: int | None = None

    @classmethod
    def configured(cls, config: Config) -> type[Self]:
        """The same with the rules of a configuration."""
        spoken = "en" if config.speech.task == "translate" else config.speech.language
        settings = {
            "__module__": cls.__module__,
            "__doc__": cls.__doc__,
            "rules": config.subtitles,
            "tells_sounds": config.subtitles.sounds,
            "language": "" if spoken == "auto" else spoken,
        }
        return type(cls.__name__, (cls,), settings)

    @property
    def remark(self) -> str:
        """How many cues do not keep to the limits, and how many a shift has left out."""
        gone = f"{self.left_out} cues would come before the beginning and were left out" if self.left_out else ""
        return "; ".join(filter(None, (self._cutter.tally.remark, gone)))

    def write(self, event: Event) -> None:
        """Write the cues of a finished segment, or the mark of a sound."""
        if isinstance(event, TranscriptFinal):
            self._cutter.know(self.book.names)
            self.put_cues(self._cutter.add(event))
        elif isinstance(event, SoundEvent) and self.tells_sounds:
            self._marks.add(event)
            if not self.remakes:
                self.put_cues(())

    def complete(self, end: End | None) -> None:
        """Write what is open."""
        self.put_cues(self._cutter.finish(), last=True)

    def follow(self, again: Self) -> None:
        """Take over how many cues keep to the limits."""
        self._cutter, self.left_out = again._cutter, again.left_out

    @abstractmethod
    def record(self, cue: Cue, number: int) -> str:
        """A cue as it stands in the file.

        Args:
            cue: with its times as they are written.
            number: from 1.
        """

    def ending(self) -> str:
        """What stands behind the last cue of a file that is whole."""
        return ""

    def put_cues(self, settled: Iterable[Cue], *, last: bool = False) -> None:
        """Write cues that do not change any more, the sounds before them, and behind them, for now, what is open.

        Args:
            settled: cues of what is said, in order.
            last: whether nothing comes behind them.
        """
        records = "".join(self._records(self._marks.among(settled)))
        if last:
            records += "".join(self._records(self._marks.rest()))
        # Nobody looks at a file while it is made anew, so what is open is not told after every step.
        tail = "" if self.remakes and not last else self._tail()
        self._replace(records, tail)
        if records or tail:
            self.mark_content()

    def _tail(self) -> str:
        """What is open, as it would be if nothing followed."""
        count, left_out, marks = self._count, self.left_out, self._marks.aside()
        tail = "".join(self._records([*marks.among(self.unsettled()), *marks.rest()])) + self.ending()
        self._count, self.left_out = count, left_out
        return tail

    def unsettled(self) -> list[Cue]:
        """The cues that may still change."""
        return self._cutter.pending()

    def _records(self, cues: Iterable[Cue]) -> Iterator[str]:
        for cue in cues:
            shifted = cue.shifted(self._shift)
            if shifted is None:
                self.left_out += 1
                continue
            self._count += 1
            yield self.record(shifted, self._count)

    def _replace(self, settled: str, tail: str) -> None:
        """Put both in the place of the last tail, with one write: a crash costs the open cues at the most."""
        file = self._file
        assert file is not None
        if self._settled_at is None:
            self._settled_at = file.tell()
        new, there = settled + tail, file.tell() - self._settled_at
        file.seek(self._settled_at)
        if len(new.encode("utf-8", "replace")) < there:
            file.truncate()
        self._settled_at += len(settled.encode("utf-8", "replace"))
        self.put(new)
