"""Tables of features: what is joined by time, two formats with the same values, and what a crash leaves."""

from __future__ import annotations

import csv
import errno
import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from lipstream.models.face.backend import BLENDSHAPES
from lipstream.pipeline import UserError
from lipstream.stages.sinks import Writer, writer_class
from lipstream.stages.sinks.data.columns import EMOTIONS
from lipstream.stages.sinks.data.features_columns import JOINED, features_table, seen_columns
from lipstream.stages.sinks.data.features_csv import FeaturesCsvWriter
from lipstream.stages.sinks.data.features_parquet import BATCH, FeaturesParquetWriter
from tests.stages.sinks.data.runs import emotion, features, finished, speaking, unjudged, write

ROOT = Path(__file__).parents[4]
WRITERS = {"features.csv": FeaturesCsvWriter, "features.parquet": FeaturesParquetWriter}
LATER = [column.name for column in JOINED]


def read(path: Path) -> list[dict[str, Any]]:
    """The rows of either format; numbers of CSV as floats, empty cells as None."""
    if path.suffix == ".parquet":
        return pa.parquet.read_table(path).to_pylist()
    with path.open(encoding="utf-8", newline="") as file:
        rows = [{name: _read(value) for name, value in row.items()} for row in csv.DictReader(file)]
    return rows


def _read(text: str) -> Any:
    if text in ("true", "false", ""):
        return {"true": True, "false": False, "": None}[text]
    return float(text) if re.fullmatch(r"-?[\d.e+-]+", text) else text


