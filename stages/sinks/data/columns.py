"""What stands in the tables: every column with its unit, its range and where it comes from.

Headers, the JSON schema (docs/tables.schema.json), the metadata of Parquet files and the tables of docs/data.md are all
made from or held to these. Nothing here needs numpy: the command line reads it at its start.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["string", "number", "integer", "boolean"]

EMOTIONS = ("neutral", "happy", "sad", "angry", "fearful", "disgusted", "surprised")
"""The emotions that are told apart, in the order of their columns."""

ANY = (-math.inf, math.inf)
FRACTION = (0.0, 1.0)
TIME = (0.0, math.inf)


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Attributes:
        name: as in the header.
        kind: type of its values, by the names of JSON schema.
        text: what it is and how it is computed, in a line.
        source: the event and field, or the network, it comes from.
        unit: of its values; empty for none.
        range: least and largest value; infinite where there is no bound.
        optional: whether a cell may be empty, because it was not judged or is not known.
    """

    name: str
    kind: Kind
    text: str
    source: str
    unit: str = ""
    range: tuple[float, float] = ANY
    optional: bool = False

    @property
    def bounds(self) -> str:
        """The range, as people write it; empty for none."""
        if self.kind not in ("number", "integer") or self.range == ANY:
            return ""
        low, high = (f"{each:g}" for each in self.range)
        if self.range[1] == math.inf:
            return f">= {low}"
        return f"{low} to {high}"

    def schema(self) -> dict[str, Any]:
        """The column as JSON schema."""
        made: dict[str, Any] = {"type": [self.kind, "null"] if self.optional else self.kind}
        if self.kind in ("number", "integer"):
            made |= {
                key: value
                for key, value in zip(("minimum", "maximum"), self.range, strict=True)
                if math.isfinite(value)
            }
        if self.unit:
            made["unit"] = self.unit
        return made | {"description": self.text, "source": self.source}


