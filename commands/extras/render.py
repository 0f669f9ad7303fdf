"""`--render`."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from lipstream.commands.extras.base import Extra, path_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add --render."""
    parser.add_argument(
        "--render",
        metavar="FILE.mp4|DIR/",
        help="also make a video with the captions in its picture; with a folder, of each input",
    )
    parser.add_argument(
        "--render-style",
        choices=("captions", "overlay"),
        default="captions",
        help="what is drawn: captions alone, or faces, emotion, sound and warnings too",
    )


def from_args(args: argparse.Namespace) -> Extra | None:
    """What was asked for, or None.

    Raises:
        UserError: the name is no video's.
    """
    if args.render is None:
        return None
    from lipstream.commands.extras.media import Render, RenderEach
    from lipstream.views.media.render import FORMATS

    overlay, path = args.render_style == "overlay", Path(args.render)
    if args.render.endswith(("/", os.sep)) or (path.suffix.lower() not in FORMATS and path.is_dir()):
        return RenderEach(path, overlay)
    return Render(path_of("--render", args.render, FORMATS), overlay)
