"""`lipstream live`."""

from __future__ import annotations

import io
import json
import re
import signal
import time
from pathlib import Path

import pytest

from lipstream.commands.main import main
from tests.commands.fakes import Captions, sentence

PATIENCE = 120.0


def test_ctrl_c_is_the_normal_end_and_without_outputs_nothing_is_kept(speaking: Captions, tmp_path: Path, capsys):
    assert main(["live"]) == 0
    out, err = capsys.readouterr()
    assert out == "[00:00.2] Said live.\n"
    assert "nothing was saved; -o DIR keeps the captions" in err.splitlines()[-1]
    assert list(tmp_path.iterdir()) == []
    assert speaking.configs[0].mode == "live"


@pytest.mark.parametrize(
    ("arguments", "folder", "extensions"),
    [(["-o", "kept"], "kept", {".txt", ".srt", ".json"}), (["-f", "jsonl"], ".", {".jsonl"})],
)
def test_outputs_are_kept_when_asked_for_and_named_by_the_time(
    speaking: Captions, tmp_path: Path, capsys, arguments: list[str], folder: str, extensions: set[str]
):
    assert main(["live", *arguments]) == 0
    files = list((tmp_path / folder).iterdir())
    assert {path.suffix for path in files} == extensions
    assert all(re.fullmatch(r"live-\d{8}-\d{6}", path.stem) for path in files)
    assert files[0].stem in capsys.readouterr().err.splitlines()[-1]
    assert any("Said live." in path.read_text() for path in files)


def test_the_source_of_a_live_run_is_called_live(speaking: Captions, tmp_path: Path):
    assert main(["live", "-f", "json", "-q"]) == 0
    (path,) = tmp_path.iterdir()
    assert json.loads(path.read_text())["source"] == "live"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], (True, 0, True, None)),
        (["--camera", "2", "--microphone", "3"], (True, 2, True, 3)),
        (["--camera", "/dev/video1", "--microphone", "USB"], (True, "/dev/video1", True, "USB")),
        (["--camera", "none"], (False, 0, True, None)),
        (["--microphone", "None"], (True, 0, False, None)),
        (["--config", "audio_only", "--camera", "1"], (True, 1, True, None)),
    ],
)
def test_devices_reach_the_configuration(speaking: Captions, arguments: list[str], expected: tuple):
    assert main(["live", *arguments]) == 0
    (config,) = speaking.configs
    video, audio = config.video, config.audio
    assert (video.enabled, video.camera, audio.enabled, audio.microphone) == expected


@pytest.mark.parametrize(
    ("arguments", "promised", "closing"),
    [
        ([], "captions come as you speak; Ctrl-C ends", "nothing was saved; -o DIR keeps the captions"),
        (["--camera", "none"], "captions come as you speak; Ctrl-C ends", "-o DIR keeps the captions"),
        (
            ["--camera", "7", "--microphone", "none"],
            "there is no microphone, so there are no captions: faces and their emotions are followed; Ctrl-C ends",
            "nothing was saved; -o DIR keeps what was seen",
        ),
        (
            ["--microphone", "none", "--no-emotion", "-o", "kept"],
            "there is no microphone, so there are no captions: faces are followed; Ctrl-C ends",
            "; nothing was saved",
        ),
    ],
)
def test_only_what_the_devices_allow_is_promised(
    captions: Captions, monkeypatch: pytest.MonkeyPatch, arguments: list[str], promised: str, closing: str
):
    # Read while it is written, on another thread: of pytest's own stream that would lose lines.
    told = io.StringIO()
    monkeypatch.setattr("sys.stderr", told)

    def steps():
        # The line comes once the sources deliver; time stands still until then.
        latest = time.monotonic() + PATIENCE
        while promised not in told.getvalue() and time.monotonic() < latest:
            yield lambda: None
        lines.extend(told.getvalue().splitlines())
        yield lambda: signal.raise_signal(signal.SIGINT)
        while True:
            yield lambda: None

    lines: list[str] = []
    captions.steps = steps()
    assert main(["live", *arguments]) == 0
    assert lines[0] == f"lipstream: loading{'' if 'microphone' in promised else ', wait before you speak'}"
    assert lines[1:] == [f"lipstream: {promised}"]
    assert told.getvalue().splitlines()[-1].endswith(closing)


def test_emotion_can_be_switched_off(speaking: Captions):
    assert main(["live", "--no-emotion"]) == 0
    assert not speaking.configs[0].emotion.enabled


def test_without_any_device_there_is_nothing_to_do(captions: Captions, capsys):
    assert main(["live", "--camera", "none", "--microphone", "none"]) == 2
    assert "leave out --no-audio" in capsys.readouterr().err


def test_quiet_prints_nothing(speaking: Captions, capsys):
    assert main(["live", "-q"]) == 0
    assert capsys.readouterr() == ("", "")


def test_a_device_that_fails_for_good_is_exit_code_1_with_everything_saved(captions: Captions, tmp_path: Path, capsys):
    captions.steps = [sentence("Said live.", 0.2), OSError("the microphone is gone")]
    assert main(["live", "-f", "txt"]) == 1
    assert "stage 'script' failed: OSError: the microphone is gone" in capsys.readouterr().err
    assert [path.suffix for path in tmp_path.iterdir()] == [".txt"]
