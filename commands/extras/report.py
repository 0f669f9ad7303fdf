"""`--report`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from lipstream.commands.extras.base import Extra, path_of
from lipstream.commands.extras.record import RecordExtra

if TYPE_CHECKING:
    from lipstream.views.media.part_file import PartFile
    from lipstream.views.recorded.record import Recorder

ENDINGS = (".html", ".htm")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add --report."""
    parser.add_argument(
        "--report",
        metavar="FILE.html",
        help="also make a page with the recording, its words to click on, emotions, lips and faces over time",
    )


def from_args(args: argparse.Namespace) -> Extra | None:
    """What was asked for, or None.

    Raises:
        UserError: the name is not that of such a file.
    """
    if args.report is None:
        return None
    return ReportExtra(path_of("--report", args.report, ENDINGS))


class ReportExtra(RecordExtra):
    """A page on which the recording can be looked over."""

    option = "--report"

    def write(self, file: PartFile, record: Recorder) -> None:
        """Write the page."""
        from lipstream.views.report import write_page

        write_page(file, record, self.source, config=self.config)
