"""The camera."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import cv2
import numpy as np

from lipstream.config.schema import VideoConfig
from lipstream.pipeline import Port, Source, UserError, micros
from lipstream.stages.capture.camera_capture import CameraKind, CaptureFactory, camera_kind, open_capture
from lipstream.stages.capture.camera_reader import CameraReader, Grabbed
from lipstream.stages.media.picture import scaled_size
from lipstream.stages.payloads import UInt8, VideoFrame
from lipstream.stages.shedding import FACE_RATE, FACE_SHARE

POLL_SECONDS = 0.05
_CLOSE_SECONDS = 0.5
# A camera may take this long to open; some negotiate for seconds.
_PATIENCE_US = 10_000_000
_FIRST_DELAY_US = 500_000
_LONGEST_DELAY_US = 8_000_000
# Readers that hang in their driver are left behind; with so many of them no further one is begun.
_MAX_LEFT_BEHIND = 2
# Frames are compared at every so many pixels, and count as one flat colour if they differ by no more than this.
_SAMPLING = 8
_FLAT = 2


class Camera(Source):
    """Captures the newest frame of a camera, at no more than `max_fps`, as upright RGB.

    A camera is noticed to be gone when it fails or gives no frame for `freeze_after`, and a device also when its frames
    are identical that long: a sensor's noise makes every picture differ, so equal ones come from a stuck driver, or are
    a still, in which there are no lips to read. (Files and network streams may well repeat a picture.) It is then
    reported and opened again, with growing pauses; meanwhile nothing is emitted, but the stream's time goes on, so that
    nobody waits for it. One flat colour is a closed cover: reported and masked, but the device is left alone.

    Args:
        config: which camera, and how.
        max_fps: most frames a second that are decoded; fewer while the processor cannot keep up.
        factory: opens the camera.
    """

    outputs: ClassVar[Mapping[str, Port]] = {"video": Port(VideoFrame)}

    def __init__(self, config: VideoConfig, max_fps: float = 25.0, factory: CaptureFactory = open_capture) -> None:
        self._config = config
        self._max_fps = max_fps
        self._fps = max_fps
        self._factory = factory
        self._kind = camera_kind(config.camera)
        self._name = f"camera {config.camera}"
        self._patience = micros(config.freeze_after)
        self._running = threading.Event()
        self._reader: CameraReader | None = None
        self._left_behind: list[CameraReader] = []
        self._begun = 0
        self._retry_at = 0
        self._delay = _FIRST_DELAY_US
        self._masked = False
        self._promised = -1
        self._look: UInt8 | None = None
        self._changed = 0

    def open(self) -> None:
        """Begin to open the camera. One that is not there is reported and waited for; the sound need not wait.

        Raises:
            UserError: the camera's name looks like that of a file, and there is none.
        """
        if self._kind is CameraKind.FILE and not Path(str(self._config.camera)).is_file():
            raise UserError(
                f"there is no camera '{self._config.camera}': expected an index such as 0, a device such as "
                f"/dev/video0, an address such as rtsp://..., or a video file"
            )
        self._begin()

    def close(self) -> None:
        """Let the camera go."""
        if self._reader is not None:
            self._reader.close()
            self._reader.join(_CLOSE_SECONDS)

    def produce(self) -> bool:
        """Emit the newest frame, or keep the stream's time going without one."""
        if not self._running.is_set():
            self._begun = self.context.clock.now()
            self._running.set()
        self._follow_load()
        reader = self._reader
        if reader is None:
            self.context.stopping.wait(POLL_SECONDS)
        elif (frame := reader.take(POLL_SECONDS)) is not None:
            self._show(frame)
        if reader is not None and self._kind is CameraKind.FILE and reader.played_out:
            return False
        now = self.context.clock.now()
        if reader is not None and reader is self._reader:
            self._check(reader, now)
        elif reader is None and now >= self._retry_at:
            self._begin()
        if self._masked:
            self._promised = max(self._promised, now)
            self.context.advance(now)
        return True

    # The device.

    def _begin(self) -> None:
        self._left_behind = [reader for reader in self._left_behind if reader.alive]
        if len(self._left_behind) > _MAX_LEFT_BEHIND:
            return
        self._begun = self.context.clock.now()
        self._reader = CameraReader(self._factory, self._config, self._fps, self.context.clock.now, self._running)

    def _follow_load(self) -> None:
        fps = self._max_fps * FACE_SHARE if self.context.sheds(FACE_RATE.name) else self._max_fps
        if fps != self._fps:
            self._fps = fps
            if self._reader is not None:
                self._reader.thin_to(fps)

    def _check(self, reader: CameraReader, now: int) -> None:
        if reader.error is not None:
            self._lose(reader, now, reader.error)
        elif reader.began is None:
            if now - self._begun >= _PATIENCE_US:
                self._lose(reader, now, "does not open")
            elif now - self._begun >= self._patience:
                self._masked = True
        elif now - max(self._begun, reader.began, reader.newest or 0) >= self._patience:
            self._lose(reader, now, "gives no frames")

    def _lose(self, reader: CameraReader, now: int, why: str) -> None:
        self.degrade("video", f"{self._name} {why}, trying again")
        self._masked = True
        reader.close()
        self._left_behind.append(reader)
        self._reader = None
        self._retry_at = now + self._delay
        self._delay = min(_LONGEST_DELAY_US, self._delay * 2)

    # The picture.

    def _show(self, frame: Grabbed) -> None:
        if frame.time <= self._promised:
            return
        if self._kind is CameraKind.DEVICE and not self._lives(frame):
            return
        self._delay = _FIRST_DELAY_US
        self._masked = False
        self.recover("video")
        self._promised = frame.time
        height, width = frame.image.shape[:2]
        size = scaled_size(width, height, self._config.max_side)
        image = frame.image if size == (width, height) else cv2.resize(frame.image, size, interpolation=cv2.INTER_AREA)
        self.emit("video", VideoFrame(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), (width, height)), frame.time)

    def _lives(self, frame: Grabbed) -> bool:
        """Whether the picture still changes, or has not stood still for long."""
        look = np.ascontiguousarray(frame.image[::_SAMPLING, ::_SAMPLING])
        if self._look is None or not np.array_equal(look, self._look):
            self._look, self._changed = look, frame.time
            return True
        reader = self._reader
        assert reader is not None
        # A camera that was just opened again may first show what it held.
        if frame.time - max(self._changed, reader.began or 0) < self._patience:
            return not self._masked
        if int(look.max()) - int(look.min()) <= _FLAT:
            self.degrade("video", f"{self._name} shows nothing but one colour: is its cover closed?")
            self._masked = True
        else:
            self._lose(reader, frame.time, "is frozen")
        return False
