"""`lipstream live --show`."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import lipstream.views.live.gui
import lipstream.views.live.window
from lipstream.commands.main import main
from lipstream.views.drawing.beside import Beside
from tests.commands.fakes import Captions, sentence
from tests.views.live.fakes import CuedCamera, FakeGui
from tests.views.live.real_window import BLACK

ROOT = Path(__file__).parent.parent.parent
PATIENCE = 120
TRIES = 4


@pytest.fixture
def gui(monkeypatch: pytest.MonkeyPatch) -> FakeGui:
    """A screen that is none."""
    fake = FakeGui()
    monkeypatch.setattr(lipstream.views.live.gui, "check", lambda: None)
    monkeypatch.setattr(lipstream.views.live.window, "OpenCvGui", lambda: fake)
    return fake


def said_then(act) -> Iterator[object]:
    yield sentence("Said live.", 0.2)
    yield act
    while True:
        yield lambda: None


def test_q_ends_the_run_with_everything_saved(captions: Captions, gui: FakeGui, tmp_path: Path, capsys):
    captions.steps = said_then(lambda: gui.keys.append("q"))
    captions.components = {"video": CuedCamera()}
    assert main(["live", "--show", "-f", "txt"]) == 0
    assert (gui.opened, gui.closings >= 1) == (1, True) and gui.shown
    (path,) = tmp_path.iterdir()
    assert "Said live." in path.read_text(encoding="utf-8")
    config = captions.configs[0]
    assert (config.face.report_rate, config.audio.report_rate) == (25.0, 20.0)
    assert "saved" in capsys.readouterr().err.splitlines()[-1]


def test_ctrl_c_ends_it_too_and_closes_the_window(captions: Captions, gui: FakeGui, tmp_path: Path):
    captions.steps = said_then(lambda: signal.raise_signal(signal.SIGINT))
    assert main(["live", "--show", "-q", "-f", "txt"]) == 0
    assert gui.closings and [path.suffix for path in tmp_path.iterdir()] == [".txt"]


def test_rates_that_are_set_are_kept(captions: Captions, gui: FakeGui):
    captions.steps = said_then(lambda: gui.keys.append("q"))
    assert main(["live", "--show", "-q", "--set", "face.report_rate=0"]) == 0
    assert captions.configs[0].face.report_rate == 0


def test_a_window_that_breaks_costs_no_captions(captions: Captions, gui: FakeGui, tmp_path: Path):
    def broken(image: np.ndarray) -> None:
        if said:
            raise RuntimeError("the screen is gone")

    said: list[bool] = []
    gui.show = broken
    captions.steps = said_then(lambda: said.append(True))
    with pytest.raises(RuntimeError, match="the screen is gone"):
        main(["live", "--show", "-q", "-f", "txt"])
    (path,) = tmp_path.iterdir()
    assert path.suffix == ".txt" and "Said live." in path.read_text(encoding="utf-8")


def test_without_a_display_nothing_is_loaded_and_nothing_written(
    captions: Captions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(lipstream.views.live.gui.cv2, "currentUIFramework", lambda: "QT5")
    monkeypatch.delenv("QT_QPA_PLATFORM", raising=False)
    monkeypatch.delenv("DISPLAY", raising=False)
    assert main(["live", "--show", "-f", "txt"]) == 2
    assert capsys.readouterr().err == (
        "lipstream: error: there is no display to show a window on: $DISPLAY is not set; "
        "leave --show out to have captions in the terminal\n"
    )
    assert not captions.configs and not list(tmp_path.iterdir())


@pytest.fixture
def display() -> Iterator[str]:
    """A virtual screen."""
    if shutil.which("Xvfb") is None:
        pytest.skip("Xvfb is not installed (Debian: apt-get install xvfb)")
    command = ["Xvfb", "-displayfd", "1", "-screen", "0", "1280x960x24", "-nolisten", "tcp"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        assert server.stdout is not None
        yield f":{server.stdout.readline().strip()}"
        server.terminate()


def clear(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()


def test_a_real_window_shows_picture_and_captions_and_ctrl_c_saves_what_was_said(display: str, tmp_path: Path):
    environment = {key: value for key, value in os.environ.items() if not key.startswith("QT_")} | {"DISPLAY": display}
    command = [sys.executable, "-m", "tests.views.live.real_window", str(tmp_path)]
    for _ in range(TRIES):
        result = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
        if result.returncode != BLACK:
            break
        clear(tmp_path)
    assert result.returncode == 0, result.stderr
    assert "QFont" not in result.stderr and "Traceback" not in result.stderr
    width, height = Beside.within((320, 240), (1280, 720)).picture
    pixels = np.asarray(Image.open(tmp_path / "screen.png").convert("RGB"))[:720, :width].astype(int)
    # The picture in its own colours, red being red, and nothing over it but the outlines of two faces and their lips.
    assert (abs(pixels[:height] - (40, 90, 160)) <= 2).all(axis=2).mean() > 0.9
    # The caption white on its band.
    assert pixels[712:719, 5:600].max() < 100
    (path,) = tmp_path.glob("*.txt")
    assert "ça va" in path.read_text(encoding="utf-8")
