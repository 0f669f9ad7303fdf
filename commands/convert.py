"""`convert`: other formats from the JSON of a run, without running networks."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from lipstream.commands.failures import FAILED, OK, note, report
from lipstream.commands.options import (
    add_output_argument,
    add_overwrite_argument,
    add_set_argument,
    add_subtitle_arguments,
    add_verb,
    add_verbosity_arguments,
    add_vtt_emotion_argument,
    subtitle_settings,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lipstream.stages.sinks import Writer

EXAMPLE = """\
lipstream convert talk.json -f srt,vtt,ass
lipstream convert *.json -o subtitles -f srt --max-chars 37 --max-cps 15 --shift 1.5"""

DEFAULT_FORMATS = "srt,vtt"


def add(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb to the parser."""
    summary = "make subtitles and texts anew from the JSON that `file` and `live` write, without running networks"
    parser = add_verb(verbs, "convert", summary, EXAMPLE, run)
    parser.add_argument("inputs", metavar="JSON", nargs="+", type=Path, help="what -f json has written")
    add_output_argument(parser)
    parser.add_argument(
        "-f",
        "--formats",
        metavar="LIST",
        default=DEFAULT_FORMATS,
        help="formats, with commas between; all but those that tell more of a run than its JSON does",
    )
    add_overwrite_argument(parser)
    add_vtt_emotion_argument(parser)
    add_subtitle_arguments(parser)
    parser.add_argument("--config", metavar="NAME|PATH", default="file", help="configuration, for `subtitles`")
    add_set_argument(parser)
    add_verbosity_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Make the formats of each input."""
    from lipstream.commands.options import settings
    from lipstream.commands.outputs import check_free, check_places, unique_stems, writers_for
    from lipstream.config import load_config
    from lipstream.pipeline import UserError
    from lipstream.stages.sinks import parse_formats

    config = load_config(args.config, settings(args.settings) | subtitle_settings(args))
    formats = parse_formats(args.formats)
    if args.formats.strip().lower() != "all":
        check_formats(formats)
    writers = writers_for((name for name in formats if _from_transcript(name)), True, args.vtt_emotion, config)
    stems = unique_stems(args.inputs)
    written = [args.output / f"{stem}.{name}" for stem in stems for name in writers]
    check_places(written, args.inputs)
    if not args.overwrite:
        check_free(written)
    failed = []
    for path, stem in zip(args.inputs, stems, strict=True):
        try:
            _convert(path, args.output, stem, writers, args.quiet)
        except UserError as error:
            if len(args.inputs) == 1:
                raise
            report(str(error))
            failed.append(path)
    if failed:
        report(f"{len(failed)} of {len(args.inputs)} inputs failed: {', '.join(map(str, failed))}")
    return FAILED if failed else OK


def check_formats(formats: list[str]) -> None:
    """See to it that formats can be made of a transcript.

    Raises:
        UserError: one tells more of a run than that.
    """
    from lipstream.pipeline import UserError

    if missing := [name for name in formats if not _from_transcript(name)]:
        made = ",".join(missing)
        raise UserError(
            f"{made} cannot be made from JSON, which tells less of a run; lipstream file -f {made} makes it"
        )


def _from_transcript(name: str) -> bool:
    from lipstream.stages.sinks import writer_class

    return not writer_class(name).needs_run


def _convert(path: Path, folder: Path, stem: str, writers: Mapping[str, type[Writer]], quiet: bool) -> None:
    from lipstream.commands.outputs import Outputs, names
    from lipstream.stages.sinks.transcript.reading import events_of, read_transcript

    transcript = read_transcript(path)
    with Outputs(folder, stem, writers, transcript.source or path.name) as outputs:
        for event in events_of(transcript):
            for writer in outputs.writers.values():
                writer.handle(event)
        outputs.settle()
        if not quiet:
            cut = "" if transcript.complete else "; the run it is of did not come to its end, so this is not whole"
            note(f"{path}: saved {names(outputs.saved) or 'nothing'}{cut}{outputs.remarks}")
