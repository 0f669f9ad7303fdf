"""Which microphones and cameras there are."""

from __future__ import annotations

import os
import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2

from lipstream.stages.capture.camera_capture import device_backend, quiet
from lipstream.stages.capture.microphone_backend import MicrophoneInfo, PortAudio, choose_microphone

__all__ = [
    "CameraInfo",
    "MicrophoneInfo",
    "choose_microphone",
    "list_cameras",
    "list_microphones",
    "list_system_sound",
]

_SYSFS = Path("/sys/class/video4linux")
_PROBED_INDICES = 5

# From linux/videodev2.h: struct v4l2_capability and struct v4l2_format, and the calls that fill them.
_QUERYCAP, _CAPABILITY_BYTES, _DEVICE_CAPS_AT = 0x80685600, 104, 88
_G_FMT, _FORMAT_BYTES, _SIZE_AT = 0xC0D05604, 208, 8
_VIDEO_CAPTURE = 0x00000001


@dataclass(frozen=True, slots=True)
class CameraInfo:
    """A camera of this machine.

    Attributes:
        index: the number to give as `video.camera`.
        name: its name.
        width: width in pixels as now set, None if not known without starting it.
        height: height in pixels as now set, None if not known.
    """

    index: int
    name: str
    width: int | None = None
    height: int | None = None


def list_microphones() -> list[MicrophoneInfo]:
    """All input devices, in PortAudio's order.

    Raises:
        UserError: PyAudio or PortAudio is not installed.
    """
    backend = PortAudio()
    try:
        return backend.devices()
    finally:
        backend.close()


def list_system_sound() -> list[MicrophoneInfo]:
    """All outputs whose sound can be captioned.

    Raises:
        UserError: there is no sound system that gives it; says what to install.
    """
    from lipstream.stages.capture.system_sound import backend

    access = backend()
    try:
        return access.devices()
    finally:
        access.close()


def list_cameras() -> list[CameraInfo]:
    """All cameras, by index."""
    if sys.platform.startswith("linux"):
        return linux_cameras(_SYSFS, _query)
    return _probed_cameras()


Query = Callable[[int], tuple[int | None, int | None] | None]
"""Asks a video device by index: its width and height, or None if it does not capture."""


def linux_cameras(sysfs: Path, query: Query) -> list[CameraInfo]:
    """The cameras the kernel lists, without starting any.

    One camera may have several video devices, for metadata or encoded streams; those that do not capture pictures are
    left out.
    """
    cameras = []
    for folder in sorted(sysfs.glob("video*"), key=lambda folder: int(folder.name.removeprefix("video"))):
        index = int(folder.name.removeprefix("video"))
        size = query(index)
        if size is not None:
            name = (folder / "name").read_text(encoding="utf-8", errors="replace").strip()
            cameras.append(CameraInfo(index, name, *size))
    return cameras


def _query(index: int) -> tuple[int | None, int | None] | None:
    import fcntl  # not on Windows

    try:
        device = os.open(f"/dev/video{index}", os.O_RDWR | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        capability = bytearray(_CAPABILITY_BYTES)
        fcntl.ioctl(device, _QUERYCAP, capability)
        if not struct.unpack_from("=I", capability, _DEVICE_CAPS_AT)[0] & _VIDEO_CAPTURE:
            return None
        picture = bytearray(_FORMAT_BYTES)
        struct.pack_into("=I", picture, 0, 1)  # V4L2_BUF_TYPE_VIDEO_CAPTURE
        try:
            fcntl.ioctl(device, _G_FMT, picture)
        except OSError:
            return None, None
        width, height = struct.unpack_from("=II", picture, _SIZE_AT)
        return width, height
    except OSError:
        return None
    finally:
        os.close(device)


def _probed_cameras() -> list[CameraInfo]:
    """Systems without a list: see which of the first indices open."""
    quiet()
    cameras = []
    for index in range(_PROBED_INDICES):
        capture = cv2.VideoCapture(index, device_backend())
        if capture.isOpened():
            width, height = (int(capture.get(what)) for what in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT))
            cameras.append(CameraInfo(index, f"Camera {index}", width, height))
        capture.release()
    return cameras
