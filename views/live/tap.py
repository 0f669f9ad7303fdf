"""The newest camera picture, for a window that draws on another thread."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from lipstream.pipeline import Bounds, Graph, Packet, Policy, Port, Sink
from lipstream.stages.payloads import VideoFrame

UInt8 = npt.NDArray[np.uint8]

_RATE_SECONDS = 2.0


class Tap(Sink):
    """Keeps the newest picture that passes. It takes at once and copies nothing, so its source never waits for it.

    Args:
        clock: seconds, steadily growing.
    """

    inputs: ClassVar[Mapping[str, Port]] = {"video": Port(VideoFrame)}

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._news = threading.Condition()
        self._image: UInt8 | None = None
        self._count = 0
        self._arrivals: deque[float] = deque()

    @classmethod
    def on(cls, graph: Graph, name: str, clock: Callable[[], float] = time.monotonic) -> Tap | None:
        """Add a tap to the pictures of a graph that has not started; None if it has none."""
        if "video" not in graph.components:
            return None
        tap = cls(clock)
        graph.add(name, tap)
        graph.connect("video.video", f"{name}.video", Bounds(Policy.LATEST, items=1))
        return tap

    def process(self, port: str, packet: Packet[Any]) -> None:
        """Take a picture."""
        frame: VideoFrame = packet.payload
        with self._news:
            self._image = frame.image
            self._count += 1
            self._arrivals.append(self._clock())
            self._trim(self._arrivals[-1])
            self._news.notify_all()

    def newer(self, count: int, timeout: float) -> tuple[UInt8, int] | None:
        """The newest picture, (H, W, 3) RGB and not to be written to, and how many there have been.

        Args:
            count: of the picture that is known; 0 for none.
            timeout: seconds to wait for a newer one; None is returned if there is none by then.
        """
        with self._news:
            self._news.wait_for(lambda: self._count > count, timeout)
            return (self._image, self._count) if self._image is not None and self._count > count else None

    def rate(self) -> float:
        """Pictures a second of late."""
        with self._news:
            now = self._clock()
            self._trim(now)
            if len(self._arrivals) < 2:
                return 0.0
            return (len(self._arrivals) - 1) / max(now - self._arrivals[0], 1e-6)

    def _trim(self, now: float) -> None:
        while self._arrivals and now - self._arrivals[0] > _RATE_SECONDS:
            self._arrivals.popleft()
