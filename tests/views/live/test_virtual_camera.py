"""Captions in a virtual camera."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from lipstream import Pipeline
from lipstream.config import load_config
from lipstream.pipeline import Degraded, UserError
from lipstream.pipeline.testing import EventRecorder
from lipstream.views.live.virtual_camera import VirtualCamera
from tests.views.events import final
from tests.views.live.fakes import CuedCamera, build_graph

BLUE = np.full((241, 321, 3), (0, 0, 210), np.uint8)


class Shown:
    """A virtual camera that keeps what it is sent."""

    device = "/dev/video9"

    def __init__(self, width: int, height: int, device: str | None) -> None:
        self.size = width, height
        self.wanted = device
        self.frames: list[np.ndarray] = []
        self.closed = False

    def send(self, frame: np.ndarray) -> None:
        assert frame.shape == (self.size[1], self.size[0], 3) and frame.flags["C_CONTIGUOUS"]
        self.frames.append(frame.copy())

    def close(self) -> None:
        self.closed = True


def run(opener, events: EventRecorder | None = None) -> tuple[Pipeline, CuedCamera, VirtualCamera]:
    camera = CuedCamera()
    pipeline = Pipeline(load_config("live"), build_graph({"video": camera}))
    shown = VirtualCamera.on(pipeline, "9", opener)
    if events is not None:
        pipeline.add_sink("events", events)
    pipeline.start()
    return pipeline, camera, shown


def test_it_shows_the_picture_as_it_is_with_the_captions_over_it():
    opened: list[Shown] = []

    def opener(*given) -> Shown:
        opened.append(Shown(*given))
        return opened[-1]

    pipeline, camera, shown = run(opener)
    camera.look(BLUE)
    camera.tell(final("Good morning."))
    for _ in range(400):
        camera.look(BLUE)
        if opened and (opened[0].frames[-1] == 255).all(axis=2).any():
            break
    pipeline.stop()
    (output,) = opened
    assert (output.size, output.wanted) == ((320, 240), "9")
    assert (output.frames[0] == (0, 0, 210)).all(axis=2).mean() > 0.95
    last = output.frames[-1]
    assert (last[:120] == (0, 0, 210)).all()
    assert (last[120:] == 255).all(axis=2).sum() > 50
    assert output.closed and shown.failure is None
    # What everybody else works with is left as it is.
    assert (BLUE == (0, 0, 210)).all()


def test_one_that_cannot_be_opened_is_said_once_with_what_to_install_and_the_run_goes_on():
    def opener(*_) -> Shown:
        raise RuntimeError("'v4l2loopback' backend: no device")

    events = EventRecorder()
    pipeline, camera, shown = run(opener, events)
    for _ in range(5):
        camera.look(BLUE)
    pipeline.stop()
    (told,) = [event for event in events.events if isinstance(event, Degraded)]
    assert "v4l2loopback-dkms" in told.reason and told.reason == shown.failure


def test_without_the_extra_one_line_says_which(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setitem(sys.modules, "pyvirtualcam", None)
    pipeline = Pipeline(load_config("live"), build_graph({"video": CuedCamera()}))
    with pytest.raises(UserError, match="virtual-camera"):
        VirtualCamera.on(pipeline, None)
