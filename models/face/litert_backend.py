"""The networks of face_landmarker.task run by LiteRT: the same faces without MediaPipe, nothing leaves the machine.

The order of work follows MediaPipe's face landmarker graph (mediapipe/tasks/cc/vision/face_landmarker): a detector
finds faces, a landmark network looks at each face's region, and as long as that network sees a face there, the
landmarks give the region for the next frame and the detector rests.
"""

from __future__ import annotations

import logging
import math
import zipfile
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from lipstream.models.errors import AssetError, ModelError
from lipstream.models.face import blazeface
from lipstream.models.face.backend import LANDMARK_COUNT, FaceBackend, FaceObservation, Float32, Reach, UInt8
from lipstream.models.face.far import squares
from lipstream.models.face.native_log import notices_hidden
from lipstream.models.face.roi import ENLARGEMENT, Roi, from_detection, from_landmarks
from lipstream.models.shared import give_back, made_of, taken

_log = logging.getLogger(__name__)

LANDMARK_INPUT_SIZE = 256
SAME_FACE_IOU = 0.5
FAR_INTERVAL, FAR_INTERVAL_BESIDES = 0.16, 0.5
"""Seconds between looks for small faces at one part of the picture: where they matter, and besides other faces."""
FAR_LEAST = 16.0
"""Height in pixels of the smallest face that is looked for: what looks like smaller ones is as often a pattern."""
FAR_DETECTOR = "face_detection_full_range.tflite"

# fmt: off
# The landmarks face_blendshapes.tflite was trained on, in its input order
# (mediapipe/tasks/cc/vision/face_landmarker/face_blendshapes_graph.cc).
BLENDSHAPE_LANDMARKS = np.array([
    0, 1, 4, 5, 6, 7, 8, 10, 13, 14, 17, 21, 33, 37, 39, 40, 46, 52, 53, 54, 55, 58, 61, 63, 65, 66, 67, 70, 78, 80,
    81, 82, 84, 87, 88, 91, 93, 95, 103, 105, 107, 109, 127, 132, 133, 136, 144, 145, 146, 148, 149, 150, 152, 153,
    154, 155, 157, 158, 159, 160, 161, 162, 163, 168, 172, 173, 176, 178, 181, 185, 191, 195, 197, 234, 246, 249,
    251, 263, 267, 269, 270, 276, 282, 283, 284, 285, 288, 291, 293, 295, 296, 297, 300, 308, 310, 311, 312, 314,
    317, 318, 321, 323, 324, 332, 334, 336, 338, 356, 361, 362, 365, 373, 374, 375, 377, 378, 379, 380, 381, 382,
    384, 385, 386, 387, 388, 389, 390, 397, 398, 400, 402, 405, 409, 415, 454, 466, 468, 469, 470, 471, 472, 473,
    474, 475, 476, 477,
])
# fmt: on


class _Network:
    """One TensorFlow Lite model with one input."""

    def __init__(self, content: bytes, threads: int, interpreter: Callable[..., Any]) -> None:
        self._interpreter = interpreter(model_content=content, num_threads=threads)
        self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]["index"]
        self._outputs = [detail["index"] for detail in self._interpreter.get_output_details()]

    def __call__(self, values: Float32) -> list[Float32]:
        self._interpreter.set_tensor(self._input, values)
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(index) for index in self._outputs]


@dataclass(frozen=True, slots=True)
class _Networks:
    detector: _Network
    landmarks: _Network
    blendshapes: _Network
    far: _Network | None


@dataclass(frozen=True, slots=True, eq=False)
class _Followed:
    """A face: where to look for it in the next frame, what was seen of it, and when, in microseconds."""

    roi: Roi
    observation: FaceObservation
    looked_us: int


