"""`--render`."""

from __future__ import annotations

import argparse

from lipstream.commands.extras.base import Extra, path_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add --render."""
    parser.add_argument(
        "--render", metavar="FILE.mp4", help="also make a video with captions, faces and emotions in its picture"
    )


def from_args(args: argparse.Namespace) -> Extra | None:
    """What was asked for, or None.

    Raises:
        UserError: the name is no video's.
    """
    if args.render is None:
        return None
    from lipstream.commands.extras.media import Render
    from lipstream.views.media.render import FORMATS

    return Render(path_of("--render", args.render, FORMATS))