@pytest.fixture(params=WRITERS)
def written(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """Writes events in one of the formats and gives the rows."""

    def rows(*events: Any) -> list[dict[str, Any]]:
        return read(write(WRITERS[request.param](tmp_path / f"talk.{request.param}"), *events))

    return rows


def test_a_row_has_what_the_event_has(written: Any):
    (row,) = written(features(0.033333, 2, speaker=False), finished())
    assert (row["file"], row["face"], row["speaker"], row["talking"]) == ("talk", 2, False, False)
    assert row["time"] == 0.033333
    assert [row[f"box_{edge}"] for edge in ("left", "top", "right", "bottom")] == pytest.approx([0.1, 0.2, 0.3, 0.4])
    assert [row["Pitch"], row["Yaw"], row["Roll"]] == [-1.5, 20.25, 3.0]
    assert [row[f"gaze_{eye}_{axis}"] for eye in (0, 1) for axis in "xyz"] == pytest.approx(
        [0.1, 0.2, -0.97, 0.3, 0.2, -0.93]
    )
    assert [row["gaze_angle_x"], row["mouth_aperture"], row["mouth_motion"]] == pytest.approx([0.21, 0.125, 0.5])
    assert [row[name] for name in BLENDSHAPES] == pytest.approx([at / 100 for at in range(52)])
    assert all(row[name] is None for name in LATER)


def test_emotion_is_that_of_the_face_at_the_time_of_the_picture(written: Any):
    rows = written(
        *(features(time, face) for time in (0.0, 0.49, 0.5, 1.2) for face in (1, 2)),
        emotion(0.5, "happy"),
        emotion(1.0, "sad"),
        emotion(0.5, "angry", face=2),
        unjudged(1.0, face=2),
        emotion(1.5, "neutral", face=None),
        finished(),
    )
    assert [(row["time"], row["face"], row["emotion"]) for row in rows] == [
        *((0.0, 1, "happy"), (0.0, 2, "angry"), (0.49, 1, "happy"), (0.49, 2, "angry")),
        *((0.5, 1, "sad"), (0.5, 2, None), (1.2, 1, None), (1.2, 2, None)),
    ]
    assert [rows[0][name] for name in EMOTIONS] == pytest.approx([0.05, 0.7, *[0.05] * 5])
    assert (rows[0]["valence"], rows[0]["arousal"]) == (0.5, -0.25)
    assert rows[5]["happy"] is None and rows[5]["valence"] is None


def test_speaking_is_of_the_speakers_face_and_nearest_in_time(written: Any):
    rows = written(
        features(0.98),
        features(1.0),
        features(1.0, 2, speaker=False),
        features(1.02),
        features(1.05),
        features(2.0),
        speaking(1.0, 0.25, 0.5, None),
        speaking(0.5, 0.75, segment=2),
        finished(),
    )
    assert [row["speaking"] for row in rows] == [0.25, 0.25, None, 0.5, None, None]


def test_landmarks_are_columns(tmp_path: Path):
    for name, writer in WRITERS.items():
        (row,) = read(write(writer(tmp_path / f"talk.{name}"), features(0.0, landmarks=True), finished()))
        assert len(row) == len(seen_columns(True)) + len(JOINED)
        assert [row["x_0"], row["y_2"], row["z_477"]] == pytest.approx([0.0, 0.001, -0.11925])
        assert row["emotion"] is None


def test_both_formats_have_the_same_columns_and_values(tmp_path: Path):
    events = [
        *(features(at / 25, face, speaker=face == 1) for at in range(150) for face in (1, 2)),
        *(emotion(at / 2, "sad") for at in range(1, 12)),
        speaking(0.5, *(at / 100 for at in range(100))),
        finished(),
    ]
    one, other = (read(write(kind(tmp_path / f"talk.{name}"), *events)) for name, kind in WRITERS.items())
    assert len(one) == len(other) == 300
    for row, same in zip(one, other, strict=True):
        assert list(row) == list(same)
        for name, value in row.items():
            assert value == (pytest.approx(same[name], rel=1e-6) if isinstance(value, float) else same[name]), name


def test_parquet_says_what_it_holds(tmp_path: Path):
    path = write(FeaturesParquetWriter(tmp_path / "talk.features.parquet", "talk.mp4"), features(0.0), finished())
    schema = pa.parquet.read_schema(path)
    table = features_table("features.parquet", landmarks=False)
    assert tuple(schema.names) == table.header
    for column, field in zip(table.columns, schema, strict=True):
        assert field.metadata[b"description"].decode() == column.text
        assert field.metadata.get(b"unit", b"").decode() == column.unit
        assert field.nullable == column.optional
    facts = json.loads(schema.metadata[b"lipstream"])
    assert (facts["source"], facts["complete"], facts["duration"]) == ("talk.mp4", True, 5.0)
    row = read(path)[0]
    jsonschema.validate(row, json.loads(schema.metadata[b"lipstream.schema"]))


@pytest.mark.parametrize("reason", ["stopped", "failed"])
def test_parquet_of_a_run_that_was_cut_short_says_so(tmp_path: Path, reason: str):
    path = write(FeaturesParquetWriter(tmp_path / "a.features.parquet"), features(0.0), finished(reason))
    assert json.loads(pa.parquet.read_schema(path).metadata[b"lipstream"])["complete"] is False


def test_a_long_table_is_in_groups_of_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("lipstream.stages.sinks.data.features_parquet._GROUP_VALUES", 20_000)
    events = (features(at / 25) for at in range(1000))
    path = write(FeaturesParquetWriter(tmp_path / "a.features.parquet"), *events, finished())
    assert pa.parquet.ParquetFile(path).num_row_groups >= 4
    assert [row["time"] for row in read(path)] == [at / 25 for at in range(1000)]


def test_a_run_without_faces_makes_an_empty_table(tmp_path: Path):
    for name, kind in WRITERS.items():
        assert read(write(kind(tmp_path / f"a.{name}"), emotion(0.5, face=None), finished())) == []
    assert tuple(pa.parquet.read_schema(tmp_path / "a.features.parquet").names) == features_table("", False).header


def test_a_name_with_commas_quotes_and_lines_stays_one_cell(tmp_path: Path):
    name = 'a, "b"\nc'
    for ending, kind in WRITERS.items():
        (row,) = read(write(kind(tmp_path / f"{name}.{ending}"), features(0.0), emotion(0.5), finished()))
        assert row["file"] == 'a, "b" c' and row["emotion"] == "happy"


# Whole or not at all.


@pytest.mark.parametrize("name", WRITERS)
def test_nothing_is_left_beside_the_table(tmp_path: Path, name: str):
    path = tmp_path / f"a.{name}"
    path.write_text("earlier")
    writer = WRITERS[name](path)
    writer.handle(features(0.0))
    assert path.read_text() == "earlier"
    writer.handle(finished())
    writer.close()
    assert len(read(path)) == 1 and [entry.name for entry in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("name", WRITERS)
def test_a_run_that_fails_before_there_is_a_face_touches_nothing(tmp_path: Path, name: str):
    writer = WRITERS[name](tmp_path / f"a.{name}")
    writer.handle(emotion(0.5, face=None))
    writer.handle(finished("failed"))
    writer.close()
    assert list(tmp_path.iterdir()) == []


def test_a_kill_leaves_whole_rows_of_csv(tmp_path: Path):
    writer = FeaturesCsvWriter(tmp_path / "a.features.csv")
    for at in range(3):
        writer.handle(features(at / 25))
    text = writer.part.read_text(encoding="utf-8")
    assert text.endswith("\n")
    header, *rows = text.splitlines()
    assert header.split(",") == [column.name for column in seen_columns(False)] and len(rows) == 3
    writer.discard()


def rescued(path: Path) -> Any:
    """What the snippet in docs/data.md gives."""
    text = (ROOT / "docs" / "data.md").read_text(encoding="utf-8")
    (code,) = [block for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if "def rescued" in block]
    names: dict[str, Any] = {}
    exec(code, names)
    return names["rescued"](path)


def test_a_kill_leaves_rows_of_parquet_that_the_document_says_how_to_read(tmp_path: Path):
    writer = FeaturesParquetWriter(tmp_path / "a.features.parquet")
    for at in range(3 * BATCH + 5):
        writer.handle(features(at / 25))
    part = tmp_path / "killed.part"
    whole = writer.part.read_bytes()
    writer.discard()
    part.write_bytes(whole)
    assert rescued(part)["time"].to_pylist() == [at / 25 for at in range(3 * BATCH)]
    part.write_bytes(whole[: len(whole) * 5 // 6])
    assert rescued(part)["time"].to_pylist() == [at / 25 for at in range(2 * BATCH)]


@pytest.mark.parametrize("name", WRITERS)
def test_a_table_that_cannot_be_made_at_the_end_leaves_its_part(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
):
    writer = WRITERS[name](tmp_path / f"a.{name}")
    writer.handle(features(0.0))

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("lipstream.stages.sinks.data.later.Later.emotions", full)
    with pytest.raises(UserError, match=r"No space left on device; what was written so far is in .*\.part"):
        writer.handle(finished())
    writer.close()
    assert not writer.saved and [entry.name for entry in tmp_path.iterdir()] == [f"a.{name}.part"]


class FullDisk:
    """A file on a disk with room for some bytes."""

    def __init__(self, file: Any, room: int) -> None:
        self._file, self._room = file, room

    def write(self, data: Any) -> int:
        self._room -= len(data)
        if self._room < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return self._file.write(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


@pytest.mark.parametrize("name", WRITERS)
def test_a_full_disk_is_one_clear_error_and_does_not_replace_the_earlier_table(tmp_path: Path, name: str):
    path = tmp_path / f"a.{name}"
    path.write_text("earlier")
    writer = WRITERS[name](path)
    writer.open()
    writer._file = FullDisk(writer._file, 100_000)
    with pytest.raises(UserError, match=r"cannot write .*No space left on device.*\.part"):
        for at in range(1000):
            writer.handle(features(at / 25))
    writer.close()
    assert not writer.saved and path.read_text() == "earlier"
    assert writer.part.stat().st_size > 10_000


def test_what_is_made_at_the_end_follows_no_link(tmp_path: Path):
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (tmp_path / "a.features.csv.new").symlink_to(victim)
    writer = FeaturesCsvWriter(tmp_path / "a.features.csv")
    writer.handle(features(0.0))
    with pytest.raises(UserError, match=r"a\.features\.csv\.new is a symbolic link"):
        writer.handle(finished())
    writer.close()
    assert victim.read_text() == "mine"


# Without the extra.


@pytest.mark.parametrize(
    ("name", "package"), [("features.parquet", "pyarrow"), ("TextGrid", "praatio"), ("eaf", "pympi")]
)
def test_without_its_package_a_format_says_what_to_install(name: str, package: str, monkeypatch: pytest.MonkeyPatch):
    for module in [each for each in sys.modules if each.partition(".")[0] == package]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, package, None)
    for module in ("features_parquet", "textgrid", "eaf"):
        monkeypatch.delitem(sys.modules, f"lipstream.stages.sinks.data.{module}", raising=False)
    with pytest.raises(UserError, match=rf"{name} needs .*{package}.*pip install 'lipstream\[data\]'"):
        writer_class(name)


def test_the_table_in_csv_needs_no_package(monkeypatch: pytest.MonkeyPatch):
    for package in ("pyarrow", "praatio", "pympi", "pandas"):
        monkeypatch.setitem(sys.modules, package, None)
    assert issubclass(writer_class("features.csv"), Writer)


def test_memory_for_what_comes_later_is_small():
    from lipstream.stages.sinks.data.later import Later

    later = Later()
    for at in range(1, 7201):
        later.add(emotion(at / 2))
    labels, values = later.emotions(np.array([0.0, 1800.2, 3599.9]), np.array([1, 1, 2]))
    assert labels == ["happy", "happy", None] and np.isnan(values[2]).all() and not np.isnan(values[1]).any()