class LiteRtBackend(FaceBackend):
    """BlazeFace, the landmark network and the blendshape network, with tracking from frame to frame.

    Args:
        max_faces: see `FaceBackend`.
        min_confidence: see `FaceBackend`; the least score of a detection and of a face that is followed.
        detect_interval: while some but not `max_faces` faces are followed, seconds of frame time between two runs
            of the detector. It runs at once when a face is lost, and on every frame while there is none.
        threads: CPU threads of each network.
        looks: most looks at faces in a second of frame time, at least one in a frame; where there are more faces, at
            the one that is `attended` and those that were looked at longest ago, and what was last seen of the others
            is given again. None for all faces in all frames.
        reach: see `create`.
    """

    def __init__(
        self,
        max_faces: int,
        min_confidence: float,
        *,
        detect_interval: float = 0.3,
        threads: int = 1,
        looks: float | None = None,
        reach: Reach = "near",
    ) -> None:
        super().__init__(max_faces, min_confidence)
        self._looks = looks
        self._reach = reach
        self._detect_interval_us = round(detect_interval * 1_000_000)
        self._threads = threads
        self._anchors = blazeface.anchors()
        self._far_anchors = blazeface.full_range_anchors()
        self._networks: _Networks | None = None
        self._key: Hashable = None
        self._faces: list[_Followed] = []
        self._next_detection_us: int | None = None
        self._next_far_us: int | None = None
        self._square = 0
        self._seen_us = 0

    def load(self) -> None:
        """See `FaceBackend.load`."""
        if self._networks is not None:
            return
        try:
            from ai_edge_litert.interpreter import Interpreter
        except ImportError as error:
            raise ModelError(
                "face backend 'litert' needs the package ai-edge-litert; run: pip install 'ai-edge-litert>=2.3,<3'"
            ) from error
        from lipstream.models.assets import resolve

        path = resolve("face_landmarker.task")
        far = self._far_detector()
        self._key = ("litert faces", made_of(path), far and made_of(far), self._threads)
        with notices_hidden():
            # One run at a time: an interpreter holds what it computes.
            self._networks = taken(self._key, lambda: _read_networks(path, far, self._threads, Interpreter))

    def _far_detector(self) -> Path | None:
        from lipstream.models.assets import resolve

        if self._reach == "near":
            return None
        try:
            return resolve(FAR_DETECTOR)
        except AssetError as error:
            if self._reach == "far":
                raise
            # Nobody asked for it: larger faces are found without.
            _log.warning("small faces are not looked for: %s", error)
            return None

    def close(self) -> None:
        """See `FaceBackend.close`."""
        networks, self._networks = self._networks, None
        if networks is not None:
            give_back(self._key, networks)
        self.reset()

    def _forget(self) -> None:
        self._faces = []
        self._seen_us = 0
        self._next_detection_us = self._next_far_us = None

    def _detect(self, frame: UInt8, timestamp_us: int) -> list[FaceObservation]:
        networks = self._networks
        if networks is None:
            raise ModelError("face backend 'litert' is not loaded: call load() first")
        try:
            faces = self._follow(networks, frame, timestamp_us)
            if len(faces) < self.max_faces and self._detection_due(len(faces), timestamp_us):
                self._next_detection_us = timestamp_us + self._detect_interval_us
                rois = self._find(networks.detector, frame)
                self._look_into(networks, frame, rois, faces, timestamp_us)
            if networks.far is not None and len(faces) < self.max_faces and self._far_due(len(faces), timestamp_us):
                self._look_into(networks, frame, self._find_far(networks.far, frame), faces, timestamp_us)
        except (RuntimeError, ValueError) as error:
            raise ModelError(f"face backend 'litert' failed on a frame: {error}") from error
        self._faces = faces
        return [face.observation for face in faces]

    def _detection_due(self, followed: int, timestamp_us: int) -> bool:
        lost_one = followed < len(self._faces)
        return followed == 0 or lost_one or self._next_detection_us is None or timestamp_us >= self._next_detection_us

    def _far_due(self, followed: int, timestamp_us: int) -> bool:
        besides = self._reach == "auto" and followed > 0
        if self._next_far_us is not None and timestamp_us < self._next_far_us:
            return False
        self._next_far_us = timestamp_us + round((FAR_INTERVAL_BESIDES if besides else FAR_INTERVAL) * 1e6)
        return True

    def _find(self, detector: _Network, frame: UInt8) -> list[Roi]:
        """Regions of all faces the detector sees, best first."""
        height, width = frame.shape[:2]
        side = max(height, width)
        whole = Roi(width / 2, height / 2, side, side, 0.0)
        square = _crop(frame, whole, blazeface.INPUT_SIZE, cv2.BORDER_CONSTANT)
        regressors, logits = detector(_signed(square))
        detections = blazeface.decode(regressors[0], logits[0, :, 0], self._anchors, self.min_confidence)
        return [from_detection(detection, width, height) for detection in detections]

    def _find_far(self, detector: _Network, frame: UInt8) -> list[Roi]:
        """Regions of the faces in the next part of the picture, best first."""
        height, width = frame.shape[:2]
        parts = squares(width, height)
        self._square = (self._square + 1) % len(parts)
        left, top, side = parts[self._square]
        size = blazeface.FULL_RANGE_INPUT_SIZE
        part = frame[round(top) : round(top + side), round(left) : round(left + side)]
        square = cv2.resize(part, (size, size), interpolation=cv2.INTER_AREA)
        regressors, logits = detector(_signed(square))
        found = blazeface.decode(regressors[0], logits[0, :, 0], self._far_anchors, self.min_confidence, size)
        # A square is its own letterbox: only its place has to be added.
        rois = [from_detection(detection, part.shape[1], part.shape[0]) for detection in found]
        return [
            replace(roi, x=roi.x + round(left), y=roi.y + round(top))
            for roi in rois
            if roi.height >= FAR_LEAST * ENLARGEMENT
        ]

    def _follow(self, networks: _Networks, frame: UInt8, timestamp_us: int) -> list[_Followed]:
        """The faces of the frame before that are still there; those whose turn it is not are taken to be."""
        turn = self._whose_turn(timestamp_us)
        faces: list[_Followed] = []
        for index, face in enumerate(self._faces):
            if index in turn:
                self._look_into(networks, frame, [face.roi], faces, timestamp_us)
            elif not _overlaps(face.roi, faces):
                faces.append(replace(face, observation=replace(face.observation, looked=False)))
        return faces

    def _whose_turn(self, timestamp_us: int) -> set[int]:
        """Which of the faces are looked at in this frame: the further apart frames are, the more."""
        elapsed, self._seen_us = timestamp_us - self._seen_us, timestamp_us
        if self._looks is None:
            return set(range(len(self._faces)))
        order = sorted(range(len(self._faces)), key=lambda index: self._faces[index].looked_us)
        if self.attended is not None and order:
            x, y = self.attended
            first = min(
                order, key=lambda index: math.dist((x, y), (self._faces[index].roi.x, self._faces[index].roi.y))
            )
            order.remove(first)
            order.insert(0, first)
        return set(order[: max(1, round(self._looks * elapsed / 1e6))])

    def _look_into(
        self, networks: _Networks, frame: UInt8, rois: list[Roi], faces: list[_Followed], timestamp_us: int
    ) -> None:
        """Add the faces in `rois` to `faces`, each with its region for the next frame; no face twice."""
        for roi in rois:
            if len(faces) == self.max_faces:
                break
            if _overlaps(roi, faces):
                continue
            observation = _look(networks, frame, roi, self.min_confidence)
            if observation is None:
                continue
            next_roi = from_landmarks(observation.landmarks)
            # Two regions can slide onto one face when people pass each other.
            if not _overlaps(next_roi, faces):
                faces.append(_Followed(next_roi, observation, timestamp_us))

    def look(self, frame: UInt8, roi: Roi, min_confidence: float) -> FaceObservation | None:
        """The face in a region that is already known, outside of any video; follows nothing.

        Args:
            frame: (H, W, 3) uint8 RGB.
            roi: where to look, with some room around the face.
            min_confidence: the least probability of a face, in [0, 1].

        Raises:
            ModelError: not loaded.
        """
        if self._networks is None:
            raise ModelError("face backend 'litert' is not loaded: call load() first")
        return _look(self._networks, frame, roi, min_confidence)


