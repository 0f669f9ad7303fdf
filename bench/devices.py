"""A microphone and a camera that do what a script says, for benchmarks of live runs without devices."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from lipstream.config.schema import VideoConfig
from lipstream.stages.capture.microphone_backend import BlockCallback, MicrophoneInfo

Float32 = npt.NDArray[np.float32]
UInt8 = npt.NDArray[np.uint8]

PATIENCE = 30.0
"""Seconds after which a reader that does not take its frame is taken for stuck."""


class FakeMicrophone:
    """The one input device of a machine, mono; also the factory of the backend that `Microphone` asks for.

    Args:
        rate: samples a second, nominally.

    Attributes:
        plugged: whether it is there.
        delivered: samples handed to the program's callback so far.
        blocks: in so many blocks.
    """

    def __init__(self, rate: int = 48_000) -> None:
        self.rate = rate
        self.plugged = True
        self.delivered = self.blocks = 0
        self._stream: _FakeStream | None = None

    def __call__(self) -> _FakeBackend:
        """Make the access to it; OSError if it is not plugged in."""
        if not self.plugged:
            raise OSError("no device")
        return _FakeBackend(self)

    def begin(self, callback: BlockCallback) -> _FakeStream:
        """Open it."""
        self._stream = _FakeStream(self.rate, callback)
        return self._stream

    @property
    def open(self) -> bool:
        """Whether somebody listens."""
        return self._stream is not None and self._stream.alive

    def say(self, samples: Float32, overflow: bool = False) -> None:
        """Deliver a block of (N,) samples, now, if somebody listens."""
        if self._stream is not None and self._stream.alive:
            self.delivered += len(samples)
            self.blocks += 1
            self._stream.callback(samples.astype(np.float32).tobytes(), overflow)

    def unplug(self) -> None:
        """Go away, until `plugged` is set again."""
        self.plugged = False
        if self._stream is not None:
            self._stream.alive = False


class _FakeBackend:
    def __init__(self, device: FakeMicrophone) -> None:
        self._device = device

    def devices(self) -> list[MicrophoneInfo]:
        return [MicrophoneInfo(0, "fake microphone", 1, self._device.rate, True)]

    def start(self, device: MicrophoneInfo, block: float, callback: BlockCallback) -> _FakeStream:
        return self._device.begin(callback)

    def close(self) -> None:
        """Nothing to release."""


class _FakeStream:
    channels = 1

    def __init__(self, rate: int, callback: BlockCallback) -> None:
        self.rate = rate
        self.callback = callback
        self.alive = True

    def active(self) -> bool:
        return self.alive

    def close(self) -> None:
        self.alive = False


class FakeCamera:
    """A camera that gives the frames it is told to; also the factory that `Camera` asks for.

    Attributes:
        plugged: whether it is there.
        taken: frames that were decoded of those it gave.
    """

    def __init__(self) -> None:
        self.plugged = True
        self.taken = 0
        self._capture: _FakeCapture | None = None

    def __call__(self, config: VideoConfig) -> _FakeCapture:
        """Open it; OSError if it is not plugged in."""
        if not self.plugged:
            raise OSError("it is not connected")
        # Whoever opens it again has given up on the last frame.
        self.release()
        self._capture = _FakeCapture(self)
        return self._capture

    @property
    def open(self) -> bool:
        """Whether somebody waits for frames."""
        return self._capture is not None and self._capture.waiting

    def show(self, image: UInt8) -> None:
        """Give a frame of (H, W, 3) BGR, now; one that nobody has taken yet gives way to it."""
        if self._capture is not None:
            self._capture.give(image)

    def settle(self) -> None:
        """Wait until the reader has dealt with the last frame."""
        if self._capture is not None:
            self._capture.settle()

    def unplug(self) -> None:
        """Go away, until `plugged` is set again."""
        self.plugged = False
        self.release()

    def release(self) -> None:
        """Let go whoever waits for a frame."""
        if self._capture is not None:
            self._capture.end()


class _FakeCapture:
    def __init__(self, camera: FakeCamera) -> None:
        self._camera = camera
        self.waiting = False
        self._changed = threading.Condition()
        self._next: UInt8 | None = None
        self._image: UInt8 | None = None
        self._over = False

    def grab(self) -> bool:
        with self._changed:
            self.waiting = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._next is not None or self._over)
            self._image, self._next = self._next, None
            self.waiting = False
            return self._image is not None

    def retrieve(self) -> UInt8 | None:
        self._camera.taken += self._image is not None
        return self._image

    def release(self) -> None:
        self.end()

    def give(self, image: UInt8) -> None:
        with self._changed:
            self._next = image
            self._changed.notify_all()

    def settle(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._over or (self.waiting and self._next is None), PATIENCE)

    def end(self) -> None:
        with self._changed:
            self._over = True
            self._changed.notify_all()


def until(condition: Callable[[], bool], seconds: float = PATIENCE) -> bool:
    """Wait in real time for something another thread does; returns whether it came."""
    pause = threading.Event()
    for _ in range(round(seconds / 0.002)):
        if condition():
            return True
        pause.wait(0.002)
    return condition()
