"""The picture of what is tracked."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from lipstream.events import TranscriptFinal
from lipstream.models.face.backend import LANDMARK_COUNT, FaceObservation
from lipstream.models.face.lip_features import LipFeatures
from lipstream.models.face.lips import INNER_LIP, OUTER_LIP
from lipstream.models.face.tracking import TrackedFace
from lipstream.pipeline import Packet, UserError, micros
from lipstream.pipeline.testing import run_stage
from lipstream.stages.payloads import FaceFrame, VideoFrame
from lipstream.stages.sinks.snapshot import Snapshot

HEIGHT, WIDTH = 240, 320


def landmarks(opening: float) -> np.ndarray:
    """Landmarks whose lips are two flat ovals around the middle of the picture."""
    points = np.full((LANDMARK_COUNT, 3), 10.0, np.float32)
    for contour, size in ((OUTER_LIP, 40), (INNER_LIP, 30)):
        angle = np.linspace(0, 2 * np.pi, len(contour), endpoint=False)
        points[list(contour), 0] = WIDTH / 2 + size * np.cos(angle)
        points[list(contour), 1] = HEIGHT / 2 + size * opening * np.sin(angle)
    return points


def packets(*apertures: float | None):
    """A video of frames of growing brightness and the faces in them."""
    video, faces = [], []
    for number, aperture in enumerate(apertures):
        time = micros(number)
        video.append(Packet(time, VideoFrame(np.full((HEIGHT, WIDTH, 3), 10 * number, np.uint8), (WIDTH, HEIGHT))))
        if aperture is None:
            faces.append(Packet(time, FaceFrame((), None, WIDTH, HEIGHT, None)))
            continue
        seen = FaceObservation(landmarks(aperture), np.zeros(52, np.float32), 0.9)
        face = TrackedFace(1, seen, (80.0, 40.0, 240.0, 200.0), 0)
        zeros = np.zeros(1, np.float32)
        lips = LipFeatures(1, np.zeros((96, 96), np.uint8), zeros, zeros, aperture)
        faces.append(Packet(time, FaceFrame((face,), 1, WIDTH, HEIGHT, lips)))
    return {"video": video, "faces": faces}


def caption(text: str) -> TranscriptFinal:
    return TranscriptFinal(segment=1, start=1.5, end=2.5, text=text, words=())


def test_the_frame_with_the_widest_mouth_is_drawn_with_box_lips_and_caption(tmp_path: Path):
    snapshot = Snapshot()
    run_stage(snapshot, packets(0.1, None, 0.5, 0.3))
    plain, captioned = tmp_path / "plain.png", tmp_path / "captioned.png"
    assert snapshot.save(plain, [])
    assert snapshot.save(captioned, [caption("What is said here.")])
    image = cv2.imread(str(plain))
    assert image.shape == (720, 960, 3)
    assert tuple(image[5, 5]) == (20, 20, 20), "the third frame"
    assert tuple(image[360, 240]) == (120, 220, 120), "the left edge of the box"
    assert tuple(image[360, 600]) == (80, 200, 255), "the corner of the outer lip"
    text = cv2.imread(str(captioned))
    assert not np.array_equal(image[650:], text[650:])
    assert np.array_equal(image[:600], text[:600])


def test_without_a_face_there_is_no_picture(tmp_path: Path):
    snapshot = Snapshot()
    run_stage(snapshot, packets(None, None))
    assert not snapshot.save(tmp_path / "a.png", [])
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_to_is_a_clear_error(tmp_path: Path):
    snapshot = Snapshot()
    run_stage(snapshot, packets(0.2))
    with pytest.raises(UserError, match="cannot write"):
        snapshot.save(tmp_path / "nowhere" / "a.png", [])
