"""`enroll NAME --live`: sentences are read aloud in a scripted room, kept as they come, and learnt from."""

from __future__ import annotations

import io
import os
import sys
import threading
from contextlib import redirect_stderr
from types import SimpleNamespace

import numpy as np
import pytest

from lipstream.commands.guided import session as reading_session
from lipstream.commands.guided.lesson import Lesson
from lipstream.commands.keys import Keys
from lipstream.commands.main import main
from lipstream.commands.networks import speech_networks
from lipstream.models import profile_files
from lipstream.models.av_speech.enrolment import enrolment, sentences, take_check
from lipstream.models.av_speech.enrolment.read_aloud import Readings
from lipstream.models.av_speech.recording import LipTrack, Recording
from tests.faults.run import drive
from tests.faults.world import PATIENCE, World

TEXTS = ("one two three", "four five six", "seven eight nine", "two four six")
RATE = 16_000


class ReadingRoom(World):
    """A world in which every picture is looked at before time goes on."""

    def __init__(self) -> None:
        super().__init__()
        self.every = 2

    def settle(self) -> None:
        if self.steps % self.every == 0:
            # The camera's channel keeps the newest picture only.
            self.until(lambda: self.faces.seen >= self.frames)
        super().settle()

    def read(self, *numbers: int) -> None:
        self.quiet(0.4)
        self.speak(*numbers, tail=1.3)

    def _replacements(self) -> dict[str, object]:
        found = super()._replacements()
        for name in ("Microphone", "Camera", "SileroVad"):
            found[f"lipstream.stages.enrol.takes.{name}"] = found[f"lipstream.stages.build.{name}"]
        return found


@pytest.fixture
def room(monkeypatch, tmp_path) -> ReadingRoom:
    made = ReadingRoom()
    monkeypatch.setattr(sentences, "sentences", lambda: TEXTS)
    monkeypatch.setattr(speech_networks, "engine", lambda: made.engine)
    monkeypatch.setattr(speech_networks, "teacher", lambda: None)
    monkeypatch.setattr(speech_networks, "other_voices", lambda folder, own: [])
    monkeypatch.setattr(profile_files, "profiles_folder", lambda: tmp_path / "profiles")
    for module in (enrolment, reading_session):
        monkeypatch.setattr(module, "LEAST_MINUTES", 0.02)
    return made


@pytest.fixture
def learnt(monkeypatch) -> list:
    """What enrolment was given to learn from."""
    given = []

    class Enrolment:
        def __init__(self, *_) -> None: ...

        def run(self, material, networks):
            given.append(material)
            return True, {}

    monkeypatch.setattr(enrolment, "Enrolment", Enrolment)
    return given


def enrol(room, script, work, minutes="0.04"):
    """Run `enroll --live` in a room; returns exit code and lines."""
    err, failures = io.StringIO(), []
    driver = threading.Thread(target=drive, args=(room, script, failures, lambda: None), daemon=True)
    with room.in_place(), redirect_stderr(err):
        driver.start()
        code = main(["enroll", "ann", "--live", "--minutes", minutes, "--work", str(work)])
    driver.join(PATIENCE)
    if failures:
        raise AssertionError(err.getvalue()) from failures[0]
    return code, err.getvalue().splitlines()


def kept(work):
    table = work / "lipstream-enroll-ann" / "read" / "read.tsv"
    return [line.split("\t")[1] for line in table.read_text().splitlines()[1:]] if table.exists() else []


def test_what_is_read_is_learnt_from_and_removed_when_the_profile_is_made(room, learnt, tmp_path):
    def script(world):
        world.read(1, 2, 3)
        world.until(lambda: kept(tmp_path) == ["one two three"])
        world.read(4, 5, 6)
        world.until(lambda: learnt)

    code, lines = enrol(room, script, tmp_path)
    assert code == 0
    (material,) = learnt
    assert list(material.texts) == ["one two three", "four five six"]
    for each in material.recordings:
        assert len(each.pcm) / RATE == pytest.approx(0.96 + 0.3 + 0.3, abs=0.1)
        assert each.lips.mask.mean() > take_check.LEAST_FACE
    assert [line.partition(": ")[2] for line in lines[1:4]] == [
        "read: one two three",
        "kept (0.0 of 0.04 min)",
        "read: four five six",
    ]
    assert {path.name for path in tmp_path.iterdir()} == {"profiles"}


def test_a_reader_who_is_interrupted_goes_on_where_he_was(room, learnt, tmp_path, monkeypatch):
    def interrupted(world):
        world.read(1, 2, 3)
        world.until(lambda: kept(tmp_path) == ["one two three"])
        world.stop()

    code, lines = enrol(room, interrupted, tmp_path)
    assert code == 130
    assert "0.0 min were read and are kept" in lines[-3]
    assert lines[-2] == "lipstream: interrupted; the same command goes on where it was"
    folder = tmp_path / "lipstream-enroll-ann"
    assert f"voice and mouth stays in {folder}" in lines[-1]
    assert lines[-1].endswith(f"`lipstream enroll --delete ann --work {tmp_path}`")
    assert not learnt
    again = ReadingRoom()
    monkeypatch.setattr(speech_networks, "engine", lambda: again.engine)

    def script(world):
        world.read(4, 5, 6)
        world.until(lambda: learnt)

    code, lines = enrol(again, script, tmp_path)
    assert code == 0
    assert list(learnt[0].texts) == ["one two three", "four five six"]
    assert "lipstream: read: one two three" not in lines


