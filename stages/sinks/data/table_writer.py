"""What the tables have in common that are CSV: a header, and rows of documented columns."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import ClassVar

from lipstream.stages.sinks.data.columns import Table
from lipstream.stages.sinks.text import cell
from lipstream.stages.sinks.writer import Writer


class TableWriter(Writer):
    """A header, then rows; commas between, RFC 4180 with plain line feeds.

    Texts are cells: what a spreadsheet would calculate gets an apostrophe in front.
    """

    table: ClassVar[Table]
    """What stands in it."""

    def __init__(self, path: Path, source: str = "") -> None:
        super().__init__(path, source)
        self._row = io.StringIO()
        self._rows = csv.writer(self._row, lineterminator="\n")
        self._recording = recording(path, self.table.name)

    def begin(self) -> None:
        """Write the header."""
        self._put(self.table.header)

    def put_row(self, values: Mapping[str, object]) -> None:
        """Write a row.

        Args:
            values: by column; the recording's name comes by itself, None is an empty cell.
        """
        row = {"file": self._recording, **values}
        self._put([_text(row[name]) for name in self.table.header])

    def _put(self, values: Iterable[object]) -> None:
        self._rows.writerow(values)
        self.put(self._row.getvalue())
        self._row.seek(0)
        self._row.truncate()


def recording(path: Path, ending: str) -> str:
    """The name of a recording in its tables: that of the output without its ending."""
    return path.name.removesuffix(f".{ending}")


def _text(value: object) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    return cell(value) if isinstance(value, str) else value
