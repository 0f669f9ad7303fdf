"""Arguments that several verbs share, and how help is laid out."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

Run = Callable[[argparse.Namespace], int]

DEFAULT_FORMATS = "txt,srt,json"
FORMATS_HELP = "txt, srt, vtt, tsv, json, jsonl, several with commas between, or all"


class HelpFormatter(argparse.RawDescriptionHelpFormatter):
    """Shows the default of every option that has one, and leaves examples as they are written."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        shown = action.default not in (None, False, [], argparse.SUPPRESS) and action.option_strings
        return f"{action.help} (default: %(default)s)" if shown else action.help


class VersionAction(argparse.Action):
    """Prints the version; finding it out is put off until somebody asks."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        """Print it and exit."""
        from stages.version import version

        print(f"lipstream {version()}")
        parser.exit()


def add_verb(
    verbs: argparse._SubParsersAction[argparse.ArgumentParser], name: str, summary: str, example: str, run: Run
) -> argparse.ArgumentParser:
    """Add a verb (or a verb of a verb) to a parser.

    Args:
        verbs: where to add it.
        name: what the user types.
        summary: one line on what it does.
        example: command lines shown at the end of its help, one or more lines.
        run: called with the parsed arguments; returns the exit code.
    """
    lines = "\n".join(f"  {line}" for line in example.splitlines())
    parser = verbs.add_parser(
        name,
        help=summary,
        description=f"{summary[0].upper()}{summary[1:]}.",
        epilog=f"example:\n{lines}",
        formatter_class=HelpFormatter,
    )
    parser.set_defaults(run=run, verbose=False)
    return parser


def add_config_arguments(parser: argparse.ArgumentParser, default: str) -> None:
    """Add --config, --set and --trace."""
    parser.add_argument(
        "--config", metavar="NAME|PATH", default=default, help="configuration, by name or as a YAML file"
    )
    add_set_argument(parser)
    parser.add_argument(
        "--trace", metavar="FILE", type=Path, help="record where the time goes, for https://ui.perfetto.dev"
    )


def add_set_argument(parser: argparse.ArgumentParser) -> None:
    """Add --set."""
    parser.add_argument(
        "--set",
        dest="settings",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        help="change one setting, such as vad.threshold=0.6; may be given several times",
    )


def add_verbosity_arguments(parser: argparse.ArgumentParser) -> None:
    """Add -q and -v."""
    verbosity = parser.add_mutually_exclusive_group()
    verbosity.add_argument("-q", "--quiet", action="store_true", help="print nothing but errors")
    verbosity.add_argument("-v", "--verbose", action="store_true", help="log what happens, with tracebacks of failures")
