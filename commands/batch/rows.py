"""Rows of `manifest.out.jsonl`: what became of each recording."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from lipstream.commands.batch.recording import Recording

DONE: Literal["done"] = "done"
FAILED: Literal["failed"] = "failed"


@dataclass(frozen=True, slots=True)
class Made:
    """What a recording's outputs depend on besides its content.

    Attributes:
        config: hash of the configuration and the formats.
        models: hash of the networks.
        outputs: version of what is written.
    """

    config: str
    models: str
    outputs: int


@dataclass(frozen=True, slots=True)
class Row:
    """What became of one recording.

    Attributes:
        id: the recording's key.
        source: absolute path, or address.
        status: `done` or `failed`.
        error_class: name of the error's class, None if there was none.
        error: one line about it.
        duration: of the media, in seconds.
        wall: seconds the work took.
        words: how many were written.
        outputs: the files made, below the output folder.
        notes: a line for each thing that is missing: no picture, speech that was not understood.
        name: of its outputs, below the output folder, without endings.
        size: bytes of the recording.
        version: see `Recording.version`.
        sha256: of the recording; empty if it could not be read.
        made: what the outputs depend on.
        versions: of the programs that made it, by name.
        host: name of the machine.
        finished: when, in ISO 8601, UTC.
    """

    id: str
    source: str
    status: Literal["done", "failed"]
    made: Made
    error_class: str | None = None
    error: str | None = None
    duration: float = 0.0
    wall: float = 0.0
    words: int = 0
    outputs: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    name: str = ""
    size: int | None = None
    version: str = ""
    sha256: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    host: str = ""
    finished: str = ""

    @property
    def done(self) -> bool:
        """Whether its outputs are complete."""
        return self.status == DONE

    def to_json(self) -> str:
        """One line, with what it depends on flat beside the rest."""
        record = dataclasses.asdict(self)
        made = record.pop("made")
        flat = {"config_hash": made["config"], "models_hash": made["models"], "outputs_version": made["outputs"]}
        text = json.dumps(record | flat, ensure_ascii=False, allow_nan=False)
        # Names of files may hold what is no Unicode, or what a terminal obeys; escaped it comes back as it was.
        return text if text.isprintable() else json.dumps(record | flat, allow_nan=False)

    @staticmethod
    def from_json(line: str) -> Row:
        """Read a line; fields of a later version are left out.

        Raises:
            ValueError: it is no row.
        """
        record = json.loads(line)
        if not isinstance(record, dict):
            raise ValueError("not an object")
        try:
            made = Made(record["config_hash"], record["models_hash"], record["outputs_version"])
            known = {each.name: record[each.name] for each in dataclasses.fields(Row) if each.name in record}
            for name in ("outputs", "notes"):
                known[name] = tuple(known.get(name, ()))
            return Row(**known, made=made)
        except (KeyError, TypeError) as error:
            raise ValueError(f"not a row: {error}") from error


def lost(recording: Recording, made: Made, why: str) -> Row:
    """The row of a recording that no worker lived to tell of."""
    return Row(
        id=recording.key,
        source=recording.source,
        status=FAILED,
        made=made,
        error_class="WorkerLost",
        error=why,
        name=recording.name,
        size=recording.size,
        version=recording.version,
    )


def read_rows(lines: Iterable[str]) -> dict[str, Row]:
    """The newest row of each recording, by its key. A line that was cut off is as if it were not there."""
    rows: dict[str, Row] = {}
    for line in lines:
        try:
            row = Row.from_json(line)
        except ValueError:
            continue
        before = rows.get(row.id)
        if before is None or before.finished <= row.finished:
            rows[row.id] = row
    return rows


def to_text(rows: Iterable[Row]) -> str:
    """A whole manifest."""
    return "".join(f"{row.to_json()}\n" for row in rows)
