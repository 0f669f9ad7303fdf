"""`lipstream file`."""

from __future__ import annotations

import errno
import io
import json
import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lipstream.commands.main import main
from lipstream.events import TranscriptPartial
from lipstream.models.errors import ModelError
from lipstream.pipeline import Degraded, UserError
from lipstream.stages.sinks import available
from tests.commands.fakes import Captions, sentence

Recording = Callable[[str], Path]


def contents(folder: Path) -> set[str]:
    return {entry.name for entry in folder.iterdir()}


def test_a_recording_becomes_text_subtitles_and_json_in_the_current_folder(
    captions: Captions, recording: Recording, tmp_path: Path, capsys
):
    path = recording("videos/talk.wav")
    assert main(["file", str(path)]) == 0
    assert contents(tmp_path) == {"videos", "talk.txt", "talk.srt", "talk.json", "talk.emotion.csv"}
    assert (tmp_path / "talk.txt").read_text() == "Hello there.\n"
    assert json.loads((tmp_path / "talk.json").read_text())["source"] == str(path)
    out, err = capsys.readouterr()
    assert out == "[00:00.200 --> 00:00.900] Hello there.\n"
    assert "saved talk.txt, .srt, .json, .emotion.csv" in err


def test_formats_and_folder_are_chosen(captions: Captions, recording: Recording, tmp_path: Path):
    assert main(["file", str(recording("talk.wav")), "-o", "deep/out", "-f", "all"]) == 0
    expected = {f"talk.{name}" for name in available()}
    assert contents(tmp_path / "deep" / "out") == expected


def test_quiet_prints_nothing(captions: Captions, recording: Recording, capsys):
    captions.steps = [Degraded(modality="video", stage="x", reason="no picture"), sentence("Hello.", 0.2)]
    assert main(["file", str(recording("talk.wav")), "-q"]) == 0
    assert capsys.readouterr() == ("", "")


def test_a_missing_modality_is_one_line_on_standard_error(captions: Captions, recording: Recording, capsys):
    captions.steps = [Degraded(modality="video", stage="no_video", reason="the file has no picture")]
    assert main(["file", str(recording("talk.wav"))]) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("lipstream: picture: the file has no picture\n") == 1


def test_options_reach_the_configuration(captions: Captions, recording: Recording):
    path = recording("talk.wav")
    arguments = ["--pace", "realtime", "--no-video", "--set", "vad.threshold=0.6", "--set", "pace=max"]
    assert main(["file", str(path), *arguments]) == 0
    (config,) = captions.configs
    assert (config.mode, config.pace, config.input) == ("file", "realtime", path)
    assert (config.video.enabled, config.audio.enabled, config.vad.threshold) == (False, True, 0.6)


def test_a_configuration_for_live_use_also_does_for_a_file(captions: Captions, recording: Recording):
    assert main(["file", str(recording("talk.wav")), "--config", "audio_only"]) == 0
    assert captions.configs[0].mode == "file"
    assert not captions.configs[0].video.enabled


def test_without_emotion_nothing_is_judged_and_no_table_is_left(
    captions: Captions, recording: Recording, tmp_path: Path
):
    path = recording("talk.wav")
    assert main(["file", str(path), "-o", "with"]) == 0
    assert main(["file", str(path), "-o", "without", "--no-emotion"]) == 0
    assert [config.emotion.enabled for config in captions.configs] == [True, False]
    assert contents(tmp_path / "with") - contents(tmp_path / "without") == {"talk.emotion.csv"}


def test_the_environment_switches_emotion_off_in_a_run_that_asks_for_it(
    captions: Captions, recording: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
):
    monkeypatch.setenv("LIPSTREAM_NO_EMOTION", "1")
    path = recording("talk.wav")
    assert main(["file", str(path), "-o", "without", "--set", "emotion.enabled=true"]) == 0
    assert [config.emotion.enabled for config in captions.configs] == [False]
    assert "talk.emotion.csv" not in contents(tmp_path / "without")
    assert main(["file", str(path), "-f", "emotion.csv"]) == 2
    assert "LIPSTREAM_NO_EMOTION" in capsys.readouterr().err


