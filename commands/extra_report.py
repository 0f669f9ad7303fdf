"""`--report`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from commands.extras import Extra, path_of
from commands.record_extra import RecordExtra

if TYPE_CHECKING:
    from views.part_file import PartFile
    from views.record import Recorder

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
    return Report(path_of("--report", args.report, ENDINGS))


class Report(RecordExtra):
    """A page on which the recording can be looked over."""

    option = "--report"

    def write(self, file: PartFile, record: Recorder) -> None:
        """Write the page."""
        from views.report import write_page

        write_page(file, record, self.source)
