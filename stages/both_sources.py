"""Two sources of sound in one run, each captioned for itself: whoever speaks here, and what this machine plays."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

from lipstream.config import Config
from lipstream.events import SpeakerChanged, SpeakerNamed, TranscriptCorrected, TranscriptFinal, TranscriptPartial
from lipstream.pipeline import Bounds, Event, Graph, Source, micros
from lipstream.stages.sound.echo import EchoCanceller

MICROPHONE, SYSTEM = "Microphone", "System sound"
"""What the voices are called."""
_PREFIX = "system_"
_SKEW = micros(0.15)
_SECOND_TIME = frozenset({"SoundLevel"})
"""Events that would tell of the first source what is so of the second."""

AddBranch = Callable[[Graph, Config, Source], None]


class Numbering:
    """Gives what several branches number numbers of one row, in the order in which it is first heard of."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers: dict[tuple[str, int], int] = {}

    def of(self, branch: str, number: int) -> int:
        """The number that stands for one of a branch's; any thread may ask."""
        with self._lock:
            return self._numbers.setdefault((branch, number), len(self._numbers) + 1)

    def own(self, branch: str, number: int) -> int | None:
        """What a branch itself calls the one who has this number; None if the number is none of its."""
        with self._lock:
            return next((own for (of, own), told in self._numbers.items() if (of, told) == (branch, number)), None)


def add_second_voice(graph: Graph, config: Config, source: Source, add_branch: AddBranch) -> None:
    """Add what this machine plays to a graph that captions a microphone.

    What is played is taken out of the microphone's sound before anything else hears it, so that nobody is captioned
    twice. Text has the voice it is of as its speaker's name, unless that is known better.

    Args:
        graph: has the branch of the microphone already.
        config: the configuration.
        source: gives what is played, on its port "audio".
        add_branch: adds sound to text behind a source, under the names it always has.
    """
    own = set(graph.components)
    second = Graph()
    add_branch(second, config, source)
    graph.include(second, _PREFIX)
    _take_echo_out(graph)
    numbers = Numbering(), Numbering()
    here, there = Voice(MICROPHONE, *numbers, frozenset()), Voice(SYSTEM, *numbers, _SECOND_TIME)
    graph.retold |= dict.fromkeys(own, here)
    graph.retold |= {_PREFIX + name: there for name in second.components}


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


class Voice:
    """Retells the events of one source: its segments and speakers get numbers of one row with those of the other.

    Whoever has no name is called like the source, with their number there where several are told apart.

    Args:
        name: what the source is called.
        segments: numbers of the segments of both.
        speakers: likewise of the speakers.
        dropped: events that are kept back, by the names of their classes.
    """

    def __init__(self, name: str, segments: Numbering, speakers: Numbering, dropped: frozenset[str]) -> None:
        self._name = name
        self._segments = segments
        self._speakers = speakers
        self._dropped = dropped

    def own(self, speaker: int) -> int | None:
        """What the source's own stages call a speaker by the number that is told; None if it is none of theirs."""
        return self._speakers.own(self._name, speaker)

    def __call__(self, event: Event) -> Event | None:
        """An event as it is told, None for one that is not."""
        if type(event).__name__ in self._dropped:
            return None
        changes: dict[str, Any] = {}
        if any(field.name == "segment" for field in fields(event)):
            changes["segment"] = self._segments.of(self._name, getattr(event, "segment"))  # noqa: B009 - of some events
        match event:
            case TranscriptPartial() | TranscriptFinal() | TranscriptCorrected():
                changes["speaker"] = self._number(event.speaker)
                changes["speaker_name"] = event.speaker_name or self._called(event.speaker)
            case SpeakerChanged():
                changes["previous"], changes["speaker"] = self._number(event.previous), self._number(event.speaker)
                changes["words"] = tuple(None if word is None else self._number(word) for word in event.words)
                changes["speaker_name"] = event.speaker_name or self._called(event.speaker)
            case SpeakerNamed():
                changes["speaker"] = self._number(event.speaker)
        if isinstance(event, (TranscriptFinal, TranscriptCorrected)):
            changes["words"] = tuple(
                word if word.speaker is None else replace(word, speaker=self._number(word.speaker))
                for word in event.words
            )
        return replace(event, **changes) if changes else event

    def _called(self, speaker: int | None) -> str:
        return self._name if speaker is None else f"{self._name} {speaker}"

    def _number(self, speaker: int | None) -> int:
        # Nobody has the number 0: it stands for whoever is not known.
        return self._speakers.of(self._name, speaker or 0)
