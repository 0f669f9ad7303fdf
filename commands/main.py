"""Lipstream's command line: `lipstream VERB`, `python -m lipstream VERB`, or `python main.py VERB` in a checkout."""

from __future__ import annotations

import os
import sys

# Not from typing: whatever is imported out here is a traceback if Ctrl-C comes meanwhile.
TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from typing import NoReturn

EXAMPLE = """\
examples:
  lipstream demo                  captions for a clip that comes with it
  lipstream file talk.mp4         captions for a recording: talk.txt, talk.srt, talk.json
  lipstream batch lectures/       captions for all recordings of a folder, on all cores
  lipstream live                  captions from the webcam and the microphone
  lipstream serve                 the same in a browser
  lipstream VERB --help           the options of a verb, with an example"""


TRAINING = ("train", "eval", "enroll", "profile")
"""Verbs that have long sums to do, and nothing else meanwhile."""


def limit_threads(arguments: Sequence[str]) -> None:
    """Have numpy's sums done by the thread that asks for them; to be called before numpy is imported.

    Captions have many short ones. OpenBLAS hands them to threads on the other cores, which then wait for more in a busy
    loop: at live pace that took a third of all processor time. Who has set it otherwise is left alone.
    """
    if not arguments or arguments[0] not in TRAINING:
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def build_parser() -> argparse.ArgumentParser:
    """The parser with all its verbs."""
    from lipstream.commands import (
        config,
        convert,
        demo,
        devices,
        doctor,
        enroll,
        eval,
        file,
        live,
        models,
        serve,
        train,
    )
    from lipstream.commands.batch import command as batch
    from lipstream.commands.growing import command as profile
    from lipstream.commands.networks import explain
    from lipstream.commands.options import HelpFormatter, VersionAction
    from lipstream.commands.parser import PlainParser
    from lipstream.commands.people import command as people

    parser = PlainParser(
        prog="lipstream",
        description="Live captions that watch the speaker's lips, on this machine alone.",
        epilog=EXAMPLE,
        formatter_class=HelpFormatter,
    )
    parser.add_argument("--version", action=VersionAction, nargs=0, help="show the version and exit")
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    seldom = (devices, models, doctor, demo, config, train, eval, enroll, people, profile, explain)
    for verb in (file, batch, live, serve, convert, *seldom):
        verb.add(verbs)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb and return the exit code: 0 done, 1 failed, 2 wrong usage, 130 interrupted."""
    from lipstream.commands.failures import guarded

    parser = build_parser()
    if not (sys.argv[1:] if argv is None else argv):
        parser.print_help(sys.stderr)
        return 2
    try:
        args = parser.parse_args(argv)
    except SystemExit as parsed:
        return int(parsed.code or 0)
    return guarded(args.run, args)


def run() -> NoReturn:
    """Run the verb the process was started with, and end it."""
    try:
        from lipstream.commands.failures import leave, own_stderr

        own_stderr()
        limit_threads(sys.argv[1:])
        code = main()
    except KeyboardInterrupt:
        os._exit(130)
    leave(code)
