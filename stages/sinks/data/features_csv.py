"""Faces, frame by frame, as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import numpy as np

from lipstream.events import FaceFeatures
from lipstream.pipeline.events import End, Event
from lipstream.stages.sinks.data.features_columns import JOINED, KEYS, seen_columns, seen_values
from lipstream.stages.sinks.data.later import Later
from lipstream.stages.sinks.data.table_writer import recording
from lipstream.stages.sinks.text import cell
from lipstream.stages.sinks.writer import Writer

_CHUNK = 4096
"""Rows that are joined at once."""


class FeaturesCsvWriter(Writer):
    """A row for each `FaceFeatures`.

    The part file has the columns that are known at once, a whole row for every face that was seen. At the end the rest
    is joined to it, in a new file.
    """

    needs_run = True

    def __init__(self, path: Path, source: str = "") -> None:
        super().__init__(path, source)
        self._recording = cell(recording(path, "features.csv"))
        self._begun = False
        self._later = Later()

    def write(self, event: Event) -> None:
        """Write the row of a face; keep what is joined later."""
        if not isinstance(event, FaceFeatures):
            self._later.add(event)
            return
        self._head(landmarks=bool(event.landmarks))
        self.put(_line(seen_values(event, self._recording)))
        self.mark_content()

    def complete(self, end: End | None) -> None:
        """Write the header if no face came."""
        self._head(landmarks=False)

    def convert(self) -> Path:
        """Join what is known by now."""
        with self.part.open(encoding="utf-8", newline="") as rows, self.made_anew() as file:
            file.write(f"{rows.readline().rstrip()},{','.join(column.name for column in JOINED)}\n".encode())
            first = _line([self._recording]).rstrip("\n")
            while chunk := [line.rstrip("\n") for line in islice(rows, _CHUNK)]:
                for line, joined in zip(chunk, self._joined(chunk, len(first) + 1), strict=True):
                    file.write(f"{line},{joined}\n".encode())
        return self.made

    def _head(self, *, landmarks: bool) -> None:
        if not self._begun:
            self._begun = True
            self.put(_line([column.name for column in seen_columns(landmarks)]))

    def _joined(self, lines: Iterable[str], start: int) -> Iterator[str]:
        """The last columns of rows whose second column begins at a place."""
        keys = [line[start:].split(",", len(KEYS) - 1) for line in lines]
        times = np.array([float(time) for time, *_ in keys])
        faces = np.array([int(face) for _, face, *_ in keys])
        speaking = self._later.speaking(times)
        labels, values = self._later.emotions(times, faces)
        for (_, _, speaker, *_), spoken, label, numbers in zip(
            keys, speaking.tolist(), labels, values.tolist(), strict=True
        ):
            yield ",".join([_number(spoken if speaker == "true" else np.nan), label or "", *map(_number, numbers)])


def _line(values: Iterable[object]) -> str:
    row = io.StringIO()
    csv.writer(row, lineterminator="\n").writerow(
        [("true" if each else "false") if isinstance(each, bool) else each for each in values]
    )
    return row.getvalue()


def _number(value: float) -> str:
    return "" if np.isnan(value) else repr(value)
