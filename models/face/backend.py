"""The contract every face backend fulfils: a frame in, landmarks and blendshapes of the faces in it out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from lipstream.models.errors import ModelError

Reach = Literal["near", "far", "auto"]
Float32 = npt.NDArray[np.float32]
UInt8 = npt.NDArray[np.uint8]

LANDMARK_COUNT = 478

# The output order of face_blendshapes.tflite. The names are those of ARKit, left and right as the subject has them.
BLENDSHAPES = (
    "_neutral",
    "browDownLeft",
    "browDownRight",
    "browInnerUp",
    "browOuterUpLeft",
    "browOuterUpRight",
    "cheekPuff",
    "cheekSquintLeft",
    "cheekSquintRight",
    "eyeBlinkLeft",
    "eyeBlinkRight",
    "eyeLookDownLeft",
    "eyeLookDownRight",
    "eyeLookInLeft",
    "eyeLookInRight",
    "eyeLookOutLeft",
    "eyeLookOutRight",
    "eyeLookUpLeft",
    "eyeLookUpRight",
    "eyeSquintLeft",
    "eyeSquintRight",
    "eyeWideLeft",
    "eyeWideRight",
    "jawForward",
    "jawLeft",
    "jawOpen",
    "jawRight",
    "mouthClose",
    "mouthDimpleLeft",
    "mouthDimpleRight",
    "mouthFrownLeft",
    "mouthFrownRight",
    "mouthFunnel",
    "mouthLeft",
    "mouthLowerDownLeft",
    "mouthLowerDownRight",
    "mouthPressLeft",
    "mouthPressRight",
    "mouthPucker",
    "mouthRight",
    "mouthRollLower",
    "mouthRollUpper",
    "mouthShrugLower",
    "mouthShrugUpper",
    "mouthSmileLeft",
    "mouthSmileRight",
    "mouthStretchLeft",
    "mouthStretchRight",
    "mouthUpperUpLeft",
    "mouthUpperUpRight",
    "noseSneerLeft",
    "noseSneerRight",
)


@dataclass(frozen=True, slots=True, eq=False)
class FaceObservation:
    """One face in one frame.

    Attributes:
        landmarks: (478, 3) float32. x to the right and y down, in pixels of the frame; z away from the camera, in
            pixels as well, 0 near the middle of the head. 0 to 467 are the face mesh, 468 to 477 the irises.
        blendshapes: (52,) float32 in [0, 1], in the order of `BLENDSHAPES`.
        confidence: probability in [0, 1] that this is a face.
        looked: whether this frame was looked at; where there are many faces it may be what was seen a few frames ago.
    """

    landmarks: Float32
    blendshapes: Float32
    confidence: float
    looked: bool = True


class FaceBackend(ABC):
    """Finds faces in video frames. The constructor never fails and loads nothing; `load` does the work.

    A backend follows faces from frame to frame, so one instance serves one video stream. It is not thread-safe.
    The landmarks are not smoothed over time: a filter would lag behind the lips.

    Attributes:
        attended: middle of the face that is to be looked at in every frame, in pixels, where there are too many to look
            at all of them; a backend need not heed it.

    Args:
        max_faces: at most this many faces are returned for a frame, >= 1.
        min_confidence: a face less likely than this, in [0, 1], is not returned.
    """

    def __init__(self, max_faces: int, min_confidence: float) -> None:
        self.max_faces = max_faces
        self.min_confidence = min_confidence
        self.attended: tuple[float, float] | None = None
        self._last_timestamp_us: int | None = None

    @abstractmethod
    def load(self) -> None:
        """Load the networks. Idempotent.

        Raises:
            ModelError: a package or model file is missing or unusable; the message says which and what to do.
        """

    def detect(self, frame: UInt8, timestamp_us: int) -> list[FaceObservation]:
        """Find the faces of one frame, in no particular order.

        Args:
            frame: (H, W, 3) uint8 RGB. A frame that is not C-contiguous is copied first.
            timestamp_us: the frame's time in microseconds, later than that of the call before.

        Raises:
            ValueError: the frame has another shape or type, or the timestamp does not grow.
            ModelError: the backend is not loaded, or a network failed.
        """
        if frame.ndim != 3 or frame.shape[2] != 3 or frame.dtype != np.uint8:
            raise ValueError(f"a frame must be (H, W, 3) uint8 RGB, got {frame.shape} {frame.dtype}")
        if self._last_timestamp_us is not None and timestamp_us <= self._last_timestamp_us:
            raise ValueError(f"frame timestamp {timestamp_us} us is not after {self._last_timestamp_us} us")
        self._last_timestamp_us = timestamp_us
        # Native code reads the rows as one block. Decoders hand out padded rows, which it would take for noise.
        return self._detect(np.ascontiguousarray(frame), timestamp_us)

    def reset(self) -> None:
        """Forget the faces followed so far, as after a seek or a reopened camera. Timestamps may start anew."""
        self._last_timestamp_us = None
        self._forget()

    @abstractmethod
    def close(self) -> None:
        """Release the networks. Idempotent; `load` may be called again."""

    @abstractmethod
    def _detect(self, frame: UInt8, timestamp_us: int) -> list[FaceObservation]:
        """`detect` after its checks: `frame` is C-contiguous and the timestamp has grown."""

    @abstractmethod
    def _forget(self) -> None:
        """Drop all state that links one frame to the next."""


LOOKS_A_SECOND = 50.0
"""Looks at faces in a second of video, by backends that take turns: two faces at 25 frames a second."""


def _mediapipe(max_faces: int, min_confidence: float, threads: int, reach: Reach) -> FaceBackend:
    from lipstream.models.face.mediapipe_backend import MediaPipeBackend

    # The Tasks API has no setting for threads, and no other detector.
    if reach == "far":
        raise ModelError("face backend 'mediapipe' does not look for small faces; use 'litert', or face.range: near")
    return MediaPipeBackend(max_faces, min_confidence)


def _litert(max_faces: int, min_confidence: float, threads: int, reach: Reach) -> FaceBackend:
    from lipstream.models.face.litert_backend import LiteRtBackend

    return LiteRtBackend(max_faces, min_confidence, threads=threads, looks=LOOKS_A_SECOND, reach=reach)


_BACKENDS: dict[str, Callable[[int, float, int, Reach], FaceBackend]] = {"mediapipe": _mediapipe, "litert": _litert}


def create(name: str, max_faces: int, min_confidence: float, threads: int = 1, reach: Reach = "near") -> FaceBackend:
    """The backend called `name`: "mediapipe", or "litert", which runs the same networks without MediaPipe.

    Args:
        name: "mediapipe" or "litert".
        max_faces: see `FaceBackend`.
        min_confidence: see `FaceBackend`.
        threads: processor threads of each network; MediaPipe chooses its own.
        reach: how small faces are looked for: "near" for those of a tenth of the picture and more; "far" for smaller
            ones too; "auto" for smaller ones mostly while there is no other. MediaPipe has "near" alone.

    Raises:
        ModelError: there is no backend of that name.
    """
    backend = _BACKENDS.get(name)
    if backend is None:
        raise ModelError(f"no face backend called {name!r}; there are: {', '.join(sorted(_BACKENDS))}")
    return backend(max_faces, min_confidence, threads, reach)
