"""Nothing that is there already is replaced, unless --overwrite says so."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from lipstream.commands import live
from lipstream.commands.main import main
from lipstream.commands.outputs import free_stem
from lipstream.stages.sinks import JsonWriter, SrtWriter, TxtWriter
from tests.commands.fakes import Captions, sentence

Recording = Callable[[str], Path]


def last_line(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().err.splitlines()[-1]


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_another_recording_of_the_same_name_does_not_replace_the_outputs_of_the_first(
    captions: Captions, recording: Recording, tmp_path: Path, capsys
):
    first, second = recording("a/interview.wav"), recording("b/interview.wav")
    assert main(["file", str(first), "-o", "out"]) == 0
    before = contents(tmp_path)
    assert main(["file", str(second), "-o", "out"]) == 2
    assert last_line(capsys) == (
        "lipstream: error: out/interview.txt, .srt, .json, .emotion.csv are there already; --overwrite replaces them, "
        "or choose another folder or name"
    )
    assert contents(tmp_path) == before and len(captions.configs) == 1
    captions.steps = [sentence("The second.", 0.2)]
    assert main(["file", str(second), "-o", "out", "--overwrite"]) == 0
    assert (tmp_path / "out" / "interview.txt").read_text() == "The second.\n"
    assert json.loads((tmp_path / "out" / "interview.json").read_text())["source"] == str(second)


def test_nothing_is_begun_if_the_outputs_of_any_input_are_there(
    captions: Captions, recording: Recording, tmp_path: Path, capsys
):
    inputs = [str(recording(name)) for name in ("one.wav", "two.wav", "three.wav")]
    for name in ("two.srt", "three.txt", "three.srt"):
        (tmp_path / name).write_text("corrected by hand")
    assert main(["file", *inputs, "-f", "txt,srt"]) == 2
    assert "two.srt and 2 more are there already" in last_line(capsys)
    assert captions.configs == [] and not (tmp_path / "one.txt").exists()
    assert (tmp_path / "two.srt").read_text() == "corrected by hand"


def test_other_formats_of_the_same_recording_come_beside_those_that_are_there(captions: Captions, recording: Recording):
    path = str(recording("talk.wav"))
    assert main(["file", path, "-f", "txt"]) == 0
    assert main(["file", path, "-f", "vtt"]) == 0
    assert main(["file", path, "-f", "vtt"]) == 2


@pytest.mark.parametrize(
    ("option", "name"),
    [
        ("--render", "out.mp4"),
        ("--mux", "out.mkv"),
        ("--report", "out.html"),
        ("--plot", "out.svg"),
        ("--events", "out.jsonl"),
        ("--trace", "out.json"),
    ],
)
def test_what_options_name_is_not_replaced_either(
    captions: Captions, recording: Recording, tmp_path: Path, capsys, option: str, name: str
):
    path = str(recording("talk.wav"))
    (tmp_path / name).write_text("the one before")
    assert main(["file", path, "-f", "txt", option, name]) == 2
    assert f"{name} is there already; --overwrite replaces it" in last_line(capsys)
    assert captions.configs == [] and (tmp_path / name).read_text() == "the one before"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
def test_a_pipe_is_written_to_and_not_taken_for_a_file_that_is_there(captions: Captions, recording: Recording):
    assert main(["file", str(recording("talk.wav")), "-f", "txt", "--events", "/dev/null", "-q"]) == 0


def test_a_run_that_is_stopped_says_that_what_it_saved_is_not_whole(
    captions: Captions, recording: Recording, tmp_path: Path, capsys
):
    def endless():
        yield sentence("Until here.", 0.2)
        yield lambda: signal.raise_signal(signal.SIGINT)
        while True:
            yield lambda: None

    captions.steps = endless()
    assert main(["file", str(recording("talk.wav")), "-f", "json,vtt,txt"]) == 130
    assert json.loads((tmp_path / "talk.json").read_text())["complete"] is False
    assert "NOTE Not whole: the run was stopped at" in (tmp_path / "talk.vtt").read_text()
    assert " s, so this is not whole; saved talk.json, .vtt, .txt" in last_line(capsys)


def test_a_live_run_that_is_ended_with_ctrl_c_is_whole(captions: Captions, tmp_path: Path):
    captions.steps = [sentence("Said live.", 0.2), lambda: signal.raise_signal(signal.SIGINT), *[lambda: None] * 1000]
    assert main(["live", "-f", "json,vtt", "-q"]) == 0
    files = {path.suffix: path.read_text() for path in tmp_path.iterdir()}
    assert json.loads(files[".json"])["complete"] is True
    assert "NOTE" not in files[".vtt"]


def test_live_runs_that_begin_in_the_same_second_have_names_of_their_own(
    captions: Captions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    class Clock(live.datetime):
        @classmethod
        def now(cls, tz=None):
            return cls(2030, 1, 2, 3, 4, 5)

    monkeypatch.setattr(live, "datetime", Clock)
    for _ in range(3):
        captions.steps = [sentence("Said live.", 0.2)]
        assert main(["live", "-f", "txt", "-o", "kept", "-q"]) == 0
    assert {path.name for path in (tmp_path / "kept").iterdir()} == {
        "live-20300102-030405.txt",
        "live-20300102-030405-2.txt",
        "live-20300102-030405-3.txt",
    }


def test_a_name_that_another_run_is_just_writing_is_taken(tmp_path: Path):
    texts = {"txt": TxtWriter, "srt": SrtWriter}
    assert free_stem(tmp_path, "live", texts) == "live"
    (tmp_path / "live.srt.part").touch()
    (tmp_path / "live-2.txt").symlink_to("nowhere")
    assert free_stem(tmp_path, "live", texts) == "live-3"
    assert free_stem(tmp_path, "live", {"json": JsonWriter}) == "live"


def test_the_events_of_a_live_run_do_not_replace_a_file(captions: Captions, tmp_path: Path, capsys):
    (tmp_path / "e.jsonl").write_text("the one before")
    assert main(["live", "--events", "e.jsonl"]) == 2
    assert "e.jsonl is there already" in last_line(capsys)
    assert captions.configs == [] and (tmp_path / "e.jsonl").read_text() == "the one before"
    captions.steps = [sentence("Said live.", 0.2)]
    assert main(["live", "--events", "e.jsonl", "--overwrite"]) == 0
    assert "Said live." in (tmp_path / "e.jsonl").read_text()
