"""A window on no screen, and a camera and events on cue."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import ClassVar

import numpy as np

from lipstream.config import Config
from lipstream.pipeline import Event, Graph, Packet, Port, Source, Switches
from lipstream.stages.payloads import VideoFrame
from lipstream.stages.switches import EMOTION, LIPS, PICTURE, SOUND

PATIENCE = 30.0


class FakeGui:
    """Keeps what it was to show; keys are put into `keys`."""

    def __init__(self) -> None:
        self.keys: deque[str] = deque()
        self.shown: list[np.ndarray] = []
        self.user_closed = False
        self.opened = 0
        self.closings = 0

    def open(self, title: str) -> None:
        self.opened += 1

    def show(self, image: np.ndarray) -> None:
        self.shown.append(image.copy())

    def key(self) -> str | None:
        return self.keys.popleft() if self.keys else None

    def closed(self) -> bool:
        return self.user_closed

    def close(self) -> None:
        self.closings += 1


class Cued(Source):
    """Emits packets and publishes events when it is told to; ends with the run."""

    outputs: ClassVar[Mapping[str, Port]] = {"out": Port(object)}

    def __init__(self) -> None:
        self._cues: deque[tuple[Callable[[], object], threading.Event]] = deque()
        self._time = 0

    def produce(self) -> bool:
        if not self._cues:
            self.context.stopping.wait(0.002)
            return True
        act, done = self._cues.popleft()
        act()
        done.set()
        return True

    def do(self, act: Callable[[], object]) -> None:
        """Have something done on the source's thread, and wait until it is."""
        done = threading.Event()
        self._cues.append((act, done))
        assert done.wait(PATIENCE)

    def tell(self, *events: Event) -> None:
        for event in events:
            self.do(lambda event=event: self.publish(event))


class CuedCamera(Cued):
    """Pictures on cue."""

    outputs: ClassVar[Mapping[str, Port]] = {"video": Port(VideoFrame)}

    def look(self, image: np.ndarray) -> None:
        self._time += 40_000
        packet = Packet(self._time, VideoFrame(image, image.shape[1::-1]))
        self.do(lambda: self.context.emit("video", packet))


def build_graph(sources: Mapping[str, Source], present: Iterable[str] = ()) -> Callable[[Config], Graph]:
    """A graph of sources alone; `present` are more components, by name, that do nothing."""

    def build(config: Config) -> Graph:
        graph = Graph()
        for name, source in sources.items():
            graph.add(name, source)
        for name in present:
            graph.add(name, Cued())
        graph.switches = Switches((SOUND, PICTURE, LIPS, EMOTION))
        return graph

    return build
