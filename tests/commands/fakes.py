"""Scripted captions in place of networks and devices."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

from lipstream.config import Config
from lipstream.events import SpeechStarted, TranscriptFinal, Word
from lipstream.pipeline import Event, Graph, Packet, Port, Source, micros

Step = Event | BaseException | Callable[[], object]


def sentence(text: str, start: float, segment: int = 1) -> TranscriptFinal:
    """A finished segment with a word each 0.4 s."""
    words = tuple(
        Word(word=word, start=start + 0.4 * index, end=start + 0.4 * index + 0.3, confidence=0.9)
        for index, word in enumerate(text.split())
    )
    return TranscriptFinal(segment=segment, start=start, end=words[-1].end, text=text, words=words)


class Script(Source):
    """Publishes events, raises errors and calls callables, in order; media time goes on by a second a step."""

    outputs: ClassVar[Mapping[str, Port]] = {"out": Port(object)}

    def __init__(self, steps: Iterable[Step]) -> None:
        self._steps = iter(steps)
        self._time = 0

    def produce(self) -> bool:
        step = next(self._steps, None)
        if step is None:
            return False
        self.context.emit("out", Packet(self._time, object(), micros(1)))
        self._time += micros(1)
        if isinstance(step, BaseException):
            raise step
        if isinstance(step, Event):
            self.publish(step)
        else:
            step()
        return True


class Captions:
    """What the fake graph will do, and the configurations it was asked for."""

    def __init__(self) -> None:
        self.steps: Iterable[Step] = [SpeechStarted(segment=1, start=0.1), sentence("Hello there.", 0.2)]
        self.configs: list[Config] = []
        self.components: dict[str, Any] = {}

    def build(self, config: Config) -> Graph:
        self.configs.append(config)
        graph = Graph()
        graph.add("script", Script(self.steps))
        for name, component in self.components.items():
            graph.add(name, component)
        return graph