def _look(networks: _Networks, frame: UInt8, roi: Roi, min_confidence: float) -> FaceObservation | None:
    """Landmarks and blendshapes of the face in a region, None when there is no face in it."""
    crop = _crop(frame, roi, LANDMARK_INPUT_SIZE, cv2.BORDER_REPLICATE)
    points, presence, _ = networks.landmarks(np.multiply(crop, np.float32(1 / 255), dtype=np.float32)[None])
    confidence = 1 / (1 + math.exp(-max(presence.item(), -80.0)))
    if confidence < min_confidence:
        return None
    landmarks = points.reshape(LANDMARK_COUNT, 3)
    to_frame = roi.to_frame(LANDMARK_INPUT_SIZE)
    landmarks[:, :2] = landmarks[:, :2] @ to_frame[:, :2].T + to_frame[:, 2]
    landmarks[:, 2] *= roi.width / LANDMARK_INPUT_SIZE
    (blendshapes,) = networks.blendshapes(landmarks[None, BLENDSHAPE_LANDMARKS, :2])
    return FaceObservation(landmarks, np.clip(blendshapes, 0, 1), confidence)


def _overlaps(roi: Roi, faces: list[_Followed]) -> bool:
    if not faces:
        return False
    boxes = np.stack([other.roi.upright_box() for other in faces])
    return bool((blazeface.iou(boxes, roi.upright_box()) > SAME_FACE_IOU).any())


def _crop(frame: UInt8, roi: Roi, size: int, border: int) -> UInt8:
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    crop: UInt8 = cv2.warpAffine(frame, roi.to_frame(size), (size, size), flags=flags, borderMode=border)
    return crop


def _signed(square: UInt8) -> Float32:
    """(1, H, W, 3) in [-1, 1], as detectors want it."""
    return (np.multiply(square, np.float32(1 / 127.5), dtype=np.float32) - np.float32(1))[None]


def _read_networks(path: Path, far: Path | None, threads: int, interpreter: Callable[..., Any]) -> _Networks:
    try:
        with zipfile.ZipFile(path) as bundle:
            detector, landmarks, blendshapes = (
                _Network(bundle.read(f"{name}.tflite"), threads, interpreter)
                for name in ("face_detector", "face_landmarks_detector", "face_blendshapes")
            )
    except (OSError, KeyError, zipfile.BadZipFile, RuntimeError, ValueError) as error:
        raise ModelError(f"cannot read the face networks in {path}: {error}") from error
    try:
        smaller = None if far is None else _Network(far.read_bytes(), threads, interpreter)
    except (OSError, RuntimeError, ValueError) as error:
        raise ModelError(f"cannot read the detector of small faces in {far}: {error}") from error
    return _Networks(detector, landmarks, blendshapes, smaller)
