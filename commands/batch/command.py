"""`batch`: captions for recordings by the thousand."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from lipstream.commands.options import (
    DEFAULT_FORMATS,
    FORMATS_HELP,
    add_overwrite_argument,
    add_recording_arguments,
    add_set_argument,
    add_verb,
    add_verbosity_arguments,
    recording_settings,
)

if TYPE_CHECKING:
    import threading

    from lipstream.commands.batch.journal import Journal
    from lipstream.commands.batch.plan import Plan
    from lipstream.commands.batch.progress import Progress
    from lipstream.commands.batch.run import Ending
    from lipstream.commands.batch.settings import Settings

EXAMPLE = """\
lipstream batch lectures/ -o captions
lipstream batch list.jsonl -o captions -f srt,json --no-video --retry-failed
lipstream batch s3://talks/2026 -o s3://captions/2026 --address auto"""

_KEPT = ("LIPSTREAM_OFFLINE", "LIPSTREAM_NO_EMOTION")
"""Variables that hold for the workers of a cluster too."""


def add(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the verb to the parser."""
    summary = "caption many recordings, on all cores or on a cluster; the same command goes on where it was stopped"
    parser = add_verb(verbs, "batch", summary, EXAMPLE, run)
    parser.add_argument(
        "inputs",
        metavar="INPUT",
        nargs="+",
        help="folder, recording, or list of recordings (jsonl, csv, txt); a path, or an address such as s3://...",
    )
    parser.add_argument(
        "-o", "--output", metavar="DIR", default="captions", help="folder for the outputs: a path, or an address"
    )
    parser.add_argument("-f", "--formats", metavar="LIST", default=DEFAULT_FORMATS, help=FORMATS_HELP)
    add_overwrite_argument(parser)
    _add_choice(parser)
    _add_running(parser)
    add_recording_arguments(parser)
    parser.add_argument(
        "--config", metavar="NAME|PATH", default="file", help="configuration, by name or as a YAML file"
    )
    add_set_argument(parser)
    add_verbosity_arguments(parser)


def _add_choice(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--include",
        metavar="PATTERN",
        action="append",
        default=[],
        help="which files of folders count, such as '*.mp4' or 'day1/*'; may be given several times (default: media)",
    )
    parser.add_argument(
        "--exclude", metavar="PATTERN", action="append", default=[], help="which do not; may be given several times"
    )
    parser.add_argument("--limit", metavar="N", type=_positive, help="do at most so many recordings now")
    parser.add_argument(
        "--shard", metavar="I/N", type=_shard, help="do one part of N, from 1, with rows of its own; for many machines"
    )
    parser.add_argument("--retry-failed", action="store_true", help="do once more what failed before")
    parser.add_argument("--dry-run", action="store_true", help="list what is to be done, and do nothing")


def _add_running(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--workers", metavar="N", type=_positive, help="processes at once (default: one a core, as memory allows)"
    )
    parser.add_argument(
        "--address", metavar="ADDRESS", help="Ray cluster to run on, auto for the one this machine is in"
    )
    parser.add_argument(
        "--max-errors", metavar="N", type=_count, help="stop when more recordings have failed (default: never)"
    )


def run(args: argparse.Namespace) -> int:
    """Caption the recordings that are not done yet."""
    from lipstream.commands.batch.cluster import check_installed
    from lipstream.commands.batch.inputs import Patterns, find
    from lipstream.commands.batch.journal import journal_at
    from lipstream.commands.batch.naming import named
    from lipstream.commands.batch.places import is_address, local_path
    from lipstream.commands.batch.plan import check_free, limited, make_plan, shard_of
    from lipstream.commands.batch.settings import settings_of
    from lipstream.commands.outputs import check_places, writers_for
    from lipstream.commands.running import interrupts
    from lipstream.stages.sinks import parse_formats
    from lipstream.stages.sinks.data.formats import check_features, format_settings

    if not args.dry_run:
        check_installed()
    formats = parse_formats(args.formats)
    overrides = format_settings(formats) | recording_settings(args)
    settings = settings_of(args.config, overrides, formats, args.vtt_emotion)
    check_features(formats, settings.config)
    config = settings.config
    writers = list(writers_for(settings.formats, config.emotion.enabled, settings.vtt_emotion, config))
    recordings = find(args.inputs, Patterns(args.include, args.exclude), args.output)
    journal = journal_at(args.output, args.shard)

    def planned() -> Plan:
        state = journal.state()
        all_named = named(recordings, {key: row.name for key, row in state.rows.items() if row.name})
        mine = all_named if args.shard is None else shard_of(all_named, args.shard)
        plan = limited(make_plan(mine, settings, state, args.retry_failed), args.limit)
        if not args.overwrite:
            check_free(plan.todo, writers, state)
        if not is_address(args.output):
            read = [local_path(each) for each in args.inputs if not is_address(each)]
            read += [Path(each.source) for each in plan.todo if not is_address(each.source)]
            folder = local_path(args.output)
            check_places([folder / f"{each.name}.{name}" for each in plan.todo for name in writers], read)
        return plan

    if args.dry_run:
        return _tell(planned(), args.quiet)
    with interrupts() as asked, journal:
        plan = planned()
        return _work_off(plan, settings, journal, args, asked)


def _work_off(
    plan: Plan, settings: Settings, journal: Journal, args: argparse.Namespace, asked: threading.Event
) -> int:
    from lipstream.commands.batch import cluster, stream, worker
    from lipstream.commands.batch.progress import Progress, display
    from lipstream.commands.batch.run import Ending, Limits, checked, drive
    from lipstream.commands.failures import note

    workers = args.workers or (cluster.usual_workers() if args.address is None else None)
    if not args.quiet:
        note(_heading(plan, workers))
    progress, ending = Progress(plan.todo, None if args.quiet else display()), Ending()
    if plan.todo:
        kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
        job = worker.Job(settings, journal.target, worker.transcriber, kept)
        with cluster.connected(args.address, min(workers or 1, len(plan.todo))):
            results = stream.rows_of(plan.todo, job, workers, shared_machines=args.address is not None)
            ending = drive(checked(results, settings), journal, progress, Limits(asked, args.max_errors))
    return _conclude(plan, progress, ending, journal.place, args)


def _tell(plan: Plan, quiet: bool) -> int:
    """What would be done, one a line, for another program as well."""
    from lipstream.commands.failures import OK, note
    from lipstream.stages.printable import printable

    for each in plan.todo:
        print(printable(each.source))
    if not quiet:
        note(_heading(plan, None))
    return OK


def _heading(plan: Plan, workers: int | None) -> str:
    before = f", {len(plan.done):,} done before" if plan.done else ""
    left = f", {len(plan.failed):,} failed before (--retry-failed does them again)" if plan.failed else ""
    with_workers = f"; {min(workers, len(plan.todo))} at once" if workers and plan.todo else ""
    return f"{_recordings(len(plan.todo))} to do{before}{left}{with_workers}"


def _conclude(plan: Plan, progress: Progress, ending: Ending, rows: str, args: argparse.Namespace) -> int:
    from lipstream.commands.failures import FAILED, INTERRUPTED, OK, note, report

    progress.clear()
    if not args.quiet and plan.todo:
        failed = f", {progress.failed:,} failed" if progress.failed else ""
        how = "stopped" if ending.interrupted or ending.gave_up else "done"
        note(
            f"{how}: {_recordings(progress.done)}{failed}; {progress.media / 3600:.2f} h of media in "
            f"{progress.took:.0f} s{progress.speed}; rows in {rows}"
        )
    if ending.interrupted:
        if not args.quiet:
            note("the same command goes on from here")
        return INTERRUPTED
    if ending.gave_up:
        report(f"more than {args.max_errors} recordings failed, which --max-errors does not allow; {rows} says why")
        return FAILED
    return FAILED if progress.failed or plan.failed else OK


def _recordings(count: int) -> str:
    return f"{count:,} recording{'' if count == 1 else 's'}"


def _positive(text: str) -> int:
    if (number := _count(text)) < 1:
        raise argparse.ArgumentTypeError("expected a number from 1")
    return number


def _count(text: str) -> int:
    if not (text.isascii() and text.isdecimal()):
        raise argparse.ArgumentTypeError("expected a number from 0")
    return int(text)


def _shard(text: str) -> tuple[int, int]:
    index, slash, count = text.partition("/")
    if slash and index.isdecimal() and count.isdecimal() and 1 <= int(index) <= int(count):
        return int(index), int(count)
    raise argparse.ArgumentTypeError(f"{text!r} is no part of a whole, expected such as 1/4 to 4/4")
