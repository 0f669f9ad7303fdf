"""`--events` of `file` and `live`, on scripted events."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from lipstream.commands.main import main
from lipstream.events import SpeechStarted
from lipstream.pipeline import Event
from tests.commands.fakes import Captions, sentence

Recording = Callable[[str], Path]


def kinds(text: str) -> list[str]:
    return [json.loads(line)["event"] for line in text.splitlines()]


def test_standard_output_has_the_events_and_standard_error_the_captions(
    captions: Captions, recording: Recording, tmp_path: Path, capfd
):
    assert main(["file", str(recording("talk.wav")), "-f", "txt", "--events", "-"]) == 0
    out, err = capfd.readouterr()
    assert kinds(out) == ["SpeechStarted", "TranscriptFinal", "Stats", "End"]
    assert "[00:00.200 --> 00:00.900] Hello there." in err
    assert (tmp_path / "talk.txt").read_text() == "Hello there.\n"


def test_quiet_leaves_nothing_but_the_events(captions: Captions, recording: Recording, capfd):
    assert main(["file", str(recording("talk.wav")), "-q", "--events", "-"]) == 0
    out, err = capfd.readouterr()
    assert kinds(out)[-1] == "End" and err == ""


def test_live_has_it_too(captions: Captions, capfd):
    assert main(["live", "--events", "-"]) == 0
    out, err = capfd.readouterr()
    assert kinds(out) == ["SpeechStarted", "TranscriptFinal", "Stats", "End"]
    assert "Hello there." in err


def test_a_path_is_a_file_that_takes_its_place_at_the_end(
    captions: Captions, recording: Recording, tmp_path: Path, capsys
):
    events = tmp_path / "out" / "e.jsonl"
    seen: list[bool] = []
    captions.steps = [sentence("Hello.", 0.2), lambda: seen.append(events.exists())]
    assert main(["file", str(recording("talk.wav")), "-f", "txt", "--events", str(events)]) == 0
    assert seen == [False] and kinds(events.read_text())[-1] == "End"
    out, err = capsys.readouterr()
    assert "Hello." in out and str(events) in err.splitlines()[-1]


def test_live_keeps_a_file_and_says_so(captions: Captions, tmp_path: Path, capsys):
    assert main(["live", "--events", "e.jsonl"]) == 0
    assert kinds((tmp_path / "e.jsonl").read_text())[-1] == "End"
    assert "events are in e.jsonl" in capsys.readouterr().err


def test_a_named_pipe_is_read_as_the_run_goes(captions: Captions, recording: Recording, tmp_path: Path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    lines: list[str] = []
    reader = threading.Thread(target=lambda: lines.extend(pipe.read_text().splitlines()), daemon=True)
    reader.start()
    assert main(["file", str(recording("talk.wav")), "-q", "-f", "txt", "--events", str(pipe)]) == 0
    reader.join(60)
    assert kinds("\n".join(lines))[-1] == "End" and pipe.is_fifo()


class Reader:
    """Standard output as a pipe whose reader can go away."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.reading, self._writing = os.pipe()
        monkeypatch.setattr("lipstream.stages.sinks.event_pipe._STDOUT", self._writing)

    def leaves(self) -> None:
        os.close(self.reading)

    def close(self) -> None:
        os.close(self._writing)


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch):
    made = Reader(monkeypatch)
    yield made
    made.close()


def many() -> list[Event]:
    return [SpeechStarted(segment=at, start=float(at)) for at in range(1, 200)]


def test_a_reader_that_goes_away_leaves_a_recording_to_be_finished(
    captions: Captions, recording: Recording, tmp_path: Path, reader: Reader, capfd
):
    captions.steps = [reader.leaves, *many(), sentence("To the end.", 300.0)]
    assert main(["file", str(recording("talk.wav")), "-q", "-f", "txt", "--events", "-"]) == 0
    assert (tmp_path / "talk.txt").read_text() == "To the end.\n"
    assert capfd.readouterr() == ("", "")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no full device here")
@pytest.mark.parametrize("options", [["--events", "/dev/full"], ["--events", "/dev/full", "-q"]])
def test_events_onto_a_full_disk_end_with_exit_code_2(captions: Captions, recording: Recording, options, capsys):
    assert main(["file", str(recording("talk.wav")), "-f", "txt", *options]) == 2
    assert "--events /dev/full: cannot be written any more: No space left" in capsys.readouterr().err


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no full device here")
def test_live_a_full_disk_for_events_is_told_at_the_end(captions: Captions, capsys):
    assert main(["live", "--events", "/dev/full"]) == 1
    out, err = capsys.readouterr()
    assert "Hello there." in out and "No space left" in err.splitlines()[-1]


def endless():
    at = 0
    while True:
        at += 1
        yield SpeechStarted(segment=at, start=float(at))


def test_a_reader_that_goes_away_ends_a_live_run_that_nobody_else_wants(captions: Captions, reader: Reader, capfd):
    def steps():
        reader.leaves()
        yield from endless()

    captions.steps = steps()
    assert main(["live", "-q", "--events", "-"]) == 0
    assert capfd.readouterr() == ("", "")


def test_but_not_one_whose_captions_are_kept(captions: Captions, tmp_path: Path, reader: Reader):
    def steps():
        reader.leaves()
        yield from many()
        yield sentence("Kept.", 300.0)
        yield lambda: signal.raise_signal(signal.SIGINT)
        yield from endless()

    captions.steps = steps()
    assert main(["live", "-q", "-o", "kept", "-f", "txt", "--events", "-"]) == 0
    (kept,) = (tmp_path / "kept").iterdir()
    assert kept.read_text() == "Kept.\n"


@pytest.mark.parametrize("where", ["talk.wav", "talk.txt", "", "x" * 300, "talk.wav/e.jsonl"])
def test_a_place_that_will_not_do_is_one_line(
    captions: Captions, recording: Recording, tmp_path: Path, capsys, where: str
):
    before = recording("talk.wav").read_bytes()
    assert main(["file", "talk.wav", "-f", "txt", "--events", where]) == 2
    err = capsys.readouterr().err
    assert err.splitlines()[-1].startswith("lipstream: error: ") and "Traceback" not in err
    assert {path.name for path in tmp_path.iterdir()} == {"talk.wav"} and (tmp_path / "talk.wav").read_bytes() == before
