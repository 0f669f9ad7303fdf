"""What a worker does with one recording, what it leaves behind, and the room a machine has for workers."""

from __future__ import annotations

import copy
import json
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from lipstream.commands.batch import cluster, settings, transcriber
from lipstream.commands.batch.recording import Recording
from lipstream.commands.batch.scratch import scratch
from lipstream.commands.batch.settings import settings_of
from lipstream.commands.batch.transcriber import Incomplete, Transcriber, Unrecognised
from lipstream.commands.batch.work import Stopped
from lipstream.commands.running import Outcome
from lipstream.events import Remark, SpeechEnded, SpeechStarted
from lipstream.pipeline import Degraded
from tests.commands.conftest import captions, consent, recording  # noqa: F401
from tests.commands.fakes import Captions, sentence


@pytest.fixture
def transcribe(recording: Callable[[str], Path], tmp_path: Path):  # noqa: F811
    """Captions a recording of silence with scripted captions; gives the report."""

    def run(**overrides: object):
        folder = tmp_path / "outputs"
        folder.mkdir(exist_ok=True)
        work = Transcriber(settings_of("file", overrides, ["txt", "json", "jsonl"]))
        return work(Recording("k", "s3://bucket/a/talk.wav", "a/talk"), recording("talk.wav"), folder)

    return run


def test_outputs_are_called_and_tell_of_the_recording_and_nothing_of_time(captions: Captions, transcribe):  # noqa: F811
    captions.steps = [
        Degraded(modality="video", stage="x", reason="no picture"),
        Remark(modality="audio", kind="no_speech", text="no speech was heard"),
        SpeechStarted(segment=1, start=0.1),
        sentence("Hello there.", 0.2),
    ]
    report = transcribe()
    assert sorted(path.name for path in report.files) == ["talk.json", "talk.jsonl", "talk.txt"]
    assert (report.words, list(report.notes)) == (2, ["no picture", "no speech was heard"])
    by_name = {path.suffix: path.read_text() for path in report.files}
    data = json.loads(by_name[".json"])
    assert (data["source"], data["complete"]) == ("s3://bucket/a/talk.wav", True)
    assert data["stats"] == {"rtf": None, "wall_seconds": None, "stages": {}}
    assert "Hello" in by_name[".jsonl"] and '"Stats"' not in by_name[".jsonl"]


def test_each_network_has_one_thread_unless_the_user_says_otherwise(captions: Captions, transcribe):  # noqa: F811
    transcribe()
    transcribe(**{"face.threads": 3})
    assert [(config.face.threads, config.speech.threads) for config in captions.configs] == [(1, 1), (3, 1)]


def test_speech_of_which_nothing_could_be_read_is_a_failure(
    captions: Captions,  # noqa: F811
    transcribe,
    monkeypatch: pytest.MonkeyPatch,
):
    captions.steps = [SpeechEnded(segment=1, start=0.1, end=0.5, reason="pause")]
    monkeypatch.setattr(Outcome, "unrecognised", property(lambda self: self.heard and not self.written))
    with pytest.raises(Unrecognised, match="recognition failed on all of it"):
        transcribe()


def test_an_output_that_is_not_complete_is_a_failure(
    captions: Captions,  # noqa: F811
    transcribe,
    monkeypatch: pytest.MonkeyPatch,
):
    real = transcriber.execute

    def cut(pipeline, outputs, console):
        outcome = real(pipeline, outputs, console)
        outputs.writers["txt"].saved = False
        return outcome

    monkeypatch.setattr(transcriber, "execute", cut)
    with pytest.raises(Incomplete, match=r"talk\.txt could not be completed"):
        transcribe()


def test_another_machine_finds_out_for_itself_what_networks_it_has(monkeypatch: pytest.MonkeyPatch):
    here = settings_of("file", {}, ["txt"])
    one = Recording("k", "k", "k")
    made = here.made_of(one)
    monkeypatch.setattr(settings, "_models", lambda config: "others")
    there = copy.copy(here)  # As pickle does it.
    assert here.made_of(one) == made
    assert there.made_of(one) == replace(made, models="others")


def test_a_polite_kill_ends_the_process_and_not_the_recording_alone(
    captions: Captions,  # noqa: F811
    transcribe,
    monkeypatch: pytest.MonkeyPatch,
):
    sent: list[int] = []
    monkeypatch.setattr(transcriber.os, "kill", lambda process, number: sent.append(number))
    monkeypatch.setattr(transcriber, "execute", lambda *_: Outcome())
    with pytest.raises(Stopped):
        transcribe()
    assert sent == [signal.SIGTERM]


# Temporary folders.


def test_a_temporary_folder_goes_with_its_block_and_what_a_killed_process_left_with_the_next(tmp_path: Path):
    killed = tmp_path / "x-killed"
    killed.mkdir()
    (killed / "in use").touch()
    (killed / "media").write_text("much")
    other = tmp_path / "x-just begun"
    other.mkdir()
    with scratch("x-", tmp_path) as one, scratch("x-", tmp_path) as two:
        assert one.is_dir() and two.is_dir() and other.is_dir()
        assert not killed.exists()
    assert list(tmp_path.iterdir()) == [other]


# Room for workers.


@pytest.mark.parametrize(
    ("cores", "memory", "limits", "workers"),
    [
        (8, 100.0, {}, 8),
        (8, 5.0, {}, 3),
        (8, 0.5, {}, 1),
        (8, 100.0, {"cpu.max": "250000 100000"}, 2),
        (8, 100.0, {"cpu.max": "max 100000", "memory.max": "max"}, 8),
        (8, 100.0, {"memory.max": str(5 << 30), "memory.current": str(2 << 30)}, 2),
    ],
)
def test_there_are_as_many_workers_as_cores_and_memory_allow(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, cores: int, memory: float, limits: dict[str, str], workers: int
):
    for name, value in limits.items():
        (tmp_path / name).write_text(f"{value}\n")
    monkeypatch.setattr(cluster, "_CGROUP", tmp_path)
    monkeypatch.setattr(cluster, "_available", lambda: int(memory * 2**30))
    monkeypatch.setattr(cluster.os, "sched_getaffinity", lambda process: set(range(cores)), raising=False)
    assert cluster.usual_workers() == workers