def test_a_reader_whose_mouth_is_not_seen_is_told_so_at_once(room, learnt, tmp_path):
    room.faces.detect = lambda image, time: setattr(room.faces, "seen", room.faces.seen + 1) or []

    def script(world):
        world.read(1, 2, 3)
        world.until(lambda: "mouth was visible" in sys.stderr.getvalue())
        world.stop()

    code, lines = enrol(room, script, tmp_path)
    assert code == 130
    assert any("not kept: your mouth was visible for 0% of it: face the camera" in line for line in lines)
    assert kept(tmp_path) == []


def take(seen=True, hiss=0.0005, seconds=2.0, gain=0.3):
    rng = np.random.default_rng(0)
    count = int(seconds * RATE)
    voice = np.sin(np.arange(count) * 0.1) * (np.arange(count) % RATE > RATE // 2) * gain
    sound = np.clip(voice + hiss * rng.standard_normal(count), -1, 1)
    lips = LipTrack.unseen(int(seconds * 25))
    lips.mask[:] = seen
    return Recording((sound * 32767).astype(np.int16), lips)


@pytest.fixture
def lesson(tmp_path, monkeypatch):
    monkeypatch.setattr(sentences, "sentences", lambda: TEXTS)
    said = ["one two three"]
    made = Lesson(Readings(tmp_path / "read"), 60.0, lambda sound: said[0])
    made.said = said
    return made


@pytest.mark.parametrize(
    ("given", "line"),
    [
        (take(seen=False), "your mouth was visible for 0% of it"),
        (take(seconds=21.0), "it lasts 21 s, and may last 20"),
        (take(hiss=0.3), "too noisy"),
        (take(gain=40.0), "distorted"),
    ],
)
def test_what_would_teach_nothing_is_not_kept_and_the_sentence_stays(lesson, given, line):
    assert line in lesson.take(given)
    assert lesson.sentence == TEXTS[0]
    assert lesson.seconds == 0


def test_a_sentence_read_wrongly_is_asked_for_again_and_then_left_out(lesson):
    lesson.said[0] = "something quite different"
    assert "read it once more" in lesson.take(take())
    assert lesson.sentence == TEXTS[0]
    assert "here is another sentence" in lesson.take(take())
    assert lesson.sentence == TEXTS[1]
    assert lesson.seconds == 0


def test_a_cough_is_not_taken_for_a_try(lesson):
    lesson.said[0] = ""
    for _ in range(3):
        assert "no speech" in lesson.take(take())
    assert lesson.sentence == TEXTS[0]


def test_the_last_sentence_can_be_read_again_and_one_left_out(lesson, tmp_path):
    assert lesson.take(take()) == "kept"
    assert lesson.repeat() == "the last one was forgotten; read it again"
    assert (lesson.sentence, lesson.seconds) == (TEXTS[0], 0)
    assert not list((tmp_path / "read").glob("*.safetensors"))
    assert lesson.repeat() == "nothing was kept yet"
    assert lesson.take(take()) == "kept"
    lesson.skip()
    assert lesson.sentence == TEXTS[2]


@pytest.mark.parametrize(
    ("arguments", "wrong"),
    [
        (["talk.mp4"], "leave out recordings"),
        (["--transcripts", "words.tsv"], "leave out recordings and --transcripts"),
        (["--minutes", "1"], "a profile needs 3 min or more"),
        (["--minutes", "nan"], "a profile needs 3 min or more"),
        (["--set", "video.enabled=false"], "needs a microphone and a camera"),
        (["--camera", "none"], "needs a microphone and a camera"),
    ],
)
def test_what_does_not_go_with_reading_is_one_line_and_exit_code_2(arguments, wrong, tmp_path, capsys):
    assert main(["enroll", "ann", *arguments, "--live", "--work", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert wrong in error
    assert error.count("\n") == 1


def test_devices_without_reading_are_refused(tmp_path, capsys):
    assert main(["enroll", "ann", str(tmp_path), "--camera", "1"]) == 2
    assert "go with --live" in capsys.readouterr().err


def test_training_of_fewer_sentences_is_forgotten_when_more_are_read(tmp_path):
    for name in ("read", "encodings"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text("kept?")
    (tmp_path / "lips_checkpoint.safetensors").write_text("kept?")
    reading_session._forget_training(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"read"}


def test_training_is_forgotten_when_the_last_sentence_was_read_again(tmp_path, monkeypatch):
    def reads_again(config, lesson):
        lesson.repeat()
        lesson.take(take())

    monkeypatch.setattr(sentences, "sentences", lambda: TEXTS)
    monkeypatch.setattr(reading_session, "configured", lambda args: None)
    monkeypatch.setattr(reading_session, "_recogniser", lambda: lambda sound: TEXTS[0])
    Readings(tmp_path / "read").add(TEXTS[0], take())
    (tmp_path / "lips_checkpoint.json").write_text("{}")
    for reading, left in ((lambda config, lesson: None, 2), (reads_again, 1)):
        monkeypatch.setattr(reading_session, "_read_aloud", reading)
        reading_session.gather(SimpleNamespace(minutes=None), tmp_path)
        assert len(list(tmp_path.iterdir())) == left
    assert Readings(tmp_path / "read").names == ["read-0001"]


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are POSIX")
def test_keys_come_without_enter_and_the_terminal_is_left_as_it_was(monkeypatch):
    import pty
    import termios

    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "r") as terminal:
        monkeypatch.setattr(sys, "stdin", terminal)
        before = termios.tcgetattr(theirs)
        with Keys() as keys:
            assert keys.there
            assert keys.pressed() == ""
            os.write(ours, b"Sq")
            assert [keys.pressed(), keys.pressed(), keys.pressed()] == ["s", "q", ""]
        assert termios.tcgetattr(theirs) == before
    os.close(ours)


def test_without_a_terminal_there_are_no_keys(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("s"))
    with Keys() as keys:
        assert not keys.there
        assert keys.pressed() == ""
