"""The verbs on real recordings with the real networks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lipstream.commands.main import main
from lipstream.stages.sinks import available

pytestmark = pytest.mark.media


def test_the_demo_leaves_every_format_a_picture_and_what_to_try_next(tmp_path: Path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["demo", "--pace", "max"]) == 0
    outputs = {path.name: path for path in (tmp_path / "demo_output").iterdir()}
    assert set(outputs) == {f"obama_speech.{name}" for name in (*available(), "png")}
    data = json.loads(outputs["obama_speech.json"].read_text(encoding="utf-8"))
    assert data["duration"] == pytest.approx(8.7, abs=0.2)
    assert "years of negotiations" in " ".join(segment["text"] for segment in data["segments"])
    words = [word for segment in data["segments"] for word in segment["words"]]
    assert all(0 <= word["start"] <= word["end"] <= data["duration"] + 0.1 for word in words)
    assert data["faces"]
    assert len(data["lips"]) > 100
    assert {"vad", "encode", "decode", "face"} <= set(data["stats"]["stages"])
    events = [json.loads(line)["event"] for line in outputs["obama_speech.jsonl"].read_text().splitlines()]
    assert events.count("End") == 1
    assert events[-1] == "End"
    out, err = capsys.readouterr()
    assert "years of negotiations" in out
    assert "What to try next" in out
    assert "demo_output/obama_speech.txt" in err.replace("\\", "/")


def test_the_same_recording_gives_the_same_text_to_the_byte(beckett: Path, tmp_path: Path, capsys):
    for folder in ("one", "two"):
        assert main(["file", str(beckett), "-o", str(tmp_path / folder), "-f", "txt,srt,vtt,tsv"]) == 0
    assert capsys.readouterr().err.count("the file has no picture") == 2
    for name in ("txt", "srt", "vtt", "tsv"):
        one, two = (tmp_path / folder / f"beckett.{name}" for folder in ("one", "two"))
        assert one.read_bytes() == two.read_bytes()
        assert one.stat().st_size > 50