# Several inputs.


def test_several_inputs_go_on_past_a_bad_one_and_list_it_at_the_end(
    captions: Captions, recording: Recording, tmp_path: Path, capsys
):
    (tmp_path / "bad.mp4").write_text("this is no video")
    one, two = recording("one.wav"), recording("two.wav")
    assert main(["file", str(one), "bad.mp4", str(two), "-f", "txt"]) == 1
    assert {"one.txt", "two.txt"} <= contents(tmp_path)
    assert "bad.txt" not in contents(tmp_path)
    lines = capsys.readouterr().err.splitlines()
    assert lines[-1] == "lipstream: error: 1 of 3 inputs failed: bad.mp4"
    assert sum("bad.mp4" in line for line in lines) == 2


def test_inputs_with_the_same_stem_do_not_overwrite_each_other(
    captions: Captions, recording: Recording, tmp_path: Path, capsys
):
    inputs = [recording("a/talk.wav"), recording("b/talk.wav"), recording("b/Talk.x.wav"), recording("c/TALK.wav")]
    assert main(["file", *map(str, inputs), "-f", "json"]) == 0
    assert {name for name in contents(tmp_path) if name.endswith(".json")} == {
        "talk.json",
        "talk-2.json",
        "Talk.x.json",
        "TALK-3.json",
    }
    for name, source in (("talk", inputs[0]), ("talk-2", inputs[1]), ("TALK-3", inputs[3])):
        assert json.loads((tmp_path / f"{name}.json").read_text())["source"] == str(source)
    assert "the outputs are called talk-2" in capsys.readouterr().err


