"""MediaPipe's real graph behind the backend contract."""

from __future__ import annotations

import numpy as np
import pytest

from lipstream.models.errors import ModelError
from lipstream.models.face.backend import create

pytestmark = pytest.mark.media


@pytest.fixture(scope="module")
def shared():
    backend = create("mediapipe", 2, 0.5)
    backend.load()
    yield backend
    backend.close()


@pytest.fixture
def backend(shared):
    shared.reset()
    return shared


def test_an_observation_is_in_pixels_and_in_range(backend, obama_frames):
    timestamp_us, frame = obama_frames[0]

    (face,) = backend.detect(frame, timestamp_us)

    assert face.landmarks.shape == (478, 3)
    assert face.landmarks.dtype == face.blendshapes.dtype == np.float32
    assert face.blendshapes.shape == (52,)
    assert face.blendshapes.min() >= 0
    assert face.blendshapes.max() <= 1
    x, y = face.landmarks[:, :2].mean(axis=0)
    assert 180 < x < 220  # the speaker's face in this frame
    assert 20 < y < 80
    assert np.ptp(face.landmarks[:, 2]) == pytest.approx(np.ptp(face.landmarks[:, 0]), rel=0.5)


def test_frames_less_than_a_millisecond_apart_are_all_taken(backend, obama_frames):
    """MediaPipe counts in whole milliseconds and refuses two frames with the same one."""
    found = [backend.detect(obama_frames[0][1], 10_000 + 100 * index) for index in range(15)]
    found.append(backend.detect(obama_frames[0][1], 30_000))

    assert all(len(faces) == 1 for faces in found)


def test_after_a_reset_a_frame_gives_what_it_gives_a_new_backend(backend, obama_frames):
    for timestamp_us, frame in obama_frames[20:30]:
        backend.detect(frame, timestamp_us)
    backend.reset()

    again = backend.detect(obama_frames[0][1], 0)

    new = create("mediapipe", 2, 0.5)
    new.load()
    first = new.detect(obama_frames[0][1], 0)
    new.close()
    assert len(again) == len(first) == 1
    np.testing.assert_array_equal(again[0].landmarks, first[0].landmarks)


def test_padded_rows_are_read_as_the_picture_they_hold(backend, obama_frames):
    """MediaPipe took such a frame for one block of memory and found no face in it."""
    frame = obama_frames[0][1]
    padded = np.zeros((240, 352, 3), dtype=np.uint8)
    padded[:, :320] = frame

    (face,) = backend.detect(padded[:, :320], 0)
    backend.reset()
    (expected,) = backend.detect(frame, 0)

    np.testing.assert_array_equal(face.landmarks, expected.landmarks)


def test_one_face_is_wanted_and_two_are_there_the_same_one_is_kept(obama_frames):
    backend = create("mediapipe", 1, 0.5)
    backend.load()
    found = [backend.detect(frame, timestamp_us) for timestamp_us, frame in obama_frames[:40]]
    backend.close()

    assert all(len(faces) == 1 for faces in found)
    middles = [faces[0].landmarks[:, 0].mean() for faces in found]
    assert min(middles) > 160  # never the man on the left
    assert np.abs(np.diff(middles)).max() < 20


def test_a_single_wanted_face_is_not_smoothed(backend, obama_frames):
    """MediaPipe smooths when asked for one face, which delays the lips."""
    single = create("mediapipe", 1, 0.5)
    single.load()
    for timestamp_us, frame in obama_frames[:25]:
        (alone,) = single.detect(frame, timestamp_us)
        both = backend.detect(frame, timestamp_us)
        nearest = min(np.abs(face.landmarks - alone.landmarks).max() for face in both)
        assert nearest == 0
    single.close()


def test_loading_leaves_the_terminal_clean(capfd, obama_frames):
    backend = create("mediapipe", 2, 0.5)
    backend.load()
    backend.detect(obama_frames[0][1], 0)
    backend.close()

    assert capfd.readouterr().err == ""


def test_a_broken_model_is_an_error_in_one_line_that_names_it(tmp_path, monkeypatch):
    (tmp_path / "face_landmarker.task").write_bytes(b"not a model")
    monkeypatch.setattr("lipstream.models.assets.resolve", lambda name: tmp_path / name)
    backend = create("mediapipe", 1, 0.5)

    with pytest.raises(ModelError, match=r"'mediapipe' cannot load .*face_landmarker\.task: ") as raised:
        backend.load()

    assert "\n" not in str(raised.value)


def test_load_is_idempotent_and_close_can_be_undone(obama_frames):
    backend = create("mediapipe", 2, 0.5)
    backend.load()
    backend.load()
    backend.close()
    with pytest.raises(ModelError, match="not loaded"):
        backend.detect(obama_frames[0][1], 0)
    backend.reset()
    backend.load()

    assert len(backend.detect(obama_frames[0][1], 0)) == 1
    backend.close()
