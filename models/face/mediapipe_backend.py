"""MediaPipe's FaceLandmarker task in video mode.

MediaPipe's Tasks API may send usage metrics to its maker; the `litert` backend runs the same networks without it.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from lipstream.models.errors import ModelError
from lipstream.models.face.backend import LANDMARK_COUNT, FaceBackend, FaceObservation, Float32, UInt8
from lipstream.models.face.blazeface import iou
from lipstream.models.face.native_log import notices_hidden

# Asked for one face, MediaPipe smooths the landmarks over time (one-euro filter). Measured on talking heads at 25 fps,
# that delays the mouth opening by 0.2 to 0.35 of a frame and flattens it by up to a tenth. It cannot be turned off,
# but for several faces it is never on.
_LEAST_FACES = 2

_NATIVE_ERRORS = (RuntimeError, ValueError, OSError, LookupError)


class MediaPipeBackend(FaceBackend):
    """MediaPipe FaceLandmarker: detection, tracking, landmarks and blendshapes in one native graph.

    The graph runs its detector on every frame in which it follows fewer faces than it was asked for, and only then;
    its interface has no lower rate. It does not tell how likely a face is, only that it passed: `confidence` is
    always `min_confidence`.
    """

    def __init__(self, max_faces: int, min_confidence: float) -> None:
        super().__init__(max_faces, min_confidence)
        self._landmarker: Any = None
        self._to_image: Callable[[UInt8], object] | None = None
        self._last_ms = 0
        self._origin_us: int | None = None
        self._kept_box: Float32 | None = None

    def load(self) -> None:
        """See `FaceBackend.load`."""
        if self._landmarker is not None:
            return
        try:
            with _without_sounddevice():
                import mediapipe
        except ImportError as error:
            mend = "pip install 'lipstream[mediapipe]', or face.backend=litert"
            raise ModelError(f"face backend 'mediapipe' cannot be imported ({_one_line(error)}): {mend}") from error
        from lipstream.models.assets import resolve

        def to_image(frame: UInt8) -> object:
            return mediapipe.Image(mediapipe.ImageFormat.SRGB, frame)

        path = resolve("face_landmarker.task")
        self._to_image = to_image
        self._last_ms = 0
        with notices_hidden():
            self._create_landmarker(mediapipe.tasks, path)
            self._show_blank()  # the graph starts lazily and logs while it does

    def close(self) -> None:
        """See `FaceBackend.close`."""
        landmarker, self._landmarker = self._landmarker, None
        if landmarker is not None:
            landmarker.close()
        self.reset()

    def _create_landmarker(self, tasks: ModuleType, path: Path) -> None:
        options = tasks.vision.FaceLandmarkerOptions(
            base_options=tasks.BaseOptions(model_asset_path=str(path)),
            running_mode=tasks.vision.RunningMode.VIDEO,
            num_faces=max(self.max_faces, _LEAST_FACES),
            min_face_detection_confidence=self.min_confidence,
            min_face_presence_confidence=self.min_confidence,
            output_face_blendshapes=True,
        )
        try:
            self._landmarker = tasks.vision.FaceLandmarker.create_from_options(options)
        except _NATIVE_ERRORS as error:
            raise ModelError(f"face backend 'mediapipe' cannot load {path}: {_one_line(error)}") from error

    def _forget(self) -> None:
        has_seen_frames = self._origin_us is not None
        self._origin_us = None
        self._kept_box = None
        if self._landmarker is not None and has_seen_frames:
            self._show_blank()

    def _show_blank(self) -> None:
        """Make the graph lose every face it follows; it has no reset, and building a new one is no faster."""
        self._last_ms += 1
        self._run(np.zeros((64, 64, 3), dtype=np.uint8), self._last_ms)

    def _run(self, frame: UInt8, milliseconds: int) -> Any:  # noqa: ANN401
        if self._landmarker is None or self._to_image is None:
            raise ModelError("face backend 'mediapipe' is not loaded: call load() first")
        try:
            return self._landmarker.detect_for_video(self._to_image(frame), milliseconds)
        except _NATIVE_ERRORS as error:
            raise ModelError(f"face backend 'mediapipe' failed on a frame: {_one_line(error)}") from error

    def _detect(self, frame: UInt8, timestamp_us: int) -> list[FaceObservation]:
        result = self._run(frame, self._milliseconds(timestamp_us))
        height, width = frame.shape[:2]
        faces = [
            self._observation(points, categories, width, height)
            for points, categories in zip(result.face_landmarks, result.face_blendshapes, strict=True)
        ]
        return faces if len(faces) <= self.max_faces else [self._same_or_largest(faces)]

    def _milliseconds(self, timestamp_us: int) -> int:
        """The graph's clock: whole milliseconds that grow with every frame, also across `reset`."""
        if self._origin_us is None:
            self._origin_us = timestamp_us - 1000 * (self._last_ms + 1)
        self._last_ms = max(self._last_ms + 1, (timestamp_us - self._origin_us) // 1000)
        return self._last_ms

    def _observation(
        self, points: Iterable[Any], categories: Sequence[Any], width: int, height: int
    ) -> FaceObservation:
        flat = (value for point in points for value in (point.x, point.y, point.z))
        landmarks = np.fromiter(flat, np.float32, 3 * LANDMARK_COUNT).reshape(LANDMARK_COUNT, 3)
        landmarks *= np.array([width, height, width], dtype=np.float32)  # z is in units of the frame's width
        blendshapes = np.fromiter((category.score for category in categories), np.float32, len(categories))
        return FaceObservation(landmarks, np.clip(blendshapes, 0, 1), self.min_confidence)

    def _same_or_largest(self, faces: list[FaceObservation]) -> FaceObservation:
        """The one face to return when the graph, asked for more than the user was, found more."""
        points = np.stack([face.landmarks[:, :2] for face in faces])
        boxes = np.concatenate([points.min(axis=1), points.max(axis=1)], axis=1)
        rank = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
        if self._kept_box is not None:
            overlap = iou(boxes, self._kept_box)
            rank = overlap if overlap.any() else rank
        chosen = int(np.argmax(rank))
        self._kept_box = boxes[chosen]
        return faces[chosen]


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


@contextlib.contextmanager
def _without_sounddevice() -> Iterator[None]:
    """Keep MediaPipe's import from importing sounddevice, which only its audio tasks need and it can do without.

    Importing sounddevice starts PortAudio, and PortAudio crashes the process when another thread, which opens the
    microphone through PyAudio, starts it at the same moment.
    """
    if "sounddevice" in sys.modules:
        yield
        return
    # An entry of None makes the import fail with ImportError.
    sys.modules["sounddevice"] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules["sounddevice"]
