"""Tables, annotations and streams by the command line."""

from __future__ import annotations

import csv
import json
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet
import pytest
from praatio import textgrid

from lipstream.commands.main import main
from lipstream.stages.sinks.data.formats import EVERY_FRAME
from tests.commands.fakes import Captions, sentence
from tests.media_factory import Picture, moving, write_media
from tests.stages.sinks.data.runs import emotion, features, speaking

Recording = Callable[[str], Path]


@pytest.fixture
def faces(captions: Captions) -> Captions:
    captions.steps = [
        features(0.0),
        features(0.04),
        sentence("Hello there.", 0.2),
        speaking(0.0, 0.5, 0.75),
        emotion(0.5),
    ]
    return captions


def test_what_is_asked_for_is_written_and_its_features_are_switched_on(
    faces: Captions, recording: Recording, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    formats = "features,words.csv,TEXTGRID,eaf"
    assert main(["file", str(recording("talk.wav")), "-f", formats, "--landmarks"]) == 0
    assert "saved talk.features.parquet, .features.csv, .words.csv, .TextGrid, .eaf" in capsys.readouterr().err
    (config,) = faces.configs
    assert (config.face.features_rate, config.face.landmarks) == (EVERY_FRAME, True)
    with (tmp_path / "talk.features.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["file"], row["time"], row["emotion"]) for row in rows] == [
        ("talk", "0.0", "happy"),
        ("talk", "0.04", "happy"),
    ]
    table = pyarrow.parquet.read_table(tmp_path / "talk.features.parquet")
    assert table["time"].to_pylist() == [0.0, 0.04] and table["speaking"].to_pylist() == [0.5, 0.75]
    grid = textgrid.openTextgrid(str(tmp_path / "talk.TextGrid"), includeEmptyIntervals=False)
    assert [entry.label for entry in grid.getTier("words").entries] == ["Hello", "there."]


def test_without_these_formats_no_features_are_computed(captions: Captions, recording: Recording):
    assert main(["file", str(recording("talk.wav")), "-f", "all"]) == 0
    (config,) = captions.configs
    assert (config.face.features_rate, config.face.landmarks, config.events.lsl) == (0, False, False)


def test_the_users_rate_of_features_stands(faces: Captions, recording: Recording):
    arguments = ["-f", "features.csv", "--set", "face.features_rate=5"]
    assert main(["file", str(recording("talk.wav")), *arguments]) == 0
    assert faces.configs[0].face.features_rate == 5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-f", "features.csv", "--no-video"], "features are of faces, but the picture is switched off"),
        (["-f", "txt", "--landmarks"], "landmarks belong to features, which are not asked for"),
        (["-f", "txt,features", "--set", "face.features_rate=0"], "face.features_rate is 0"),
    ],
)
def test_features_that_cannot_be_are_one_line_and_exit_code_2(
    captions: Captions, recording: Recording, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
):
    assert main(["file", str(recording("talk.wav")), *arguments]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("lipstream: error: ") and message in line
    assert captions.configs == []


def test_without_the_extra_it_is_one_line_and_exit_code_2_before_anything_is_loaded(
    captions: Captions, recording: Recording, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delitem(sys.modules, "lipstream.stages.sinks.data.textgrid", raising=False)
    for module in [each for each in sys.modules if each.partition(".")[0] == "praatio"]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "praatio", None)
    assert main(["file", str(recording("talk.wav")), "-f", "txt,TextGrid"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "praatio" in line and "pip install 'lipstream[data]'" in line
    assert captions.configs == []


def test_an_input_is_not_overwritten_by_what_is_made_at_the_end(
    captions: Captions, recording: Recording, capsys: pytest.CaptureFixture[str]
):
    inputs = [str(recording("talk.wav")), str(recording("talk.features.csv.new"))]
    assert main(["file", *inputs, "-f", "features.csv"]) == 2
    assert "talk.features.csv.new is one of the inputs" in capsys.readouterr().err


# Live.


def until_ctrl_c(*events: object):
    yield from events
    yield lambda: signal.raise_signal(signal.SIGINT)
    while True:
        yield lambda: None


def test_live_features_are_kept_when_asked_for(captions: Captions, tmp_path: Path):
    captions.steps = until_ctrl_c(features(0.0), features(0.04), emotion(0.5))
    assert main(["live", "-q", "-f", "features", "-o", "kept"]) == 0
    assert captions.configs[0].face.features_rate == EVERY_FRAME
    (path,) = (tmp_path / "kept").glob("live-*.features.parquet")
    assert pyarrow.parquet.read_table(path)["emotion"].to_pylist() == ["happy"] * 2
    facts = json.loads(pyarrow.parquet.read_schema(path).metadata[b"lipstream"])
    assert (facts["source"], facts["complete"]) == ("live", True)


@pytest.mark.parametrize(
    ("arguments", "rate"), [(["--lsl"], EVERY_FRAME), (["--lsl", "--set", "face.features_rate=10"], 10.0)]
)
def test_streams_are_asked_for_by_an_option(captions: Captions, arguments: list[str], rate: float):
    captions.steps = until_ctrl_c()
    assert main(["live", "-q", *arguments]) == 0
    (config,) = captions.configs
    assert (config.events.lsl, config.face.features_rate) == (True, rate)


# The whole way.


@pytest.mark.media
def test_features_of_a_picture_without_a_face_are_an_empty_table(tmp_path: Path):
    clip = write_media(tmp_path / "bars.mp4", picture=Picture(moving(20)))
    assert main(["file", str(clip), "-q", "-o", str(tmp_path), "-f", "features", "--no-emotion"]) == 0
    assert pyarrow.parquet.read_table(tmp_path / "bars.features.parquet").num_rows == 0
    assert len((tmp_path / "bars.features.csv").read_text(encoding="utf-8").splitlines()) == 1


@pytest.mark.media
def test_features_and_words_of_a_talking_head(obama_speech: Path, tmp_path: Path):
    assert main(["file", str(obama_speech), "-q", "-o", str(tmp_path), "-f", "features.parquet,words.csv,eaf"]) == 0
    table = pyarrow.parquet.read_table(tmp_path / f"{obama_speech.stem}.features.parquet")
    speaker = [row for row in table.to_pylist() if row["speaker"]]
    assert len(speaker) > 95 and all(row["emotion"] for row in speaker)
    spoken = [row["speaking"] for row in speaker if row["speaking"] is not None]
    assert len(spoken) > 60 and max(spoken) > 0.9 and min(spoken) < 0.1
    # He turns his head from one side to the other, and mostly looks at where he speaks to.
    yaws = [row["Yaw"] for row in speaker]
    assert max(yaws) - min(yaws) > 15 and all(abs(row["Pitch"]) < 40 for row in speaker)
    assert all(abs(row["gaze_angle_x"]) < 0.6 for row in speaker)
    assert (tmp_path / f"{obama_speech.stem}.eaf").read_text(encoding="utf-8").startswith("<?xml")
