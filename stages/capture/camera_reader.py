"""The thread that keeps a camera's newest frame."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from lipstream.config.schema import VideoConfig
from lipstream.stages.capture.camera_capture import CaptureFactory
from lipstream.stages.payloads import UInt8
from lipstream.stages.shedding import FrameShedder


@dataclass(frozen=True, slots=True)
class Grabbed:
    """A frame of the camera.

    Attributes:
        image: (H, W, 3) BGR.
        time: session time right after it was grabbed, microseconds.
    """

    image: UInt8
    time: int


class CameraReader:
    """Opens a camera and grabs without pause, so that the driver never holds a stale frame; keeps only the newest.

    All of it happens on a daemon thread, because a camera that was unplugged may block in its driver for ever. Frames
    beyond `max_fps` are grabbed, which empties the driver's buffer, but not decoded.

    Args:
        factory: opens the camera.
        config: which camera, and how.
        max_fps: most frames a second that are decoded.
        now: session time in microseconds.
        running: set once the session runs: frames before that are thrown away, the session clock does not know them.

    Attributes:
        error: why the camera could not be opened or gives no more frames, None while it does.
        began: session time at which it was open, None before.
        newest: session time of the last frame grabbed, None before the first.
    """

    def __init__(
        self,
        factory: CaptureFactory,
        config: VideoConfig,
        max_fps: float,
        now: Callable[[], int],
        running: threading.Event,
    ) -> None:
        self.error: str | None = None
        self.began: int | None = None
        self.newest: int | None = None
        self._factory = factory
        self._config = config
        self._shedder = FrameShedder(max_fps)
        self._now = now
        self._running = running
        self._closed = False
        self._arrived = threading.Condition()
        self._frame: Grabbed | None = None
        self._thread = threading.Thread(target=self._run, name="camera reader", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether the thread is still there, be it stuck in the driver."""
        return self._thread.is_alive()

    @property
    def played_out(self) -> bool:
        """Whether it was open and no frame will come any more."""
        with self._arrived:
            return self.began is not None and self.error is not None and self._frame is None

    def thin_to(self, max_fps: float) -> None:
        """Decode no more than so many frames a second from now on."""
        self._shedder.thin_to(max_fps)

    def take(self, timeout: float) -> Grabbed | None:
        """The newest frame not yet taken, waited for at most `timeout` seconds."""
        with self._arrived:
            if self._frame is None and self.error is None:
                self._arrived.wait(timeout)
            frame, self._frame = self._frame, None
            return frame

    def close(self) -> None:
        """Let the camera go as soon as the driver returns; does not wait."""
        self._closed = True

    def join(self, timeout: float) -> None:
        """Wait for the camera to be let go, at most `timeout` seconds."""
        self._thread.join(timeout)

    def _run(self) -> None:
        try:
            capture = self._factory(self._config)
        except Exception as error:  # noqa: BLE001 - OpenCV raises its own; whatever it is, the camera is tried again
            self._fail(f"cannot be opened ({error})")
            return
        try:
            self.began = self._now()
            while not self._closed and capture.grab():
                # Looked at before the clock is: the session clock is set to zero just before `running` is set.
                if not self._running.is_set():
                    continue
                time = self._now()
                self.newest = time
                if self._shedder.keeps(time) and (image := capture.retrieve()) is not None:
                    self._offer(Grabbed(image, time))
            self._fail("gives no more frames")
        except Exception as error:  # noqa: BLE001 - as above
            self._fail(f"failed ({error})")
        finally:
            capture.release()

    def _offer(self, frame: Grabbed) -> None:
        with self._arrived:
            self._frame = frame
            self._arrived.notify_all()

    def _fail(self, reason: str) -> None:
        with self._arrived:
            self.error = reason
            self._arrived.notify_all()
