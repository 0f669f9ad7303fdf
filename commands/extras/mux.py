"""`--mux`."""

from __future__ import annotations

import argparse

from lipstream.commands.extras.base import Extra, path_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add --mux."""
    parser.add_argument(
        "--mux", metavar="FILE.mkv", help="also make a copy with the captions as subtitles that can be switched off"
    )


def from_args(args: argparse.Namespace) -> Extra | None:
    """What was asked for, or None.

    Raises:
        UserError: the name is no video's.
    """
    if args.mux is None:
        return None
    from lipstream.commands.extras.media import Mux
    from lipstream.views.media.mux import FORMATS

    return Mux(path_of("--mux", args.mux, FORMATS))
