"""`file`: captions for recordings."""

from __future__ import annotations

import argparse

from lipstream.commands.extras.base import add_extra_arguments, extras_of
from lipstream.commands.options import (
    DEFAULT_FORMATS,
    FORMATS_HELP,
    add_config_arguments,
    add_name_language_argument,
    add_output_argument,
    add_overwrite_argument,
    add_recording_arguments,
    add_verb,
    add_verbosity_arguments,
    name_settings,
    recording_settings,
)

EXAMPLE = """\
lipstream file talk.mp4
lipstream file lectures/*.mp4 -o captions -f srt,vtt --no-video
ffmpeg -i talk.mp4 -f matroska - | lipstream file -"""


def add(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb to the parser."""
    parser = add_verb(verbs, "file", "caption recorded audio or video", EXAMPLE, run)
    parser.add_argument(
        "inputs", metavar="INPUT", nargs="+", help="any file with sound or a picture; - for standard input; an address"
    )
    add_output_argument(parser)
    parser.add_argument("-f", "--formats", metavar="LIST", default=DEFAULT_FORMATS, help=FORMATS_HELP)
    add_overwrite_argument(parser)
    add_name_language_argument(parser)
    parser.add_argument(
        "--pace", choices=("max", "realtime"), help="speed of reading (default: max, unless the configuration differs)"
    )
    add_recording_arguments(parser)
    add_config_arguments(parser, default="file")
    add_extra_arguments(parser)
    add_verbosity_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Transcribe the inputs."""
    from lipstream.commands.transcribe import Options, transcribe
    from lipstream.stages.media.arriving import arriving
    from lipstream.stages.sinks import parse_formats

    overrides = recording_settings(args) | name_settings(args)
    if args.pace:
        overrides["pace"] = args.pace
    options = Options(
        folder=args.output,
        formats=parse_formats(args.formats),
        config=args.config,
        overrides=overrides,
        trace=args.trace,
        quiet=args.quiet,
        vtt_emotion=args.vtt_emotion,
        extras=extras_of(args),
        overwrite=args.overwrite,
    )
    return transcribe([arriving(text) for text in args.inputs], options)
