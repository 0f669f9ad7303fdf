"""What every backend promises, whatever runs behind it."""

from __future__ import annotations

import numpy as np
import pytest

from lipstream.models.errors import ModelError
from lipstream.models.face.backend import BLENDSHAPES, FaceBackend, create


class Recorder(FaceBackend):
    """A backend that keeps what reaches its networks."""

    def __init__(self):
        super().__init__(max_faces=1, min_confidence=0.5)
        self.frames = []
        self.forgotten = 0

    def load(self):
        pass

    def close(self):
        pass

    def _detect(self, frame, timestamp_us):
        self.frames.append(frame)
        return []

    def _forget(self):
        self.forgotten += 1


@pytest.fixture
def frame():
    return np.zeros((48, 64, 3), dtype=np.uint8)


@pytest.mark.parametrize("name", ["mediapipe", "litert"])
def test_create_loads_nothing(name, monkeypatch):
    def no_asset(asset):
        raise AssertionError(f"{asset} resolved before load()")

    monkeypatch.setattr("lipstream.models.assets.resolve", no_asset)

    backend = create(name, 3, 0.4)

    assert (backend.max_faces, backend.min_confidence) == (3, 0.4)


def test_an_unknown_backend_is_an_error_that_lists_the_known_ones():
    with pytest.raises(ModelError, match="no face backend called 'dlib'; there are: litert, mediapipe"):
        create("dlib", 1, 0.5)


@pytest.mark.parametrize("name", ["mediapipe", "litert"])
def test_detect_before_load_is_an_error(name, frame):
    with pytest.raises(ModelError, match=r"not loaded: call load\(\) first"):
        create(name, 1, 0.5).detect(frame, 0)


@pytest.mark.parametrize("name", ["mediapipe", "litert"])
def test_reset_and_close_are_allowed_at_any_time(name):
    backend = create(name, 1, 0.5)

    backend.reset()
    backend.close()
    backend.close()


@pytest.mark.parametrize(
    "bad",
    [
        np.zeros((48, 64), dtype=np.uint8),
        np.zeros((48, 64, 4), dtype=np.uint8),
        np.zeros((48, 64, 3), dtype=np.float32),
    ],
)
def test_a_frame_of_another_shape_or_type_is_refused(bad):
    with pytest.raises(ValueError, match=r"a frame must be \(H, W, 3\) uint8 RGB, got"):
        Recorder().detect(bad, 0)


@pytest.mark.parametrize("second_us", [40_000, 39_999])
def test_timestamps_must_grow(second_us, frame):
    backend = Recorder()
    backend.detect(frame, 40_000)

    with pytest.raises(ValueError, match=f"timestamp {second_us} us is not after 40000 us"):
        backend.detect(frame, second_us)


def test_timestamps_may_start_anew_after_a_reset(frame):
    backend = Recorder()
    backend.detect(frame, 40_000)

    backend.reset()
    backend.detect(frame, 0)

    assert backend.forgotten == 1


def test_padded_rows_reach_the_networks_as_one_block():
    """PyAV pads the rows of some widths, 360 among them; MediaPipe read such frames as noise."""
    padded = np.random.default_rng(0).integers(0, 256, (48, 80, 3), dtype=np.uint8)[:, :60]
    backend = Recorder()

    backend.detect(padded, 0)

    assert backend.frames[0].flags.c_contiguous
    np.testing.assert_array_equal(backend.frames[0], padded)


def test_a_contiguous_frame_is_not_copied(frame):
    backend = Recorder()

    backend.detect(frame, 0)

    assert backend.frames[0] is frame


def test_there_are_52_blendshapes():
    assert len(BLENDSHAPES) == len(set(BLENDSHAPES)) == 52
    assert (BLENDSHAPES[25], BLENDSHAPES[38]) == ("jawOpen", "mouthPucker")
