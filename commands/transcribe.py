"""Captions for recordings: what `file` and `demo` do."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from lipstream import Pipeline
from lipstream.commands.extras.base import Extra, check_extras, check_one_input, extra_settings
from lipstream.commands.failures import FAILED, INTERRUPTED, OK, describe, note, report
from lipstream.commands.outputs import (
    Outputs,
    check_free,
    check_places,
    language_in_names,
    names,
    places,
    unique_stems,
    writers_for,
)
from lipstream.commands.running import Outcome, execute
from lipstream.config import Config, Pace, load_config
from lipstream.models.errors import ModelError
from lipstream.pipeline import PipelineError, StageFailed, UserError
from lipstream.stages.media.arriving import Arriving, Pipe
from lipstream.stages.media.probe import MediaInfo, probe
from lipstream.stages.media.tracks import wanted_by
from lipstream.stages.sinks import ConsoleSink, Writer
from lipstream.stages.sinks.console import time_range
from lipstream.stages.sinks.data.formats import check_features, format_settings
from lipstream.stages.sinks.media_progress import clock

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Options:
    """How recordings are to be transcribed.

    Attributes:
        folder: where the outputs go.
        formats: output formats.
        config: name or path of the configuration.
        overrides: settings that replace those of the configuration.
        trace: file for a Chrome trace, or None.
        quiet: show nothing but errors.
        vtt_emotion: mark the cues of VTT with emotions.
        extras: what else to make; with those that make one file, there is one input.
        overwrite: replace files that are there already.
    """

    folder: Path = Path()
    formats: Sequence[str] = ()
    config: str = "file"
    overrides: Mapping[str, object] = field(default_factory=dict)
    trace: Path | None = None
    quiet: bool = False
    vtt_emotion: bool = False
    extras: Sequence[Extra] = ()
    overwrite: bool = False


def transcribe(
    inputs: Sequence[Path | Arriving], options: Options, prepare: Callable[[Pipeline], None] = lambda pipeline: None
) -> int:
    """Transcribe recordings one after the other and return the exit code.

    One that fails does not keep the others from being done; the failures are listed at the end.

    Args:
        inputs: at least one, on disk or to be brought there.
        options: the same for all.
        prepare: given each pipeline before it starts, to add hooks or stages.

    Raises:
        UserError: the options are wrong, or the only input is.
        StageFailed: the only input failed.
    """
    if options.trace is not None and len(inputs) > 1:
        raise UserError("--trace takes one input at a time: each run would replace the trace of the one before")
    names_of = [each if isinstance(each, Path) else each.name for each in inputs]
    lying = [each for each in inputs if isinstance(each, Path)]
    if sum(isinstance(each, Pipe) and each.standard for each in inputs) > 1:
        raise UserError("standard input is given more than once; it can be read only once")
    overrides = {
        **format_settings(options.formats),
        **extra_settings(options.extras, options.overrides),
        "mode": "file",
        "input": os.fspath(names_of[0]),
    }
    config = load_config(options.config, overrides)
    check_features(options.formats, config)
    writers = writers_for(options.formats, config.emotion.enabled, options.vtt_emotion, config)
    failed: list[str] = []
    language = language_in_names(config)
    stems = unique_stems(names_of, language)
    written = [place for stem in stems for place in places(options.folder, stem, writers, language)]
    check_places(written, lying, options.trace)
    check_one_input(options.extras, len(inputs))
    made = [extra.of(stem) for extra in options.extras for stem in (stems if extra.many else stems[:1])]
    # What does not lie on disk cannot be written over.
    check_extras(made, lying + [Path(os.devnull)] * (len(inputs) - len(lying)), written)
    if not options.overwrite:
        beside = [extra.path for extra in made] + [options.trace]
        check_free([*written, *(path for path in beside if path is not None)])
    for item, name, stem in zip(inputs, names_of, stems, strict=True):
        given = _given(item)
        if stem != name.stem and not options.quiet:
            note(f"{given}: its name is too long, or taken by another input; the outputs are called {stem}")
        try:
            outcome = _transcribe_one(config, item, stem, writers, options, prepare)
        except (PipelineError, ModelError) as error:
            if len(inputs) == 1:
                raise
            message, _ = describe(error) or (str(error), FAILED)
            report(message if given in message else f"{given}: {message}")
            log.debug("%s failed", given, exc_info=error)
            failed.append(given)
        else:
            if outcome.interrupted:
                if failed:
                    report(f"failed before the interruption: {', '.join(failed)}")
                return INTERRUPTED
            if outcome.unrecognised:
                report(f"{given}: there is speech, but recognition failed on all of it")
                failed.append(given)
    if failed and len(inputs) > 1:
        report(f"{len(failed)} of {len(inputs)} inputs failed: {', '.join(failed)}")
    return FAILED if failed else OK


def _given(item: Path | Arriving) -> str:
    return str(item) if isinstance(item, Path) else item.given


def _transcribe_one(
    config: Config,
    item: Path | Arriving,
    stem: str,
    writers: Mapping[str, type[Writer]],
    options: Options,
    prepare: Callable[[Pipeline], None],
) -> Outcome:
    if isinstance(item, Path):
        return _transcribe_file(config.model_copy(update={"input": item}), item, item, stem, writers, options, prepare)
    if not options.quiet:
        note(f"{item.given}: reading it to its end")
    with item.on_disk(config.limits) as path:
        local = config.model_copy(update={"input": path})
        try:
            return _transcribe_file(local, path, item.given, stem, writers, options, prepare)
        except StageFailed as error:
            if isinstance(error.cause, UserError):
                raise _renamed(error.cause, path, item) from error
            raise
        except UserError as error:
            raise _renamed(error, path, item) from error


def _renamed(error: UserError, path: Path, item: Arriving) -> UserError:
    """What went wrong, of the recording as the user has named it."""
    return UserError(str(error).replace(os.fspath(path), item.given))


def _transcribe_file(
    config: Config,
    path: Path,
    source: Path | str,
    stem: str,
    writers: Mapping[str, type[Writer]],
    options: Options,
    prepare: Callable[[Pipeline], None],
) -> Outcome:
    media = probe(path, config.limits, wanted_by(config))
    extras = [extra.of(stem) for extra in options.extras]
    for extra in extras:
        extra.check(config, path)
    language = language_in_names(config)
    with Outputs(options.folder, stem, writers, source, language) as outputs, ExitStack() as stack:
        for extra in extras:
            stack.callback(extra.discard)
        if not options.quiet:
            note(_heading(media, source))
        out = sys.stderr if any(extra.takes_stdout for extra in extras) else None
        console = None if options.quiet else ConsoleSink(out, stamp=time_range, duration=media.duration)
        pipeline = Pipeline(config, trace=options.trace)
        prepare(pipeline)
        for extra in extras:
            extra.attach(pipeline, options.quiet)
        outcome = execute(pipeline, outputs, console)
        # What the formats have is saved by now, whatever becomes of the rest.
        made = [extra.path for extra in extras if extra.finish(outcome) and extra.path is not None]
        if not options.quiet:
            note(_summary(config, outcome, outputs, made))
    return outcome


def _heading(media: MediaInfo, source: Path | str) -> str:
    tracks = " and ".join(name for name, there in (("sound", media.has_audio), ("picture", media.has_video)) if there)
    length = "" if media.duration is None else f", {clock(media.duration)}"
    return f"{source}: {tracks}{length}"


def _summary(config: Config, outcome: Outcome, outputs: Outputs, made: Sequence[Path]) -> str:
    duration = outcome.end.duration if outcome.end else 0.0
    took = ""
    # Of a run that was cut short it is not known how far each track had come.
    if config.pace is Pace.MAX and outcome.wall > 0 and duration > 0 and not outcome.interrupted:
        took = f" in {outcome.wall:.1f} s ({duration / outcome.wall:.1f}x real time)"
    files = ", ".join([*([names(outputs.saved)] if outputs.saved else []), *map(str, made)])
    saved = f"saved {files}" if files else "nothing was saved"
    cut = ", so this is not whole" if outputs.saved else ""
    how = f"stopped after {duration:.1f} s{cut}" if outcome.interrupted else f"done: {duration:.1f} s{took}"
    return f"{how}; {saved}{outcome.losses}{outputs.remarks}"
