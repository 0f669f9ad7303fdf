"""`--plot`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from lipstream.commands.extras.base import Extra, path_of
from lipstream.commands.extras.record import RecordExtra

if TYPE_CHECKING:
    from pathlib import Path

    from lipstream.config import Config
    from lipstream.views.media.part_file import PartFile
    from lipstream.views.recorded.record import Recorder

ENDINGS = (".png", ".pdf", ".svg")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add --plot."""
    parser.add_argument(
        "--plot",
        metavar="FILE.png",
        help="also draw words, emotions, sound, lips and faces over time, for papers: .png, .pdf or .svg",
    )


def from_args(args: argparse.Namespace) -> Extra | None:
    """What was asked for, or None.

    Raises:
        UserError: the name is not that of such a file.
    """
    if args.plot is None:
        return None
    return Plot(path_of("--plot", args.plot, ENDINGS))


class Plot(RecordExtra):
    """A figure of all tracks over time."""

    option = "--plot"

    def check(self, config: Config, source: Path) -> None:
        """See whether it can be drawn.

        Raises:
            UserError: matplotlib is missing.
        """
        from lipstream.pipeline import UserError

        super().check(config, source)
        try:
            import matplotlib  # noqa: F401 - only whether it is there
        except ImportError as error:
            raise UserError("--plot needs matplotlib: pip install 'matplotlib>=3.9,<4'") from error

    def write(self, file: PartFile, record: Recorder) -> None:
        """Draw the figure."""
        from lipstream.views.recorded.plot import draw, save
        from lipstream.views.recorded.timeline import timeline

        save(draw(timeline(record)), file, self.path.suffix.lower().removeprefix("."))
