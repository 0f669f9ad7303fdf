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
from lipstream.commands.extras.base import Extra, check_extras, extra_settings
from lipstream.commands.failures import FAILED, INTERRUPTED, OK, describe, note, report
from lipstream.commands.outputs import Outputs, check_free, check_places, names, unique_stems, writers_for
from lipstream.commands.running import Outcome, execute
from lipstream.config import Config, Pace, load_config, parse_assignment
from lipstream.models.errors import ModelError
from lipstream.pipeline import PipelineError, UserError
from lipstream.stages.media.probe import MediaInfo, probe
from lipstream.stages.media.tracks import wanted_by
from lipstream.stages.sinks import ConsoleSink, Writer
from lipstream.stages.sinks.console import time_range
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
        extras: what else to make; with any, there is one input.
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


def settings(assignments: Sequence[str]) -> dict[str, object]:
    """Read --set arguments.

    Raises:
        ConfigError: one is no assignment.
    """
    return dict(parse_assignment(text) for text in assignments)


def transcribe(
    inputs: Sequence[Path], options: Options, prepare: Callable[[Pipeline], None] = lambda pipeline: None
) -> int:
    """Transcribe recordings one after the other and return the exit code.

    One that fails does not keep the others from being done; the failures are listed at the end.

    Args:
        inputs: at least one.
        options: the same for all.
        prepare: given each pipeline before it starts, to add hooks or stages.

    Raises:
        UserError: the options are wrong, or the only input is.
        StageFailed: the only input failed.
    """
    if options.trace is not None and len(inputs) > 1:
        raise UserError("--trace takes one input at a time: each run would replace the trace of the one before")
    overrides = {
        **extra_settings(options.extras, options.overrides),
        "mode": "file",
        "input": os.fspath(inputs[0]),
    }
    config = load_config(options.config, overrides)
    writers = writers_for(options.formats, config.emotion.enabled, options.vtt_emotion)
    failed: list[Path] = []
    stems = unique_stems(inputs)
    check_places(options.folder, stems, writers, inputs, options.trace)
    written = [options.folder / f"{stem}.{name}" for stem in stems for name in writers]
    check_extras(options.extras, inputs, written)
    if not options.overwrite:
        beside = [extra.path for extra in options.extras] + [options.trace]
        check_free([*written, *(path for path in beside if path is not None)])
    for path, stem in zip(inputs, stems, strict=True):
        if stem != path.stem and not options.quiet:
            note(f"{path}: its name is too long, or taken by another input; the outputs are called {stem}")
        try:
            pipeline_config = config.model_copy(update={"input": path})
            outcome = _transcribe_one(pipeline_config, path, stem, writers, options, prepare)
        except (PipelineError, ModelError) as error:
            if len(inputs) == 1:
                raise
            message, _ = describe(error) or (str(error), FAILED)
            report(message if str(path) in message else f"{path}: {message}")
            log.debug("%s failed", path, exc_info=error)
            failed.append(path)
        else:
            if outcome.interrupted:
                if failed:
                    report(f"failed before the interruption: {', '.join(map(str, failed))}")
                return INTERRUPTED
            if outcome.unrecognised:
                report(f"{path}: there is speech, but recognition failed on all of it")
                failed.append(path)
    if failed and len(inputs) > 1:
        report(f"{len(failed)} of {len(inputs)} inputs failed: {', '.join(map(str, failed))}")
    return FAILED if failed else OK


def _transcribe_one(
    config: Config,
    path: Path,
    stem: str,
    writers: Mapping[str, type[Writer]],
    options: Options,
    prepare: Callable[[Pipeline], None],
) -> Outcome:
    media = probe(path, config.limits, wanted_by(config))
    for extra in options.extras:
        extra.check(config, path)
    with Outputs(options.folder, stem, writers, path) as outputs, ExitStack() as stack:
        for extra in options.extras:
            stack.callback(extra.discard)
        if not options.quiet:
            note(_heading(media))
        out = sys.stderr if any(extra.takes_stdout for extra in options.extras) else None
        console = None if options.quiet else ConsoleSink(out, stamp=time_range, duration=media.duration)
        pipeline = Pipeline(config, trace=options.trace)
        prepare(pipeline)
        for extra in options.extras:
            extra.attach(pipeline, options.quiet)
        outcome = execute(pipeline, outputs, console)
        # What the formats have is saved by now, whatever becomes of the rest.
        made = [extra.path for extra in options.extras if extra.finish(outcome) and extra.path is not None]
        if not options.quiet:
            note(_summary(config, outcome, outputs) + "".join(f", {path}" for path in made))
    return outcome


def _heading(media: MediaInfo) -> str:
    tracks = " and ".join(name for name, there in (("sound", media.has_audio), ("picture", media.has_video)) if there)
    length = "" if media.duration is None else f", {clock(media.duration)}"
    return f"{media.path}: {tracks}{length}"


def _summary(config: Config, outcome: Outcome, outputs: Outputs) -> str:
    duration = outcome.end.duration if outcome.end else 0.0
    took = ""
    # Of a run that was cut short it is not known how far each track had come.
    if config.pace is Pace.MAX and outcome.wall > 0 and duration > 0 and not outcome.interrupted:
        took = f" in {outcome.wall:.1f} s ({duration / outcome.wall:.1f}x real time)"
    saved = f"saved {names(outputs.saved)}" if outputs.saved else "nothing was saved"
    cut = ", so this is not whole" if outputs.saved else ""
    how = f"stopped after {duration:.1f} s{cut}" if outcome.interrupted else f"done: {duration:.1f} s{took}"
    return f"{how}; {saved}{outcome.losses}"
