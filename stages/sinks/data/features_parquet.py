"""Faces, frame by frame, as Parquet."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet

from lipstream.events import FaceFeatures
from lipstream.pipeline.events import End, Event
from lipstream.stages.sinks.data.columns import SCHEMA_VERSION, Column, Kind
from lipstream.stages.sinks.data.features_columns import JOINED, features_table, seen_columns, seen_values
from lipstream.stages.sinks.data.later import Later
from lipstream.stages.sinks.data.table_writer import recording
from lipstream.stages.sinks.text import clean
from lipstream.stages.sinks.writer import Writer
from lipstream.version import version

NAME = "features.parquet"
BATCH = 64
"""Rows that are written together: so many may be lost in a crash."""
_GROUP_VALUES = 4_000_000
"""Numbers in a group of rows at most: 16 MB."""


class FeaturesParquetWriter(Writer):
    """A row for each `FaceFeatures`.

    A Parquet file without its end cannot be read. So the part file is a stream of Arrow record batches, which can
    (`pyarrow.ipc.open_stream`); at the end it is made into Parquet, and what is known later than a picture is joined.
    """

    needs_run = True

    def __init__(self, path: Path, source: str = "") -> None:
        super().__init__(path, source)
        self._recording = clean(recording(path, NAME))
        self._later = Later()
        self._rows: list[list[object]] = []
        self._stream: Any = None
        self._schema: Any = None
        self._landmarks = False
        self._state: dict[str, object] = {}

    def write(self, event: Event) -> None:
        """Take the row of a face; keep what is joined later."""
        if not isinstance(event, FaceFeatures):
            self._later.add(event)
            return
        self._begin_stream(landmarks=bool(event.landmarks))
        self._rows.append(seen_values(event, self._recording))
        self.mark_content()
        if len(self._rows) >= BATCH:
            self._put_batch()

    def complete(self, end: End | None) -> None:
        """Write the last rows."""
        self._begin_stream(landmarks=False)
        self._put_batch()
        self._stream.close()
        self._state = {"duration": None if end is None else end.duration, "complete": self.whole(end)}

    def convert(self) -> Path:
        """Make the Parquet file of the stream."""
        schema = _schema((*seen_columns(self._landmarks), *JOINED)).with_metadata(self._metadata())
        rows = max(BATCH, _GROUP_VALUES // len(schema))
        with self.part.open("rb") as part, self.made_anew() as file:
            batches = pa.ipc.open_stream(part)
            with pa.parquet.ParquetWriter(file, schema, compression="zstd") as writer:
                for table in _groups(batches, rows):
                    writer.write_table(self._joined(table, schema))
        return self.made

    def _begin_stream(self, *, landmarks: bool) -> None:
        if self._stream is not None:
            return
        assert self._file is not None
        self._landmarks = landmarks
        self._schema = _schema(seen_columns(landmarks))
        self._stream = pa.ipc.new_stream(self._file, self._schema)
        self._file.flush()

    def _put_batch(self) -> None:
        if not self._rows:
            return
        columns = zip(*self._rows, strict=True)
        arrays = [pa.array(values, field.type) for values, field in zip(columns, self._schema, strict=True)]
        self._rows = []
        self._stream.write_batch(pa.record_batch(arrays, schema=self._schema))
        assert self._file is not None
        self._file.flush()

    def _joined(self, table: Any, schema: Any) -> Any:  # noqa: ANN401 - pyarrow has no types
        times = table["time"].to_numpy()
        faces = table["face"].to_numpy().astype(np.int64)
        speaking = np.where(table["speaker"].to_numpy(), self._later.speaking(times), np.nan)
        labels, values = self._later.emotions(times, faces)
        later = [pa.array(speaking, pa.float32(), from_pandas=True), pa.array(labels, pa.string())]
        later += [pa.array(column, pa.float32(), from_pandas=True) for column in values.T]
        return pa.Table.from_arrays([*table.columns, *later], schema=schema)

    def _metadata(self) -> dict[str, str]:
        """What is known of the whole file, as `pyarrow.parquet.read_schema(path).metadata` gives it."""
        table = features_table(NAME, landmarks=False)
        facts = {"version": version(), "source": clean(self.source), "table_version": SCHEMA_VERSION, **self._state}
        return {"lipstream": json.dumps(facts), "lipstream.schema": json.dumps(table.schema())}


def _groups(batches: Any, rows: int) -> Iterator[Any]:  # noqa: ANN401
    """The batches of a stream, put together to tables of so many rows; at least one table."""
    held: list[Any] = []
    for batch in batches:
        held.append(batch)
        if sum(len(each) for each in held) >= rows:
            yield pa.Table.from_batches(held)
            held = []
    if held:
        yield pa.Table.from_batches(held)


_TYPES: dict[Kind, Any] = {
    "string": pa.string(),
    "number": pa.float32(),
    "integer": pa.int32(),
    "boolean": pa.bool_(),
}


def _schema(columns: Sequence[Column]) -> Any:  # noqa: ANN401
    """Columns as Arrow fields, each with what docs/data.md says of it. Time is in 64 bits, all other numbers in 32."""
    return pa.schema([_field(column) for column in columns])


def _field(column: Column) -> Any:  # noqa: ANN401
    about = {"description": column.text, "source": column.source, "unit": column.unit, "range": column.bounds}
    kind = pa.float64() if column.name == "time" else _TYPES[column.kind]
    return pa.field(column.name, kind, nullable=column.optional, metadata={key: v for key, v in about.items() if v})
