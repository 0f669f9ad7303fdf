"""A microphone that beeps and a camera that flashes, at the same moments."""

from __future__ import annotations

import asyncio
from fractions import Fraction

import numpy as np
from aiortc import MediaStreamTrack
from av.audio.frame import AudioFrame
from av.video.frame import VideoFrame as Picture

RATE = 48_000


class Start:
    """When the browser's media began: as soon as the first of them is asked for, which is when it is connected."""

    def __init__(self) -> None:
        self._time: float | None = None

    def elapsed(self) -> float:
        """Seconds since then."""
        now = asyncio.get_running_loop().time()
        self._time = now if self._time is None else self._time
        return now - self._time

    async def until(self, elapsed: float) -> float:
        """Wait for a time; returns by how much it was missed."""
        await asyncio.sleep(max(0.0, elapsed - self.elapsed()))
        return self.elapsed() - elapsed


class Beeps(MediaStreamTrack):
    """A microphone: a beep of 0.1 s every 0.4 s.

    Attributes:
        late: by how much a block came too late at most, seconds.
    """

    kind = "audio"

    def __init__(self, start: Start) -> None:
        super().__init__()
        self._start = start
        self._done: int | None = None
        self.late = 0.0

    async def recv(self) -> AudioFrame:
        first = int(self._start.elapsed() * 50) * (RATE // 50) if self._done is None else self._done
        self._done = first + RATE // 50
        # A device gives a block when all of it has been heard.
        self.late = max(self.late, await self._start.until(self._done / RATE))
        index = np.arange(first, self._done)
        beep = index % (RATE * 2 // 5) < RATE // 10
        samples = (beep * 12_000 * np.sin(2 * np.pi * 1000 * index / RATE)).astype(np.int16)
        frame = AudioFrame.from_ndarray(samples[None], "s16", "mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE, first, Fraction(1, RATE)
        return frame


class Flashes(MediaStreamTrack):
    """A camera: white for 0.12 s every 0.4 s, else a dark pattern."""

    kind = "video"

    def __init__(self, start: Start, fps: int = 25, size: tuple[int, int] = (160, 120)) -> None:
        super().__init__()
        self._start = start
        self._fps = fps
        self._size = size
        self._done: int | None = None
        self.late = 0.0

    async def recv(self) -> Picture:
        number = int(self._start.elapsed() * self._fps) if self._done is None else self._done
        self._done = number + 1
        time = Fraction(number, self._fps)
        self.late = max(self.late, await self._start.until(float(time)))
        width, height = self._size
        image = np.zeros((height, width, 3), np.uint8)
        image[:, : width // 2] = 40
        if time % Fraction(2, 5) < Fraction(12, 100):
            image[:] = 235
        frame = Picture.from_ndarray(image, "rgb24")
        frame.pts, frame.time_base = int(time * 90_000), Fraction(1, 90_000)
        return frame
