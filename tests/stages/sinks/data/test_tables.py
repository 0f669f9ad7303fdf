"""Tables of words, segments and emotions: what stands in them, and that they hold to their documents."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from lipstream.pipeline import UserError
from lipstream.stages.sinks import EmotionCsvWriter, SegmentsCsvWriter, WordsCsvWriter, Writer, parse_formats
from lipstream.stages.sinks.data.columns import EMOTION, SEGMENTS, WORDS, Table, document
from lipstream.stages.sinks.data.features_columns import features_table
from lipstream.stages.sinks.data.features_csv import FeaturesCsvWriter
from tests.stages.sinks.data.runs import emotion, features, final, finished, speaking, unjudged, write

ROOT = Path(__file__).parents[4]
FEATURES = features_table("features.csv", landmarks=False)
TABLES = (WORDS, SEGMENTS, EMOTION, FEATURES)
WRITERS: dict[str, type[Writer]] = {
    "words.csv": WordsCsvWriter,
    "segments.csv": SegmentsCsvWriter,
    "emotion.csv": EmotionCsvWriter,
    "features.csv": FeaturesCsvWriter,
}
RUN = (
    features(0.04),
    features(0.04, 2, speaker=False),
    emotion(0.5),
    unjudged(0.5, 2),
    speaking(0.012, 0.25, 0.75, None),
    final("Hello, there."),
    emotion(1.0, face=None),
    features(0.08),
    final("Off camera.", 3.0, 4.0, segment=2, face=None, off_camera=True, language=None),
    finished(),
)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def typed(table: Table, row: dict[str, str]) -> dict[str, Any]:
    """A row as its schema means it: an empty cell is null where one may be."""
    readers = {"string": str, "number": float, "integer": int, "boolean": {"true": True, "false": False}.__getitem__}
    kinds = {column.name: column for column in table.columns}
    return {
        name: None if text == "" and kinds[name].optional else readers[kinds[name].kind](text)
        for name, text in row.items()
    }


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_row_is_as_the_schema_says(tmp_path: Path, table: Table):
    path = write(WRITERS[table.name](tmp_path / f"talk.{table.name}"), *RUN)
    found = rows(path)
    assert found and all(tuple(row) == table.header for row in found)
    for row in found:
        jsonschema.validate(typed(table, row), table.schema(), jsonschema.Draft202012Validator)
        assert row["file"] == "talk"


def test_the_schema_is_a_schema_and_the_file_in_the_documents_is_it():
    made = json.loads(json.dumps(document(TABLES)))
    for definition in made["$defs"].values():
        jsonschema.Draft202012Validator.check_schema(definition)
    kept = json.loads((ROOT / "docs" / "tables.schema.json").read_text(encoding="utf-8"))
    assert kept == made, "make it anew: python scripts/table_schema.py"


@pytest.mark.parametrize("wrong", [{"confidence": 1.5}, {"confidence": "high"}, {"start": None}, {"extra": 1}])
def test_the_schema_refuses_what_is_none(wrong: dict[str, object]):
    row: dict[str, Any] = {column.name: None for column in WORDS.columns if column.optional}
    row |= {"file": "a", "segment": 1, "index": 0, "start": 0.0, "end": 0.1, "word": "a", "confidence": 1.0}
    row |= {"lip_gate": 0.0, "off_camera": False}
    jsonschema.validate(row, WORDS.schema())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(row | wrong, WORDS.schema())


def test_words_have_their_segment_their_place_and_who_said_them(tmp_path: Path):
    first, second, third, _ = rows(write(WordsCsvWriter(tmp_path / "talk.words.csv"), *RUN))
    assert (first["word"], first["segment"], first["index"], first["start"], first["end"]) == (
        *("Hello,", "1", "0"),
        *("0.000", "1.000"),
    )
    assert (second["index"], second["confidence"], second["face"], second["language"]) == ("1", "0.6", "1", "en")
    assert (third["segment"], third["face"], third["off_camera"], third["language"]) == ("2", "", "true", "")


def test_segments_have_the_mean_confidence_of_their_words(tmp_path: Path):
    first, second = rows(write(SegmentsCsvWriter(tmp_path / "talk.segments.csv"), *RUN))
    assert (first["text"], first["words"], first["confidence"]) == ("Hello, there.", "2", "0.55")
    assert (second["start"], second["end"], second["off_camera"]) == ("3.000", "4.000", "true")


def test_a_segment_without_text_is_in_no_table(tmp_path: Path):
    for kind in (WordsCsvWriter, SegmentsCsvWriter):
        writer = kind(tmp_path / f"talk.{kind.table.name}")
        assert rows(write(writer, final(" "), finished())) == []


def test_a_word_that_begins_like_a_formula_is_text_to_a_spreadsheet(tmp_path: Path):
    (row,) = rows(write(WordsCsvWriter(tmp_path / "=1.words.csv"), final("=cmd|1"), finished()))
    assert row["word"] == "'=cmd|1" and row["file"] == "'=1"


@pytest.mark.parametrize("name", ["words.csv", "segments.csv"])
def test_words_and_segments_are_on_disk_as_they_come(tmp_path: Path, name: str):
    writer = WRITERS[name](tmp_path / f"talk.{name}")
    writer.handle(final("Hello, there."))
    # Nothing is closed: what is on disk now is what a kill would leave.
    text = writer.part.read_text(encoding="utf-8")
    assert "there." in text and text.endswith("\n")
    writer.discard()


def test_formats_are_known_whatever_their_capitals_and_features_are_two():
    assert parse_formats("textgrid,EAF,Words.csv") == ["TextGrid", "eaf", "words.csv"]
    assert parse_formats("features,features.csv") == ["features.parquet", "features.csv"]
    with pytest.raises(UserError, match=r"did you mean 'words\.csv'"):
        parse_formats("word.csv")


# The documents.


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_column_is_in_the_document_as_it_is(table: Table):
    text = (ROOT / "docs" / "data.md").read_text(encoding="utf-8")
    section = text.split(f"\n### `{table.name}`", 1)[1].split("\n### ", 1)[0]
    for column in table.columns:
        if table is FEATURES and column.name in _IN_GROUPS:
            continue
        bounds = column.bounds if column.kind in ("number", "integer") else column.kind
        cells = [f"`{column.name}`", column.unit, bounds, column.source, column.text]
        assert f"| {' | '.join(cells)} |" in section, f"the row should be: | {' | '.join(cells)} |"


_IN_GROUPS = {column.name for column in FEATURES.columns if column.text.startswith("blendshape ")}