@dataclass(frozen=True, slots=True)
class Table:
    """A kind of table.

    Attributes:
        name: the format, which is also the ending of its file.
        text: what a row is.
        columns: in order.
        more: columns that may be there besides, by a regular expression for their names.
    """

    name: str
    text: str
    columns: tuple[Column, ...]
    more: Mapping[str, Column] = field(default_factory=dict)

    @property
    def header(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(column.name for column in self.columns)

    def schema(self) -> dict[str, Any]:
        """A row as JSON schema; an empty cell of CSV is null."""
        return {
            "type": "object",
            "description": self.text,
            "properties": {column.name: column.schema() for column in self.columns},
            "patternProperties": {pattern: column.schema() for pattern, column in self.more.items()},
            "required": list(self.header),
            "additionalProperties": False,
        }


SCHEMA_VERSION = 1
"""Grows when a column changes its meaning or goes; new columns do not count."""

FILE = Column(
    "file", "string", "name of the outputs of the recording, the same in all tables of it", "name of the file"
)
_FINAL = "TranscriptFinal"


def _face(source: str) -> Column:
    return Column(
        "face", "integer", "number of the face track; empty for none", source, range=(1, math.inf), optional=True
    )


def _speaker(source: str) -> Column:
    return Column(
        "speaker",
        "integer",
        "number of the person, the same in the whole recording; empty where that is not known (docs/speakers.md)",
        source,
        range=(1, math.inf),
        optional=True,
    )


_NAME = Column("name", "string", "name of that person; empty for none", "SpeakerNamed.name", optional=True)


def _times(first: str, last: str, source: str, more: str = "") -> tuple[Column, Column]:
    text = f"when {first} begins, from the beginning of the recording"
    return (
        Column("start", "number", text, f"{source}.start{more}", "s", TIME),
        Column("end", "number", f"when {last} ends", f"{source}.end{more}", "s", TIME),
    )


_SEGMENT = Column("segment", "integer", "number of the stretch of speech", f"{_FINAL}.segment", range=(1, math.inf))
_LANGUAGE = Column(
    "language", "string", "code of the language (ISO 639-1); empty if unknown", f"{_FINAL}.language", optional=True
)
_OFF_CAMERA = Column(
    "off_camera",
    "boolean",
    "a mouth was in view, and it was not the voice (docs/off_camera.md)",
    f"{_FINAL}.off_camera",
)
_GATE = Column("lip_gate", "number", "how much the lips moved the result", f"{_FINAL}.lip_gate", range=FRACTION)

WORDS = Table(
    "words.csv",
    "a word",
    (
        FILE,
        _SEGMENT,
        Column("index", "integer", "place in the segment, from 0", f"{_FINAL}.words", range=(0, math.inf)),
        *_times("the word", "it", "Word", " (docs/word_timing.md)"),
        Column("word", "string", "the word with its punctuation", "Word.word, the recogniser"),
        Column("confidence", "number", "how sure the recogniser is", "Word.confidence", range=FRACTION),
        Column("lip_gate", "number", "how much the lips moved the word", "Word.lip_gate", range=FRACTION),
        _face(f"{_FINAL}.face"),
        _OFF_CAMERA,
        _LANGUAGE,
        _speaker("Word.speaker"),
        _NAME,
    ),
)

SEGMENTS = Table(
    "segments.csv",
    "a stretch of speech, as voice activity cuts it",
    (
        FILE,
        _SEGMENT,
        *_times("its first word", "its last word", _FINAL),
        Column("text", "string", "what was said", f"{_FINAL}.text"),
        Column("words", "integer", "number of its words", f"{_FINAL}.words", range=(0, math.inf)),
        Column(
            "confidence",
            "number",
            "mean over its words; empty without words",
            "Word.confidence",
            range=FRACTION,
            optional=True,
        ),
        _GATE,
        _face(f"{_FINAL}.face"),
        _OFF_CAMERA,
        _LANGUAGE,
        _speaker(f"{_FINAL}.speaker"),
        _NAME,
        Column(
            "overlaps",
            "boolean",
            "somebody else in view speaks at the same time: another row",
            f"{_FINAL}.overlaps",
        ),
    ),
)


def emotion_columns(source: str, optional: bool) -> tuple[Column, ...]:
    """The probabilities, then valence and arousal.

    Args:
        source: where they come from.
        optional: whether they may be missing.
    """
    judged = tuple(
        Column(name, "number", f"calibrated probability of {name}", f"{source}.probabilities", "", FRACTION, optional)
        for name in EMOTIONS
    )
    affect = tuple(
        Column(name, "number", f"{name}, from the probabilities", f"{source}.{name}", "", (-1.0, 1.0), optional)
        for name in ("valence", "arousal")
    )
    return *judged, *affect


EMOTION = Table(
    "emotion.csv",
    "half a second of a face, or of a voice that is no face's in view (docs/emotion.md)",
    (
        FILE,
        *_times("the update", "it", "EmotionUpdate"),
        _face("EmotionUpdate.face"),
        Column(
            "label",
            "string",
            "the emotion that leads; unclear where none does by enough, unknown without evidence",
            "EmotionUpdate.label",
        ),
        *emotion_columns("EmotionUpdate", optional=False),
        Column("weight_face", "number", "share of the face in it", "EmotionUpdate.weights", range=FRACTION),
        Column(
            "weight_voice",
            "number",
            "share of the voice; with that of the face 1, or both 0 without evidence",
            "EmotionUpdate.weights",
            range=FRACTION,
        ),
        _speaker("EmotionUpdate.speaker"),
    ),
)


def document(tables: Sequence[Table]) -> Mapping[str, Any]:
    """Tables as a document of JSON schema (draft 2020-12), a definition for the rows of each."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Rows of Lipstream's tables",
        "version": SCHEMA_VERSION,
        "$defs": {table.name: table.schema() for table in tables},
    }
