"""Cameras, video files and network streams through OpenCV, and the little of it that `Camera` uses."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Protocol

import cv2

from lipstream.config.schema import VideoConfig
from lipstream.stages.payloads import UInt8

_NETWORK_TIMEOUT_MS = 5000
# USB 2 carries raw pictures up to about this size at 30 frames a second; larger ones have to come compressed.
_RAW_PIXELS = 640 * 480


class CameraKind(Enum):
    """What stands behind a camera's name."""

    DEVICE = "device"
    """A camera of this machine: its sensor's noise makes every picture differ."""
    FILE = "file"
    """A video file, shown at its own speed; it ends."""
    STREAM = "stream"
    """A network address."""


class Capture(Protocol):
    """An open camera. All methods are called on one thread; `grab` may block for as long as it likes."""

    def grab(self) -> bool:
        """Wait for the next frame; False when there will be none."""

    def retrieve(self) -> UInt8 | None:
        """Decode the frame grabbed last: (H, W, 3) BGR, or None if it is damaged."""

    def release(self) -> None:
        """Close the camera."""


CaptureFactory = Callable[[VideoConfig], Capture]
"""Opens the camera of a configuration; raises OSError if it cannot be opened."""


def camera_kind(camera: int | str) -> CameraKind:
    """What an index, a device path, a file path or an address means."""
    if isinstance(camera, int) or camera.isdecimal() or camera.startswith("/dev/"):
        return CameraKind.DEVICE
    return CameraKind.STREAM if "://" in camera else CameraKind.FILE


def open_capture(config: VideoConfig) -> Capture:
    """Open the camera of a configuration with OpenCV.

    Raises:
        OSError: it cannot be opened.
    """
    quiet()
    kind = camera_kind(config.camera)
    if kind is CameraKind.DEVICE:
        capture = _open_device(config)
    elif kind is CameraKind.FILE:
        if not Path(str(config.camera)).is_file():
            raise FileNotFoundError("no such file")
        capture = cv2.VideoCapture(str(config.camera))
    else:
        limits = [
            cv2.CAP_PROP_OPEN_TIMEOUT_MSEC,
            _NETWORK_TIMEOUT_MS,
            cv2.CAP_PROP_READ_TIMEOUT_MSEC,
            _NETWORK_TIMEOUT_MS,
        ]
        capture = cv2.VideoCapture(str(config.camera), cv2.CAP_FFMPEG, limits)
    if not capture.isOpened():
        capture.release()
        raise OSError(
            "it is not connected, or another program uses it" if kind is CameraKind.DEVICE else "no video there"
        )
    return _OpenCvFile(capture) if kind is CameraKind.FILE else _OpenCvCapture(capture)


def _open_device(config: VideoConfig) -> cv2.VideoCapture:
    camera = int(config.camera) if str(config.camera).isdecimal() else config.camera
    capture = cv2.VideoCapture(camera, device_backend())
    if capture.isOpened():
        if config.width * config.height > _RAW_PIXELS:
            capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, config.width)
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, config.height)
        capture.set(cv2.CAP_PROP_FPS, config.fps)
        capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
    return capture


def device_backend() -> int:
    """OpenCV's backend for the cameras of this system; left to itself it tries them all, loudly."""
    return {"linux": cv2.CAP_V4L2, "darwin": cv2.CAP_AVFOUNDATION, "win32": cv2.CAP_DSHOW}.get(
        sys.platform, cv2.CAP_ANY
    )


def quiet() -> None:
    """Keep OpenCV and the FFmpeg inside it from writing to standard error; failures show in what they return."""
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)


class _OpenCvCapture:
    def __init__(self, capture: cv2.VideoCapture) -> None:
        self._capture = capture

    def grab(self) -> bool:
        return bool(self._capture.grab())

    def retrieve(self) -> UInt8 | None:
        good, image = self._capture.retrieve()
        return image if good else None

    def release(self) -> None:
        self._capture.release()


class _OpenCvFile(_OpenCvCapture):
    """A file gives its frames as fast as they are read: hold each back until its time."""

    def __init__(self, capture: cv2.VideoCapture) -> None:
        super().__init__(capture)
        self._began: float | None = None

    def grab(self) -> bool:
        if not super().grab():
            return False
        position = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
        if self._began is None:
            self._began = time.monotonic() - position
        time.sleep(max(0.0, self._began + position - time.monotonic()))
        return True
