"""`live --record`: sound, picture and captions of a live run in a file."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from lipstream.commands.extras.base import Extra, path_of
from lipstream.commands.failures import note

if TYPE_CHECKING:
    from lipstream import Pipeline
    from lipstream.commands.running import Outcome
    from lipstream.views.recording.captions import RecordedCaptions
    from lipstream.views.recording.recorder import Recorder


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add --record."""
    parser.add_argument(
        "--record",
        metavar="FILE.mkv",
        help="keep sound and picture in this file, with the captions as a track; nothing is recorded without it",
    )


def from_args(args: argparse.Namespace) -> LiveRecording | None:
    """What was asked for, or None.

    Raises:
        UserError: no such file can be made.
    """
    return None if args.record is None else LiveRecording(path_of("--record", args.record, [".mkv"]))


class LiveRecording(Extra):
    """The recording of a live run. What is in the file plays at any moment, also after a crash.

    Args:
        path: the file.
        stopping: once it is true, the captions of a finished recording are not moved to their places any more.
    """

    option = "--record"

    def __init__(self, path: Path, stopping: Callable[[], bool] = lambda: False) -> None:
        self.path: Path = path
        self._stopping = stopping
        self._recorder: Recorder | None = None
        self._captions: RecordedCaptions | None = None

    @property
    def invitation(self) -> str:
        """What to say before anything is recorded."""
        return f"recording into {self.path}"

    @property
    def failure(self) -> str | None:
        """Why there is no recording, or not all of it; None if there is."""
        failed = self._recorder.failure if self._recorder is not None else None
        return f"the recording {self.path} ended early: {failed}" if failed else None

    def attach(self, pipeline: Pipeline, quiet: bool) -> None:
        """Record a run.

        Raises:
            UserError: the file cannot be made.
        """
        from lipstream.views.recording.captions import RecordedCaptions
        from lipstream.views.recording.recorder import Recorder

        self._config = pipeline.config
        self._recorder = Recorder.on(pipeline.graph, self.path, pipeline.config)
        self._captions = RecordedCaptions(self._recorder.put, pipeline.config.subtitles)
        pipeline.add_sink("recorded captions", self._captions)

    def finish(self, outcome: Outcome) -> bool:
        """Make the file whole, with its captions in their places."""
        from lipstream.pipeline import UserError
        from lipstream.stages.sinks.spoken import language_of
        from lipstream.views.recording.settling import settle

        if self._recorder is None or self._captions is None or not self._recorder.end():
            return False
        if self._recorder.failure is None and self._captions.cues:
            try:
                language = language_of(self._captions.finals, self._config)
                settle(self.path, self._captions.cues, self._stopping, language)
            except UserError as error:
                note(f"{error}; the recording is whole, but its captions stand behind what they belong to")
        return True

    def discard(self) -> None:
        """Leave no empty file behind, and one of a run that failed whole."""
        if self._recorder is not None:
            self._recorder.end()
