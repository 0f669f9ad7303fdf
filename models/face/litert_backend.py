"""The networks of face_landmarker.task run by LiteRT: the same faces without MediaPipe, nothing leaves the machine.

The order of work follows MediaPipe's face landmarker graph (mediapipe/tasks/cc/vision/face_landmarker): a detector
finds faces, a landmark network looks at each face's region, and as long as that network sees a face there, the
landmarks give the region for the next frame and the detector rests.
"""

from __future__ import annotations

import math
import zipfile
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from lipstream.models.errors import ModelError
from lipstream.models.face import blazeface
from lipstream.models.face.backend import LANDMARK_COUNT, FaceBackend, FaceObservation, Float32, UInt8
from lipstream.models.face.native_log import notices_hidden
from lipstream.models.face.roi import Roi, from_detection, from_landmarks
from lipstream.models.shared import give_back, made_of, taken

LANDMARK_INPUT_SIZE = 256
SAME_FACE_IOU = 0.5

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


class LiteRtBackend(FaceBackend):
    """BlazeFace, the landmark network and the blendshape network, with tracking from frame to frame.

    Args:
        max_faces: see `FaceBackend`.
        min_confidence: see `FaceBackend`; the least score of a detection and of a face that is followed.
        detect_interval: while some but not `max_faces` faces are followed, seconds of frame time between two runs
            of the detector. It runs at once when a face is lost, and on every frame while there is none.
        threads: CPU threads of each network.
    """

    def __init__(
        self, max_faces: int, min_confidence: float, *, detect_interval: float = 0.3, threads: int = 1
    ) -> None:
        super().__init__(max_faces, min_confidence)
        self._detect_interval_us = round(detect_interval * 1_000_000)
        self._threads = threads
        self._anchors = blazeface.anchors()
        self._networks: _Networks | None = None
        self._key: Hashable = None
        self._rois: list[Roi] = []
        self._next_detection_us: int | None = None

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
        self._key = ("litert faces", made_of(path), self._threads)
        with notices_hidden():
            # One run at a time: an interpreter holds what it computes.
            self._networks = taken(self._key, lambda: _read_networks(path, self._threads, Interpreter))

    def close(self) -> None:
        """See `FaceBackend.close`."""
        networks, self._networks = self._networks, None
        if networks is not None:
            give_back(self._key, networks)
        self.reset()

    def _forget(self) -> None:
        self._rois = []
        self._next_detection_us = None

    def _detect(self, frame: UInt8, timestamp_us: int) -> list[FaceObservation]:
        networks = self._networks
        if networks is None:
            raise ModelError("face backend 'litert' is not loaded: call load() first")
        try:
            faces = self._follow(networks, frame, self._rois, [])
            if len(faces) < self.max_faces and self._detection_due(len(faces), timestamp_us):
                self._next_detection_us = timestamp_us + self._detect_interval_us
                faces = self._follow(networks, frame, self._find(networks.detector, frame), faces)
        except (RuntimeError, ValueError) as error:
            raise ModelError(f"face backend 'litert' failed on a frame: {error}") from error
        self._rois = [roi for roi, _ in faces]
        return [observation for _, observation in faces]

    def _detection_due(self, followed: int, timestamp_us: int) -> bool:
        lost_one = followed < len(self._rois)
        return followed == 0 or lost_one or self._next_detection_us is None or timestamp_us >= self._next_detection_us

    def _find(self, detector: _Network, frame: UInt8) -> list[Roi]:
        """Regions of all faces the detector sees, best first."""
        height, width = frame.shape[:2]
        side = max(height, width)
        whole = Roi(width / 2, height / 2, side, side, 0.0)
        square = _crop(frame, whole, blazeface.INPUT_SIZE, cv2.BORDER_CONSTANT)
        scaled = np.multiply(square, np.float32(1 / 127.5), dtype=np.float32) - np.float32(1)
        regressors, logits = detector(scaled[None])
        detections = blazeface.decode(regressors[0], logits[0, :, 0], self._anchors, self.min_confidence)
        return [from_detection(detection, width, height) for detection in detections]

    def _follow(
        self,
        networks: _Networks,
        frame: UInt8,
        rois: list[Roi],
        known: list[tuple[Roi, FaceObservation]],
    ) -> list[tuple[Roi, FaceObservation]]:
        """`known` and the faces in `rois`, each with its region for the next frame; no face twice."""
        faces = list(known)
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
                faces.append((next_roi, observation))
        return faces

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


def _overlaps(roi: Roi, faces: list[tuple[Roi, FaceObservation]]) -> bool:
    if not faces:
        return False
    boxes = np.stack([other.upright_box() for other, _ in faces])
    return bool((blazeface.iou(boxes, roi.upright_box()) > SAME_FACE_IOU).any())


def _crop(frame: UInt8, roi: Roi, size: int, border: int) -> UInt8:
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    crop: UInt8 = cv2.warpAffine(frame, roi.to_frame(size), (size, size), flags=flags, borderMode=border)
    return crop


def _read_networks(path: Path, threads: int, interpreter: Callable[..., Any]) -> _Networks:
    try:
        with zipfile.ZipFile(path) as bundle:
            detector, landmarks, blendshapes = (
                _Network(bundle.read(f"{name}.tflite"), threads, interpreter)
                for name in ("face_detector", "face_landmarks_detector", "face_blendshapes")
            )
    except (OSError, KeyError, zipfile.BadZipFile, RuntimeError, ValueError) as error:
        raise ModelError(f"cannot read the face networks in {path}: {error}") from error
    return _Networks(detector, landmarks, blendshapes)
