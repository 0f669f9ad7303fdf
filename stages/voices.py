"""Two sources of sound in one run, each captioned for itself: whoever speaks here, and what this machine plays."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

from lipstream.config import Config
from lipstream.pipeline import Bounds, Event, Graph, Source, micros
from lipstream.stages.sound.echo import EchoCanceller

MICROPHONE, SYSTEM = "Microphone", "System sound"
"""What the voices are called."""
_PREFIX = "system_"
_SKEW = micros(0.15)
_SECOND_TIME = {"SoundLevel"}
"""Events that would tell of the first source what is so of the second."""

AddBranch = Callable[[Graph, Config, Source], None]
Retold = Callable[[Event], Event | None]


class Numbering:
    """Gives the segments of several branches numbers of one row, in the order in which they are first heard of."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers: dict[tuple[str, int], int] = {}

    def of(self, branch: str, segment: int) -> int:
        """The number of a branch's segment; any thread may ask."""
        with self._lock:
            return self._numbers.setdefault((branch, segment), len(self._numbers) + 1)


def add_second_voice(graph: Graph, config: Config, source: Source, add_branch: AddBranch) -> None:
    """Add what this machine plays to a graph that captions a microphone.

    What is played is taken out of the microphone's sound before anything else hears it, so that nobody is captioned
    twice. Finished text has the voice it is of as its speaker's name, unless that is known better.

    Args:
        graph: has the branch of the microphone already.
        config: the configuration.
        source: gives what is played, on its port "audio".
        add_branch: adds sound to text behind a source, under the names it always has.
    """
    own = set(graph.components)
    second = Graph()
    add_branch(second, config, source)
    for name, component in second.components.items():
        graph.add(_PREFIX + name, component, second.skew_limits[name])
    for edge in second.edges:
        graph.connect(f"{_PREFIX}{edge.producer}.{edge.output}", f"{_PREFIX}{edge.consumer}.{edge.input}", edge.bounds)
    graph.paced |= {_PREFIX + name for name in second.paced}
    _take_echo_out(graph)
    numbering = Numbering()
    for name in own:
        graph.retold[name] = _retold(numbering, MICROPHONE, frozenset())
    for name in second.components:
        graph.retold[_PREFIX + name] = _retold(numbering, SYSTEM, frozenset(_SECOND_TIME))


def _take_echo_out(graph: Graph) -> None:
    """Lead the microphone's sound, wherever it goes, through the canceller."""
    canceller = EchoCanceller()
    graph.add("echo", canceller, _SKEW)
    graph.edges = [
        replace(edge, producer="echo") if (edge.producer, edge.output) == ("audio", "audio") else edge
        for edge in graph.edges
    ]
    bounds = Bounds(items=8192, duration=micros(4))
    graph.connect("audio.audio", "echo.audio", bounds)
    graph.connect(f"{_PREFIX}audio.audio", "echo.played", bounds)


def _retold(numbering: Numbering, voice: str, dropped: frozenset[str]) -> Retold:
    def retell(event: Event) -> Event | None:
        if type(event).__name__ in dropped:
            return None
        names = {field.name for field in fields(event)}
        changes: dict[str, Any] = {}
        if "segment" in names:
            changes["segment"] = numbering.of(voice, getattr(event, "segment"))  # noqa: B009 - not of every event
        if "speaker_name" in names and getattr(event, "speaker", None) is None:
            changes["speaker_name"] = voice
        return replace(event, **changes) if changes else event

    return retell
