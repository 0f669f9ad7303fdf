"""`live --record`, `--text-file` and `--virtual-camera` from the command line."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest

from lipstream.commands.main import main
from lipstream.events import TranscriptFinal
from tests.commands.fakes import Captions, sentence
from tests.views.live.fakes import CuedCamera

PICTURE = np.full((120, 160, 3), (40, 90, 160), np.uint8)


@pytest.fixture
def filmed(captions: Captions) -> Captions:
    """Somebody before a camera who says one sentence before Ctrl-C."""
    camera = CuedCamera()

    def steps() -> Iterator[object]:
        for _ in range(30):
            yield lambda: camera.look(PICTURE)
        yield sentence("Said live.", 0.2)
        yield lambda: signal.raise_signal(signal.SIGINT)
        while True:
            yield lambda: None

    captions.steps, captions.components = steps(), {"video": camera}
    return captions


def test_what_is_recorded_is_said_before_meanwhile_and_after(filmed: Captions, tmp_path: Path, capsys):
    assert main(["live", "--record", "talk.mkv"]) == 0
    said = capsys.readouterr().err.splitlines()
    assert any(line.endswith("Ctrl-C ends; recording into talk.mkv") for line in said)
    assert "lipstream: recording into talk.mkv" in said
    assert said[-1].endswith("; the recording is talk.mkv")
    with av.open(str(tmp_path / "talk.mkv")) as container:
        assert sum(1 for _ in container.decode(video=0)) >= 25
    with av.open(str(tmp_path / "talk.mkv")) as container:
        packets = container.demux(container.streams.subtitles[0])
        assert [bytes(packet) for packet in packets if packet.pts is not None] == [b"Said live."]


def test_nothing_is_recorded_unless_asked(filmed: Captions, tmp_path: Path, capsys):
    assert main(["live"]) == 0
    assert list(tmp_path.iterdir()) == []
    assert "record" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "said"),
    [("talk.mp4", "the name must end in .mkv"), ("there.mkv", "there already; --overwrite replaces it")],
)
def test_a_file_that_cannot_be_is_one_line_and_nothing_runs(
    captions: Captions, tmp_path: Path, capsys, name: str, said: str
):
    (tmp_path / "there.mkv").write_text("kept")
    assert main(["live", "--record", name]) == 2
    assert said in capsys.readouterr().err
    assert not captions.configs or not (tmp_path / "talk.mp4").exists()
    assert (tmp_path / "there.mkv").read_text() == "kept"


def test_the_text_file_has_what_was_said_and_is_empty_at_the_end(filmed: Captions, tmp_path: Path):
    def until_it_is_there() -> None:
        for _ in range(2000):
            if (tmp_path / "now.txt").read_text(encoding="utf-8") == "Said live.\n":
                seen.append(True)
                return
            threading.Event().wait(0.005)

    def watched() -> Iterator[object]:
        for step in steps:
            yield step
            if isinstance(step, TranscriptFinal):
                yield until_it_is_there

    seen: list[bool] = []
    steps, filmed.steps = filmed.steps, watched()
    assert main(["live", "-q", "--text-file", "now.txt"]) == 0
    assert seen == [True]
    assert (tmp_path / "now.txt").read_text() == ""
    assert [path.name for path in tmp_path.iterdir()] == ["now.txt"]


def test_a_virtual_camera_without_its_package_or_without_a_picture_is_one_line(
    captions: Captions, monkeypatch: pytest.MonkeyPatch, capsys
):
    monkeypatch.setitem(sys.modules, "pyvirtualcam", None)
    captions.components = {"video": CuedCamera()}
    assert main(["live", "-q", "--virtual-camera"]) == 2
    assert "pip install 'lipstream[virtual-camera]'" in capsys.readouterr().err
    assert main(["live", "-q", "--virtual-camera", "--camera", "none"]) == 2
    assert "needs a picture" in capsys.readouterr().err


def test_system_sound_alone_and_beside_the_microphone(filmed: Captions, capsys):
    assert main(["live", "-q", "--system-sound"]) == 0
    audio = filmed.configs[-1].audio
    assert (audio.enabled, audio.source, audio.system) == (True, "both", None)


def test_system_sound_of_an_output_without_a_microphone(filmed: Captions):
    assert main(["live", "-q", "--microphone", "none", "--system-sound", "headset"]) == 0
    audio = filmed.configs[-1].audio
    assert (audio.enabled, audio.source, audio.system) == (True, "system", "headset")
