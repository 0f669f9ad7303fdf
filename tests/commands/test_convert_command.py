"""`lipstream convert`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from lipstream.commands.main import main
from tests.commands.fakes import Captions

Recording = Callable[[str], Path]


@pytest.fixture
def talk(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    text = "Ask not what your country can do for you, ask what you can do for your country."
    words = text.split()
    timed = [
        {"word": word, "start": 0.3 * at, "end": 0.3 * at + 0.25, "confidence": 1} for at, word in enumerate(words)
    ]
    segment = {"start": 0.0, "end": timed[-1]["end"], "text": " ".join(words), "words": timed}
    path = tmp_path / "talk.json"
    path.write_text(json.dumps({"segments": [segment], "source": "talk.mp4", "duration": 6.0}))
    return path


def test_subtitles_are_cut_anew_without_a_network(talk: Path, tmp_path: Path, capsys, monkeypatch):
    monkeypatch.setattr("lipstream.stages.build.build", None)
    assert main(["convert", str(talk), "-o", "out", "-f", "srt,vtt,ass,txt,tsv", "--max-chars", "20"]) == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        f"talk.{name}" for name in ("srt", "vtt", "ass", "txt", "tsv")
    }
    lines = [line for line in (tmp_path / "out" / "talk.srt").read_text().splitlines() if "-->" not in line]
    assert all(len(line) <= 20 for line in lines) and len(lines) > 6
    assert "saved out/talk.srt, .vtt, .ass, .txt, .tsv" in capsys.readouterr().err


def test_the_same_recording_gives_the_same_subtitles_by_either_way(
    captions: Captions, recording: Recording, tmp_path: Path
):
    path = recording("talk.wav")
    options = ["--max-lines", "1", "--speakers", "names"]
    assert main(["file", str(path), "-o", "run", "-f", "json,srt,vtt", *options]) == 0
    assert main(["convert", "run/talk.json", "-o", "again", "-f", "srt,vtt", *options]) == 0
    for name in ("talk.srt", "talk.vtt"):
        assert (tmp_path / "again" / name).read_bytes() == (tmp_path / "run" / name).read_bytes()


def test_a_shift_moves_every_cue(talk: Path, tmp_path: Path):
    assert main(["convert", str(talk), "-f", "srt", "--shift", "61.5"]) == 0
    assert (tmp_path / "talk.srt").read_text().startswith("1\n00:01:01,500 --> ")


def test_what_could_not_be_met_is_said(talk: Path, capsys):
    assert main(["convert", str(talk), "-f", "srt", "--max-cps", "10"]) == 0
    assert "over 10 characters a second" in capsys.readouterr().err


def test_formats_that_tell_more_than_the_json_are_refused_and_all_leaves_them_out(talk: Path, tmp_path: Path, capsys):
    assert main(["convert", str(talk), "-f", "srt,jsonl,emotion.csv"]) == 2
    assert "jsonl,emotion.csv cannot be made from JSON" in capsys.readouterr().err
    assert main(["convert", str(talk), "-f", "all", "-o", "out"]) == 0
    made = {path.suffix for path in (tmp_path / "out").iterdir()}
    assert {".txt", ".srt", ".vtt", ".ass", ".tsv"} <= made and not {".json", ".jsonl"} & made


def test_nothing_is_replaced_without_being_asked(talk: Path, tmp_path: Path, capsys):
    (tmp_path / "talk.srt").write_text("mine")
    assert main(["convert", str(talk), "-f", "srt"]) == 2
    assert "talk.srt is there already; --overwrite replaces it" in capsys.readouterr().err
    assert (tmp_path / "talk.srt").read_text() == "mine"
    assert main(["convert", str(talk), "-f", "srt", "--overwrite"]) == 0
    assert "Ask not" in (tmp_path / "talk.srt").read_text()


def test_one_bad_input_among_several_does_not_keep_the_others_from_being_made(talk: Path, tmp_path: Path, capsys):
    (tmp_path / "bad.json").write_text("{}")
    assert main(["convert", "bad.json", str(talk), "-f", "srt"]) == 1
    assert (tmp_path / "talk.srt").exists() and not (tmp_path / "bad.srt").exists()
    err = capsys.readouterr().err
    assert "bad.json is no transcript" in err and "1 of 2 inputs failed: bad.json" in err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--max-chars", "3"], "'subtitles.max_chars': 3 is not allowed, expected a number not less than 8"),
        (["--min-duration", "8"], "min_duration (8.0) must not exceed max_duration (7.0)"),
        (["--max-lines", "two"], "invalid int value: 'two'"),
    ],
)
def test_a_wrong_limit_is_one_line(talk: Path, capsys, options: list[str], said: str):
    assert main(["convert", str(talk), *options]) == 2
    assert said in capsys.readouterr().err
