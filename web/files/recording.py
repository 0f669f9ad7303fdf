"""One recording that a browser has sent: the run that captions it, and its report."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from lipstream import Pipeline
from lipstream.config import Config, changed, load_config
from lipstream.events import Remark
from lipstream.models.errors import ModelError
from lipstream.pipeline import Event, EventSink, PipelineError, StageFailed, UserError
from lipstream.stages.media.limits import DEFAULT
from lipstream.stages.media.probe import MediaInfo, probe
from lipstream.stages.media.tracks import wanted_by
from lipstream.stages.sinks import EMOTION_FORMAT, FORMATS
from lipstream.stages.sinks.transcript.texts import text_formats
from lipstream.views.recorded.record import Recorder
from lipstream.views.recorded.timeline import REPORT_RATES
from lipstream.views.report import write_report

_POLL_SECONDS = 0.1
_SAVE_SECONDS = 60.0
NOTHING = {"no_speech", "silence"}
"""Kinds of remarks on recordings without captions."""


@dataclass(frozen=True, slots=True)
class Report:
    """The report that is wanted of a recording.

    Attributes:
        out: the file.
        media_url: where it finds the recording.
    """

    out: Path
    media_url: str


class Told(EventSink):
    """Hands every event on.

    Args:
        tell: what takes them, on the sink's thread.
    """

    def __init__(self, tell: Callable[[Event], None]) -> None:
        self._tell = tell

    def handle(self, event: Event) -> None:
        """Hand it on."""
        self._tell(event)


class Progress(EventSink):
    """How far a file run is, by the media time its events were known at.

    Attributes:
        reached: seconds of media.
        nothing: a plain-language line where there was nothing to caption, else nothing.
    """

    def __init__(self) -> None:
        self.reached = 0.0
        self.nothing = ""

    def handle(self, event: Event) -> None:
        """Note how far it is, and what there is to say of it."""
        self.reached = max(self.reached, event.emitted)
        if isinstance(event, Remark) and event.kind in NOTHING:
            self.nothing = self.nothing or event.text


class TooLong(UserError):
    """A recording lasts longer than may be sent."""


def look_into(path: Path, name: str, config: Config, max_seconds: float) -> MediaInfo:
    """See whether a file can be captioned, before anything is loaded.

    Args:
        path: where it lies.
        name: what messages call it.
        config: its limits are kept to.
        max_seconds: how long it may last.

    Raises:
        TooLong: it lasts longer.
        UserError: it is no recording, or too much.
    """
    # How long it may last is told in other words here.
    limits = config.limits.model_copy(update={"max_duration": DEFAULT.max_duration})
    try:
        media = probe(path, limits, wanted_by(config))
    except UserError as error:
        raise UserError(_renamed(error, path, name)) from error
    if media.duration is not None and media.duration > max_seconds:
        raise TooLong(
            f"'{name}' lasts {_in_words(media.duration)}, and this server takes up to {_in_words(max_seconds)}"
        )
    return media


def caption(
    config: Config,
    path: Path,
    name: str,
    outputs: Mapping[str, Path],
    watch: Callable[[float], bool],
    report: Report | None = None,
    tell: Callable[[Event], None] | None = None,
) -> str:
    """Caption a recording, and write its captions in several formats, and its report.

    Args:
        config: of a file run.
        path: the recording.
        name: what outputs call it.
        outputs: the files of captions, by format.
        watch: called several times a second with the seconds of media that are done; False ends the run.
        report: the report, if one is wanted.
        tell: takes every event, on a thread of its own.

    Returns:
        A plain-language line where nothing was found to caption, else nothing.

    Raises:
        PipelineError: it could not be captioned; the message is for the sender.
    """
    recorder, progress = Recorder(), Progress()
    writers = [FORMATS[kind].configured(config)(place, name) for kind, place in outputs.items()]
    try:
        pipeline = Pipeline(config.model_copy(update={"input": path}))
        for kind, writer in zip(outputs, writers, strict=True):
            pipeline.add_sink(f"{kind.replace('.', ' ')} writer", writer)
        if report is not None:
            pipeline.add_sink("record", recorder)
        if tell is not None:
            pipeline.add_sink("told", Told(tell))
        pipeline.add_sink("progress", progress)
        pipeline.start()
        try:
            while not pipeline.wait(_POLL_SECONDS):
                if not watch(progress.reached):
                    return ""
        finally:
            pipeline.stop()
            # Nothing may be written any more once the files are deleted, or given away.
            for writer in writers:
                writer.wait(_SAVE_SECONDS)
        if report is not None:
            write_report(recorder, path, report.out, report.media_url, name, config)
        return progress.nothing
    except PipelineError as error:
        raise UserError(_renamed(error, path, name)) from error


def offered_formats(config: Config) -> list[str]:
    """The formats in which the captions of a recording can be had."""
    return [*text_formats(), "json", *([EMOTION_FORMAT] if config.emotion.enabled else [])]


def file_config(name_or_path: str, settings: Mapping[str, object], max_seconds: float) -> Config:
    """The configuration with which recordings are captioned.

    Args:
        name_or_path: the server's configuration; what it does not name is as for `file`.
        settings: the user's own, which come before it.
        max_seconds: of a recording that does not tell its length, what comes later is left out.

    Raises:
        ConfigError: it cannot be read, or is wrong.
    """
    config = load_config(name_or_path, {**settings, "mode": "file"}, preset="file")
    # Without these a report has nothing to draw.
    rates = {key: rate for key, rate in REPORT_RATES.items() if not _value(config, key)}
    return changed(config, {**rates, "limits.max_duration": min(config.limits.max_duration, max_seconds)})


def _value(config: Config, key: str) -> object:
    section, name = key.split(".")
    return getattr(getattr(config, section), name)


def _renamed(error: PipelineError, path: Path, name: str) -> str:
    cause = error.cause if isinstance(error, StageFailed) else error
    shown = cause if isinstance(cause, (ModelError, UserError)) else error
    return str(shown).replace(os.fspath(path), name)


def _in_words(seconds: float) -> str:
    return f"{seconds:.0f} seconds" if seconds < 120 else f"{seconds / 60:.0f} minutes"
