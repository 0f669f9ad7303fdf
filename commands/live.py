"""`live`: captions from a camera and a microphone."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from lipstream.commands.extras import elsewhere, live_record
from lipstream.commands.extras import events as extra_events
from lipstream.commands.extras.base import check_extras
from lipstream.commands.failures import FAILED, OK, note, report
from lipstream.commands.growing import in_live as growing
from lipstream.commands.options import (
    DEFAULT_FORMATS,
    FORMATS_HELP,
    add_config_arguments,
    add_emotion_argument,
    add_landmarks_argument,
    add_overwrite_argument,
    add_profile_argument,
    add_subtitle_arguments,
    add_verb,
    add_verbosity_arguments,
    add_vtt_emotion_argument,
    add_words_arguments,
    emotion_settings,
    profile_settings,
    subtitle_settings,
    words_settings,
)

if TYPE_CHECKING:
    from lipstream import Pipeline
    from lipstream.commands.outputs import Outputs
    from lipstream.commands.running import Outcome
    from lipstream.config import Config
    from lipstream.stages.enrol.consent import GrowthConsent
    from lipstream.stages.sinks import Writer

EXAMPLE = """\
lipstream live
lipstream live --show
lipstream live --record talk.mkv
lipstream live --system-sound
lipstream live --camera none --microphone "USB" -o captions -f srt,jsonl"""


def add(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb to the parser."""
    parser = add_verb(verbs, "live", "caption what the microphone hears, until Ctrl-C", EXAMPLE, run)
    parser.add_argument(
        "--camera", metavar="INDEX|PATH|URL|none", help="camera (default: the configuration's, the first one)"
    )
    parser.add_argument(
        "--microphone",
        metavar="INDEX|NAME|none",
        help="microphone, by index or part of its name (default: the configuration's, the system's default)",
    )
    parser.add_argument(
        "--system-sound",
        metavar="NAME",
        nargs="?",
        const="",
        help="caption what this machine plays as well, as a voice of its own; alone with --microphone none; NAME: of "
        "another output than the default (`devices` lists them)",
    )
    parser.add_argument(
        "--sounds",
        action="store_true",
        help="tell of applause, laughter, music, alarms, doorbell, phone, dog, crying baby and sirens, as [applause]",
    )
    parser.add_argument(
        "--show", action="store_true", help="open a window with picture, captions, faces and emotion; h for its keys"
    )
    parser.add_argument(
        "-o", "--output", metavar="DIR", type=Path, help="keep the captions, in this folder (default: keep nothing)"
    )
    parser.add_argument(
        "-f",
        "--formats",
        metavar="LIST",
        help=f"keep the captions as {FORMATS_HELP} (default with -o: {DEFAULT_FORMATS})",
    )
    add_overwrite_argument(parser)
    add_profile_argument(parser)
    growing.add_argument(parser)
    add_words_arguments(parser)
    add_emotion_argument(parser)
    add_vtt_emotion_argument(parser)
    add_subtitle_arguments(parser)
    add_landmarks_argument(parser)
    parser.add_argument(
        "--lsl", action="store_true", help="send features, emotions and words by Lab Streaming Layer (docs/data.md)"
    )
    add_config_arguments(parser, default="live")
    live_record.add_arguments(parser)
    elsewhere.add_arguments(parser)
    extra_events.add_arguments(parser)
    add_verbosity_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Caption until Ctrl-C."""
    if args.show:
        # First of all imports: OpenCV has to come before PyAV, or its windows hang.
        from lipstream.views.live.gui import check

        check()
    from lipstream import Pipeline
    from lipstream.commands.options import settings
    from lipstream.commands.outputs import check_free, writers_for
    from lipstream.commands.running import execute
    from lipstream.config import load_config
    from lipstream.stages.enrol.own_profile import with_own_profile
    from lipstream.stages.sinks import ConsoleSink, parse_formats
    from lipstream.stages.sinks.data.formats import check_features, format_settings

    kept = args.output is not None or args.formats is not None
    formats = parse_formats(args.formats or DEFAULT_FORMATS) if kept else []
    chosen = emotion_settings(args) | profile_settings(args) | words_settings(args) | subtitle_settings(args)
    wanted = format_settings(formats) | lsl_settings(args)
    overrides = wanted | settings(args.settings) | {"mode": "live"} | _source_settings(args) | chosen
    if args.sounds:
        overrides["sounds.enabled"] = True
    overrides |= growing.settings(args)
    if args.landmarks:
        overrides["face.landmarks"] = True
    config = load_config(args.config, overrides)
    if args.show:
        config = load_config(args.config, _window_settings(config) | overrides)
    check_features(formats, config)
    consent = growing.consent_of(args, config)
    if consent is not None:
        config = with_own_profile(config, consent)
    writers = writers_for(formats, config.emotion.enabled, args.vtt_emotion, config)
    events, recording, others = extra_events.from_args(args), live_record.from_args(args), elsewhere.from_args(args)
    if not args.overwrite:
        named = [args.trace, *(extra.path for extra in (events, recording) if extra is not None)]
        check_free(path for path in named if path is not None)
    with _outputs(args, config, writers) as outputs, ExitStack() as stack:
        pipeline = Pipeline(config, trace=args.trace)
        if consent is not None:
            growing.attach(pipeline, consent)
        extras = [each for each in (events, recording, *others) if each]
        check_extras(extras, [], [writer.path for writer in outputs.writers.values()])
        if events is not None:
            stack.callback(events.discard)
            events.ends_run = not (writers or args.show or recording or others)
            events.attach(pipeline, args.quiet)
        if recording is not None:
            stack.callback(recording.discard)
            recording.attach(pipeline, args.quiet)
        for extra in others:
            extra.attach(pipeline, args.quiet)
        if (name := growing.grows(args, consent)) is not None and not args.quiet:
            growing.before(name)
        console = None if args.quiet else ConsoleSink(sys.stderr if events and events.takes_stdout else None)
        if args.quiet:
            invitation = None
        else:
            note("loading, wait before you speak" if config.audio.enabled else "loading")
            invitation = _invitation(config, args.show) + (f"; {recording.invitation}" if recording else "")
        with _window(args, pipeline, consent) as foreground:
            outcome = execute(pipeline, outputs, console, invitation, foreground)
        streamed = events is not None and events.finish(outcome)
        recorded = recording is not None and recording.finish(outcome)
        if not args.quiet:
            also = [f"events are in {args.events}"] * streamed + [f"the recording is {args.record}"] * recorded
            note("; ".join([_closing_line(config, outcome, outputs), *also]))
    if (name := growing.grows(args, consent)) is not None:
        growing.after(name, args.quiet)
    told = [each.failure for each in (*extras, console) if each is not None]
    failures = [*outputs.failures, *(failure for failure in told if failure)]
    for failure in failures:
        report(failure)
    return FAILED if failures or outcome.unrecognised else OK


def _outputs(args: argparse.Namespace, config: Config, writers: Mapping[str, type[Writer]]) -> Outputs:
    """The files of this run, which have names of their own."""
    from lipstream.commands.outputs import Outputs, free_stem, language_in_names

    folder = args.output or Path(".")
    language = language_in_names(config)
    stem = free_stem(folder, f"live-{datetime.now():%Y%m%d-%H%M%S}", writers, language)
    return Outputs(folder, stem, writers, "live", language)


def _window_settings(config: Config) -> dict[str, object]:
    """The settings that --show stands for."""
    from lipstream.views.live.window import report_settings

    return report_settings(config)


@contextmanager
def _window(
    args: argparse.Namespace, pipeline: Pipeline, consent: GrowthConsent | None
) -> Iterator[Callable[[], bool] | None]:
    """What keeps the window of --show going; None without it."""
    if not args.show:
        yield None
        return
    from lipstream.views.live.window import Window

    with Window(pipeline, args.output or Path("."), consent=consent) as window:
        yield window.update


def lsl_settings(args: argparse.Namespace) -> dict[str, object]:
    """The settings that --lsl stands for."""
    from lipstream.stages.sinks.data.formats import EVERY_FRAME

    return {"events.lsl": True, "face.features_rate": EVERY_FRAME} if args.lsl else {}


def device_settings(args: argparse.Namespace) -> dict[str, object]:
    """The settings that --camera and --microphone stand for."""
    chosen: dict[str, object] = {}
    for section, key, value in (("video", "camera", args.camera), ("audio", "microphone", args.microphone)):
        if value is None:
            continue
        chosen[f"{section}.enabled"] = value.lower() != "none"
        if value.lower() != "none":
            chosen[f"{section}.{key}"] = int(value) if value.isdecimal() else value
    return chosen


def _source_settings(args: argparse.Namespace) -> dict[str, object]:
    """The settings of what is seen and heard: those of devices, and those that --system-sound stands for."""
    chosen = device_settings(args)
    if args.system_sound is not None:
        alone = chosen.get("audio.enabled") is False
        chosen |= {"audio.enabled": True, "audio.source": "system" if alone else "both"}
        if args.system_sound:
            chosen["audio.system"] = int(args.system_sound) if args.system_sound.isdecimal() else args.system_sound
    return chosen


def _invitation(config: Config, show: bool) -> str:
    ends = "q in the window or Ctrl-C ends" if show else "Ctrl-C ends"
    if config.audio.enabled:
        return f"captions come as you speak; {ends}"
    seen = "faces and their emotions" if config.emotion.enabled else "faces"
    return f"there is no microphone, so there are no captions: {seen} are followed; {ends}"


def _closing_line(config: Config, outcome: Outcome, outputs: Outputs) -> str:
    from lipstream.commands.outputs import names

    duration = outcome.end.duration if outcome.end else 0.0
    if outputs.saved:
        kept = f"saved {names(outputs.saved)}"
    elif not outputs.writers:
        kept = f"nothing was saved; -o DIR keeps {'the captions' if config.audio.enabled else 'what was seen'}"
    else:
        quiet = config.audio.enabled and not (outcome.heard or outputs.failures)
        kept = "nobody spoke, so nothing was saved" if quiet else "nothing was saved"
    return f"stopped after {duration:.0f} s; {kept}{outcome.losses}{outputs.remarks}"
