"""Emotion with the real networks on real media."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from lipstream import Pipeline
from lipstream.commands.main import main
from lipstream.config import load_config
from lipstream.events import EmotionChanged, EmotionUpdate, TranscriptFinal
from lipstream.models.emotion.classes import EMOTIONS

pytestmark = pytest.mark.media

ROOT = Path(__file__).resolve().parents[2]


def outputs(clip: Path, folder: Path, *options: str) -> dict:
    assert main(["file", str(clip), "-o", str(folder), "-q", "-f", "json,txt,emotion.csv", *options]) == 0
    return json.loads((folder / f"{clip.stem}.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the first run."""
    return tmp_path_factory.mktemp("first")


@pytest.fixture(scope="module")
def first(obama_speech: Path, made: Path) -> dict:
    """What a run makes that is told nothing."""
    return outputs(obama_speech, made)


def test_faces_and_voice_are_judged_the_same_in_every_run_and_the_text_is_the_same_without(
    obama_speech, first, made, tmp_path
):
    again = outputs(obama_speech, tmp_path / "again")
    without = outputs(obama_speech, tmp_path / "without", "--no-emotion")

    table = f"{obama_speech.stem}.emotion.csv"
    assert first["emotions"] == again["emotions"]
    assert (made / table).read_bytes() == (tmp_path / "again" / table).read_bytes()
    assert without["emotions"] == [] and not (tmp_path / "without" / table).exists()
    assert first["segments"] == without["segments"] and first["lips"] == without["lips"]

    assert {each["face"] for each in first["emotions"]} >= {1, 2}
    for each in first["emotions"]:
        assert 0 <= each["start"] < each["end"] <= first["duration"] + 0.1
        assert set(each["probabilities"]) == set(EMOTIONS)
        assert sum(each["probabilities"].values()) == pytest.approx(1, abs=2e-3)
        assert sum(each["weights"].values()) == pytest.approx(1, abs=1e-3)
    # Face 1 is the speaker's; face 2 only listens.
    voice = {face: max(e["weights"]["voice"] for e in first["emotions"] if e["face"] == face) for face in (1, 2)}
    assert voice[1] > 0.2 and voice[2] == 0


def test_the_emotion_is_the_same_whoever_reads_the_words(obama_speech, first, tmp_path):
    one, other = outputs(obama_speech, tmp_path, "--set", "speech.engine=moonshine"), first
    assert one["segments"] != other["segments"]
    assert max(each["weights"]["voice"] for each in one["emotions"]) > 0.2
    assert one["emotions"] == other["emotions"]


def test_sound_alone_gives_the_emotion_of_the_voice(beckett):
    events = list(Pipeline(load_config("file", {"input": str(beckett), "events.stats_interval": 0})).events())
    updates = [event for event in events if isinstance(event, EmotionUpdate)]
    assert {event.face for event in updates} == {None}
    assert [event.end for event in updates][:3] == [0.5, 1.0, 1.5]
    said = [event for event in events if isinstance(event, TranscriptFinal)]
    known = [event for event in updates if any(event.weights.values())]
    assert known and all(event.weights == {"face": 0.0, "voice": 1.0} for event in known)
    assert all(said[0].start < event.end < said[-1].end + 2.5 for event in known)
    assert any(isinstance(event, EmotionChanged) and event.previous == "unknown" for event in events)


def test_a_picture_alone_gives_the_emotions_of_the_faces(obama_speech):
    overrides = {"input": str(obama_speech), "audio.enabled": False, "events.stats_interval": 0}
    events = list(Pipeline(load_config("file", overrides)).events())
    weights = [event.weights for event in events if isinstance(event, EmotionUpdate)]
    assert len(weights) > 20 and all(each == {"face": 1.0, "voice": 0.0} for each in weights)


@pytest.mark.parametrize(("extra", "expected"), [({}, True), ({"emotion.enabled": False}, False)])
def test_switched_off_its_networks_and_their_library_are_not_even_imported(extra, expected):
    code = (
        "import sys, json; from lipstream import load_config; from lipstream.stages.build import build; "
        "build(load_config('live', json.loads(sys.argv[1]))); "
        "loaded = ('torchaudio', 'lipstream.models.emotion'); "
        "print(json.dumps([name for name in sys.modules if name.startswith(loaded)]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, json.dumps(extra)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert bool(json.loads(done.stdout)) is expected


def test_missing_weights_are_one_clear_line(obama_speech, tmp_path, monkeypatch, capsys):
    from lipstream.models.emotion import branches, fusion

    for cls in (branches.FaceExpression, branches.VoiceEmotion, fusion.EmotionFusion):
        monkeypatch.setattr(cls, "__init__", lambda self, folder=tmp_path: setattr(self, "_folder", folder))
    monkeypatch.setattr(branches.FaceExpression, "_networks", None, raising=False)
    monkeypatch.setattr(branches.VoiceEmotion, "_networks", [], raising=False)
    monkeypatch.setattr(fusion.EmotionFusion, "_network", None, raising=False)
    assert main(["file", str(obama_speech), "-o", str(tmp_path / "out"), "-f", "txt"]) == 2
    # Another thread may say something of its own behind it.
    (error,) = (line for line in capsys.readouterr().err.splitlines() if line.startswith("lipstream: error: "))
    assert str(tmp_path) in error