# Failures.


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.mp4"], "missing.mp4"),
        (["notes.mp4"], "notes.mp4"),
        (["talk.wav", "-f", "docx"], "docx"),
        (["talk.wav", "-f", "vtt", "--vtt-emotion", "--no-emotion"], "switched off"),
        (["talk.wav", "-f", "emotion.csv", "--no-emotion"], "the only format is emotion.csv"),
        (["talk.wav", "--set", "vad.treshold=1"], "did you mean 'threshold'"),
        (["talk.wav", "--set", "nonsense"], "KEY=VALUE"),
        (["talk.wav", "--set", "mode=live"], "what the verb says"),
        (["talk.wav", "--set", "input=other.wav"], "behind lipstream file"),
        (["talk.wav", "--config", "nowhere"], "nowhere"),
        (["talk.wav", "--no-audio", "--no-video"], "leave out --no-audio"),
        (["talk.wav", "-o", "notes.mp4"], "notes.mp4 is no folder"),
        (["talk.wav", "talk.wav", "--trace", "t.json"], "one input at a time"),
        (["talk.wav", "--trace", "nowhere/t.json"], "nowhere"),
        (["-f", "wav", "talk.wav"], "wav"),
    ],
)
def test_what_the_user_can_mend_is_one_line_and_exit_code_2(
    captions: Captions, recording: Recording, tmp_path: Path, capsys, arguments: list[str], message: str
):
    recording("talk.wav")
    (tmp_path / "notes.mp4").write_text("this is no video\n")
    before = contents(tmp_path)
    assert main(["file", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert [line for line in err.splitlines() if "error" in line] == err.splitlines()[-1:]
    assert err.splitlines()[-1].startswith("lipstream: error: ")
    assert message in err.splitlines()[-1]
    assert "Traceback" not in err
    assert contents(tmp_path) == before


@pytest.mark.parametrize("arguments", [["file"], ["file", "a.mp4", "--pace", "slow"], ["file", "a", "-q", "-v"], []])
def test_usage_errors_exit_2(arguments: list[str], capsys):
    assert main(arguments) == 2
    assert "lipstream" in capsys.readouterr().err


def test_the_folder_is_checked_before_any_model_is_loaded(captions: Captions, recording: Recording, tmp_path: Path):
    (tmp_path / "out").write_text("a file, not a folder")
    assert main(["file", str(recording("talk.wav")), "-o", "out"]) == 2
    assert captions.configs == []


def test_an_input_is_never_replaced_by_its_own_output(captions: Captions, recording: Recording, tmp_path: Path, capsys):
    path = recording("talk.txt")
    before = path.read_bytes()
    assert main(["file", str(path), "-f", "srt,txt"]) == 2
    assert "is the input itself" in capsys.readouterr().err
    assert path.read_bytes() == before
    assert contents(tmp_path) == {"talk.txt"}


def test_a_stage_that_fails_is_one_line_and_exit_code_1_and_what_was_finished_is_saved(
    captions: Captions, recording: Recording, tmp_path: Path, capsys
):
    captions.steps = [sentence("Before it broke.", 0.2), RuntimeError("out of\nmagic")]
    assert main(["file", str(recording("talk.wav"))]) == 1
    err = capsys.readouterr().err
    assert "lipstream: error: stage 'script' failed: RuntimeError: out of magic\n" in err
    assert "Traceback" not in err
    assert "what was finished before the failure is in talk.txt" in err
    assert (tmp_path / "talk.txt").read_text() == "Before it broke.\n"


def test_verbose_shows_the_traceback_of_a_failure(captions: Captions, recording: Recording, capsys):
    captions.steps = [RuntimeError("out of magic")]
    assert main(["file", str(recording("talk.wav")), "-v"]) == 1
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize("error", [UserError("the file vanished"), ModelError("the model is missing")])
def test_an_error_with_advice_from_inside_the_run_is_one_line_and_exit_code_2(
    captions: Captions, recording: Recording, tmp_path: Path, capsys, error: Exception
):
    captions.steps = [error]
    assert main(["file", str(recording("talk.wav")), "-q"]) == 2
    assert capsys.readouterr().err == f"lipstream: error: {error}\n"
    assert contents(tmp_path) == {"talk.wav"}


# Ctrl-C.


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_the_file_with_130_and_saves_what_is_finished(
    captions: Captions, recording: Recording, tmp_path: Path, capsys, number: signal.Signals
):
    def endless():
        yield sentence("Said in time.", 0.2)
        yield lambda: signal.raise_signal(number)
        while True:
            yield lambda: None

    captions.steps = endless()
    assert main(["file", str(recording("talk.wav")), str(recording("next.wav"))]) == 130
    assert (tmp_path / "talk.txt").read_text() == "Said in time.\n"
    assert not (tmp_path / "next.txt").exists()
    err = capsys.readouterr().err
    assert "stopped after" in err
    assert "Traceback" not in err
    assert not [name for name in contents(tmp_path) if name.endswith(".part")]


@pytest.fixture
def usual_signals() -> Iterator[None]:
    """Signals as a program in a terminal has them, whatever the run of the tests was started by."""
    usual = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL, signal.SIGHUP: signal.SIG_DFL}
    before = {number: signal.signal(number, handler) for number, handler in usual.items()}
    yield
    for number, handler in before.items():
        signal.signal(number, handler or signal.SIG_DFL)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_kill_before_the_run_has_begun_leaves_nothing_half_done(
    captions: Captions,
    recording: Recording,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    usual_signals: None,
    number: signal.Signals,
):
    """Regression: SIGTERM while networks were loading left `.part` files."""
    before = signal.getsignal(number)
    monkeypatch.setattr("lipstream.commands.transcribe.Pipeline", lambda *_, **__: signal.raise_signal(number))
    assert main(["file", str(recording("talk.wav"))]) == 130
    assert contents(tmp_path) == {"talk.wav"}
    assert signal.getsignal(number) == before


def test_partial_text_is_not_printed_outside_a_terminal(captions: Captions, recording: Recording, capsys):
    partial = TranscriptPartial(segment=1, start=0.2, end=0.5, stable="Hel", unstable="lo")
    captions.steps = [partial, sentence("Hello.", 0.2)]
    assert main(["file", str(recording("talk.wav"))]) == 0
    assert capsys.readouterr().out == "[00:00.200 --> 00:00.500] Hello.\n"


def piped(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    """Give a program's output to the test as its standard input."""
    reading, writing = os.pipe()
    threading.Thread(target=lambda: _give(writing, content), daemon=True).start()
    monkeypatch.setattr("sys.stdin", os.fdopen(reading))


def _give(writing: int, content: bytes) -> None:
    with os.fdopen(writing, "wb") as pipe:
        pipe.write(content)


def test_standard_input_is_a_recording_and_its_outputs_are_called_after_it(
    captions: Captions, recording: Recording, tmp_path: Path, monkeypatch, capsys
):
    content = recording("talk.wav").read_bytes()
    piped(monkeypatch, content)
    seen: list[bytes] = []
    captions.steps = [lambda: seen.append(captions.configs[-1].input.read_bytes()), sentence("Hello.", 0.2)]
    assert main(["file", "-", "-f", "txt,json"]) == 0
    assert contents(tmp_path) == {"talk.wav", "stdin.txt", "stdin.json"} and seen == [content]
    assert json.loads((tmp_path / "stdin.json").read_text())["source"] == "-"
    assert "-: sound, 0:01" in capsys.readouterr().err
    assert not captions.configs[-1].input.parent.exists()


def test_what_is_wrong_with_standard_input_is_said_of_standard_input(captions: Captions, monkeypatch, capsys):
    piped(monkeypatch, b"this is no recording" * 100)
    assert main(["file", "-", "-f", "txt"]) == 2
    err = capsys.readouterr().err
    assert "'-' is not a media file" in err and "/lipstream-" not in err


def test_standard_input_can_be_named_once(captions: Captions, capsys):
    assert main(["file", "-", "/dev/stdin"]) == 2
    assert "standard input is given more than once" in capsys.readouterr().err


def test_a_pipe_among_several_inputs_fails_alone(
    captions: Captions, recording: Recording, tmp_path: Path, monkeypatch, capsys
):
    captions.steps = [sentence("Hello.", 0.2)]
    piped(monkeypatch, b"")
    assert main(["file", "-", str(recording("talk.wav")), "-f", "txt"]) == 1
    assert (tmp_path / "talk.txt").read_text() == "Hello.\n"
    assert "'-' brings nothing" in capsys.readouterr().err


def test_an_address_is_refused_offline_before_anything_is_loaded(captions: Captions, monkeypatch, capsys):
    monkeypatch.setenv("LIPSTREAM_OFFLINE", "1")
    assert main(["file", "https://example.org/a//talk.mp4?key=secret"]) == 2
    err = capsys.readouterr().err
    assert "'https://example.org/a//talk.mp4' is an address, and LIPSTREAM_OFFLINE forbids" in err
    assert "secret" not in err and captions.configs == []


def test_an_encrypted_recording_ends_with_exit_code_2(captions: Captions, recording: Recording, capsys):
    captions.steps = [UserError("'talk.mp4' cannot be used: the sound is encrypted")]
    assert main(["file", str(recording("talk.wav")), "-f", "txt"]) == 2
    assert "the sound is encrypted" in capsys.readouterr().err


def test_captions_onto_a_full_disk_end_with_exit_code_2(captions: Captions, recording: Recording, monkeypatch, capsys):
    class Full(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("sys.stdout", Full())
    assert main(["file", str(recording("talk.wav")), "-f", "txt"]) == 2
    assert "captions cannot be written to standard output any more: No space left" in capsys.readouterr().err
