"""`lipstream people`: what it keeps, and that it keeps nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lipstream.commands.main import main
from lipstream.config import load_config
from lipstream.models.voice import known
from lipstream.models.voice.known import KnownVoice, known_people
from lipstream.pipeline import UserError
from lipstream.stages.speaker import recordings
from tests.models.voice.voices import Choir


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(known, "people_folder", lambda: tmp_path / "people")
    return tmp_path / "people"


def hears(monkeypatch: pytest.MonkeyPatch, *people: str, seed: int = 0) -> None:
    def heard(path: Path, config: object) -> list[object]:
        choir = Choir(seed)
        return [window for _ in range(3) for name in people for window in choir.says(name)]

    monkeypatch.setattr(recordings, "voices_in", heard)


def test_somebody_is_added_listed_renamed_and_deleted(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    hears(monkeypatch, "ann")
    assert main(["people", "add", "ann", "a.wav", "b.wav"]) == 0
    told = capsys.readouterr().err
    assert "consent" in told and str(folder) in told
    (person,) = known_people()
    assert person.seconds > 20
    assert main(["people", "list"]) == 0
    assert capsys.readouterr().out.startswith("ann  ")
    assert main(["people", "rename", "ann", "Ann Lee"]) == 0
    assert main(["people", "delete", "Ann Lee"]) == 0
    assert known_people() == [] and list(folder.iterdir()) == []


def test_more_recordings_of_somebody_are_added_to_what_is_known(folder: Path, monkeypatch: pytest.MonkeyPatch):
    hears(monkeypatch, "ann")
    assert main(["people", "add", "ann", "a.wav"]) == 0
    (before,) = known_people()
    assert main(["people", "add", "Ann", "b.wav"]) == 0
    (after,) = known_people()
    assert after.seconds == pytest.approx(2 * before.seconds, rel=0.01)


def test_a_recording_of_two_people_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    hears(monkeypatch, "ann", "bob")
    assert main(["people", "add", "ann", "a.wav"]) == 2
    assert "2 people are heard" in capsys.readouterr().err
    assert known_people() == []


def test_too_little_speech_is_refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setattr(recordings, "voices_in", lambda path, config: [])
    assert main(["people", "add", "ann", "a.wav"]) == 2
    assert "0.0 s of speech" in capsys.readouterr().err


def test_a_name_that_is_none_and_nobody_to_delete_are_one_line(capsys: pytest.CaptureFixture[str]):
    assert main(["people", "add", "...", "a.wav"]) == 2
    assert main(["people", "delete", "ann"]) == 2
    assert main(["people", "delete"]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 3


def test_all_are_forgotten_at_once(folder: Path):
    for name in ("a", "b"):
        known.keep(KnownVoice(name, np.eye(1, 256, dtype=np.float32)[0], 5.0), folder)
    assert main(["people", "delete", "--all"]) == 0
    assert known_people() == []


def test_a_recording_without_sound_is_refused(tmp_path: Path):
    with pytest.raises(UserError):
        recordings.voices_in(tmp_path / "none.wav", load_config("file"))
