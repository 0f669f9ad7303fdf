"""Extras that make a media file of the recording and of what its run told."""

from __future__ import annotations

import sys
import threading
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from av import codecs_available
from rich.console import Console
from rich.live import Live

from lipstream.commands.extras.base import Extra
from lipstream.commands.extras.record import RecordedExtra
from lipstream.commands.failures import note
from lipstream.commands.running import interrupts
from lipstream.pipeline import UserError
from lipstream.stages.media.tracks import wanted_by
from lipstream.stages.sinks.media_progress import MediaProgress, clock
from lipstream.stages.sinks.spoken import language_of
from lipstream.stages.sinks.subtitles.cutter import shown
from lipstream.views.drawing.captions import LINES as OVERLAY_LINES
from lipstream.views.drawing.font import is_drawable
from lipstream.views.drawing.overlay import Overlay
from lipstream.views.drawing.subtitles import USUAL_CHARS as OVERLAY_CHARS
from lipstream.views.drawing.subtitles import Subtitles
from lipstream.views.media.mux import Muxer
from lipstream.views.media.part_file import PartFile
from lipstream.views.media.picture_track import CODEC, Painter
from lipstream.views.media.render import Renderer

if TYPE_CHECKING:
    from lipstream import Pipeline
    from lipstream.commands.running import Outcome
    from lipstream.config import Config

FACE_RATE = 25.0
SOUND_RATE = 12.5
"""Reports a second; what the pictures in between show is interpolated."""
_REFRESH_HZ = 4.0


class MediaExtra(RecordedExtra):
    """Reads the recording a second time after the run.

    Ctrl-C in this second pass keeps what there is by then as a whole, shorter file; in the run before it, nothing is
    made, because whoever ends a run does not want to wait for another one.

    Args:
        path: the file to make.
    """

    verb = "writing"
    """What is done, for messages."""

    def attach(self, pipeline: Pipeline, quiet: bool) -> None:
        """Begin the file and record the run, and note whether to be quiet."""
        self._quiet = quiet
        super().attach(pipeline, quiet)

    def finish(self, outcome: Outcome) -> bool:
        """Make the file.

        Raises:
            UserError: it cannot be made.
            KeyboardInterrupt: it was interrupted; what there is of it is whole.
        """
        if outcome.interrupted:
            self.note(f"{self.option} {self.path} was not made: the run was stopped")
            return False
        self.note(f"{self.verb} {self.path} (Ctrl-C ends it early and keeps what there is by then)")
        with interrupts() as stopped:
            with self._shown_progress() as progress:
                seconds = self.make(self.file, stopped, progress)
            if seconds > 0 or not stopped.is_set():
                self.file.commit()
        if not stopped.is_set():
            return True
        self.note(f"stopped: {self.path} " + (f"has the first {clock(seconds)}" if seconds > 0 else "was not made"))
        raise KeyboardInterrupt

    def note(self, text: str) -> None:
        """Print a line, unless nothing is to be printed."""
        if not self._quiet:
            note(text)

    @abstractmethod
    def make(self, target: PartFile, stopped: threading.Event, progress: Callable[[float], None]) -> float:
        """Write the file.

        Args:
            target: where to.
            stopped: set by Ctrl-C; the file is to be completed with what there is.
            progress: to be told the time reached, seconds.

        Returns:
            Seconds of media in the file; 0 if there is no file.

        Raises:
            UserError: it cannot be made.
        """

    @contextmanager
    def _shown_progress(self) -> Iterator[Callable[[float], None]]:
        console = Console(file=sys.stderr)
        if self._quiet or not self.record.duration or not console.is_terminal or console.is_dumb_terminal:
            yield lambda time: None
            return
        bar = MediaProgress(console, self.record.duration)
        with Live(get_renderable=lambda: bar.row, console=console, refresh_per_second=_REFRESH_HZ, transient=True):
            yield bar.update


class Render(MediaExtra):
    """`--render`: subtitles, or the overlay of the live window, burnt into every picture.

    Args:
        path: the video to make.
        overlay: draw faces, emotion, sound and warnings too.
    """

    option = "--render"
    verb = "rendering"

    def __init__(self, path: Path, overlay: bool) -> None:
        super().__init__(path)
        self._overlay = overlay

    @property
    def settings(self) -> Mapping[str, object]:
        """For the overlay where faces are, as often as they are looked at by default, and a level that moves."""
        return {"face.report_rate": FACE_RATE, "audio.report_rate": SOUND_RATE} if self._overlay else {}

    def check(self, config: Config, source: Path) -> None:
        """See to it that there is an encoder, too."""
        super().check(config, source)
        if CODEC not in codecs_available:
            raise UserError(f"{self.option} needs the encoder {CODEC}, which this PyAV lacks; pip install av has it")

    def make(self, target: PartFile, stopped: threading.Event, progress: Callable[[float], None]) -> float:
        """Render."""
        rules = self.config.subtitles
        painter: Painter = Subtitles(rules)
        if self._overlay:
            # Its band has room for two lines of the usual length.
            fits = {"max_chars": min(rules.max_chars, OVERLAY_CHARS), "max_lines": min(rules.max_lines, OVERLAY_LINES)}
            painter, rules = Overlay("rgb"), rules.model_copy(update=fits)
        limits, wanted = self.config.limits, wanted_by(self.config)
        renderer = Renderer(self.source, self.record, limits, painter, stopped.is_set, progress, rules, wanted)
        seconds = renderer.render(target)
        if not all(is_drawable(final.text) for final in self.record.finals):
            self.note(
                f"{self.path} has boxes in its captions, for letters that no font here has; --mux keeps them as text"
            )
        return seconds


class RenderEach(Extra):
    """`--render DIR`: a video for each input.

    Args:
        folder: where they go.
        overlay: as for `Render`.
    """

    option = "--render"
    many = True

    def __init__(self, folder: Path, overlay: bool) -> None:
        self._folder, self._overlay = folder, overlay

    @property
    def settings(self) -> Mapping[str, object]:
        """As for one."""
        return self.of("video").settings

    def of(self, stem: str) -> Render:
        """The video of one input."""
        return Render(self._folder / f"{stem}.mp4", self._overlay)

    def attach(self, pipeline: Pipeline, quiet: bool) -> None:
        """Nothing: each of the videos is made for itself."""


class Mux(MediaExtra):
    """`--mux`: the captions as a subtitle track, everything else as it is."""

    option = "--mux"
    verb = "writing"

    def make(self, target: PartFile, stopped: threading.Event, progress: Callable[[float], None]) -> float:
        """Copy."""
        record, finals = self.record, self.record.finals
        cues = shown(finals, self.config.subtitles, record.sounds.values(), record.speakers.names)
        language = language_of(finals, self.config)
        muxer = Muxer(self.source, target, cues, self.config.limits, stopped.is_set, progress, language)
        seconds = muxer.mux()
        if not cues:
            self.note(f"{self.path} has no subtitles: there are no captions")
        if muxer.left_out:
            self.note(f"{self.path} cannot hold, and is without: {', '.join(muxer.left_out)}")
        return seconds
