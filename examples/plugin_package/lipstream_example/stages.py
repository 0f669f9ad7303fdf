"""Three stages: one beside the graph, one in a stream, and an event sink."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from lipstream import End, Event, EventSink, TranscriptFinal
from lipstream.pipeline import Packet, Port, Stage, seconds
from lipstream.plugins import OptionError
from lipstream.stages.payloads import SAMPLE_RATE, AudioBlock, Float32
from lipstream.stages.placement import Placement


@dataclass(frozen=True, slots=True, kw_only=True)
class Loudness(Event):
    """How loud a stretch of sound was.

    Attributes:
        start: seconds.
        end: seconds.
        level: root mean square in decibels of full scale.
    """

    ephemeral: ClassVar[bool] = True

    start: float
    end: float
    level: float


class LoudnessMeter(Stage):
    """Publishes how loud the sound is.

    Args:
        interval: seconds of sound that are measured together.
    """

    inputs: ClassVar[Mapping[str, Port]] = {"audio": Port(AudioBlock)}

    def __init__(self, interval: float) -> None:
        self._wanted = round(interval * SAMPLE_RATE)
        self._power = 0.0
        self._samples = 0
        self._start = 0

    def process(self, port: str, packet: Packet[Any]) -> None:
        """Measure a block; one that reaches over the end of an interval counts to it."""
        samples: Float32 = packet.payload.samples
        if not self._samples:
            self._start = packet.timestamp
        self._power += float(np.sum(np.square(samples)))
        self._samples += len(samples)
        if self._samples >= self._wanted:
            level = _decibels(self._power / self._samples)
            self.publish(Loudness(start=seconds(self._start), end=seconds(packet.end), level=level))
            self._power, self._samples = 0.0, 0


class NoiseGate(Stage):
    """Silences blocks of sound that are too quiet to be speech, whatever it is.

    Args:
        threshold: decibels of full scale.
    """

    inputs: ClassVar[Mapping[str, Port]] = {"audio": Port(AudioBlock)}
    outputs: ClassVar[Mapping[str, Port]] = {"audio": Port(AudioBlock)}

    def __init__(self, threshold: float) -> None:
        self._threshold = threshold

    def process(self, port: str, packet: Packet[Any]) -> None:
        """Pass a block on, or silence of the same length: others hold the block too, so it is not written to."""
        block: AudioBlock = packet.payload
        if len(block.samples) and _decibels(float(np.mean(np.square(block.samples)))) < self._threshold:
            block = replace(block, samples=np.zeros_like(block.samples))
        self.emit("audio", block, packet.timestamp, packet.duration)


class Tally(EventSink):
    """Counts words, and says at the end how many there were."""

    def __init__(self) -> None:
        self._words = 0

    def handle(self, event: Event) -> None:
        """Count."""
        if isinstance(event, TranscriptFinal):
            self._words += len(event.words)
        elif isinstance(event, End):
            print(f"tally: {self._words} words", file=sys.stderr)


# The entry points: each is called with its options once for every run, and says where its stage belongs.


def loudness(options: Mapping[str, object]) -> Placement:
    """`stages.loudness`: listens to the sound."""
    interval = _number(options, "interval", 1.0)
    if interval <= 0:
        raise OptionError("interval", f"{interval} is not allowed, expected seconds greater than 0")
    return Placement(LoudnessMeter(interval), taps={"audio": "audio.audio"})


def noise_gate(options: Mapping[str, object]) -> Placement:
    """`stages.noise-gate`: the sound is led through it."""
    return Placement(NoiseGate(_number(options, "threshold", -60.0)), into="audio.audio")


def tally(options: Mapping[str, object]) -> Placement:
    """`stages.tally`: receives every event."""
    for key in options:
        raise OptionError(key, "there is no such option")
    return Placement(Tally())


def _number(options: Mapping[str, object], name: str, default: float) -> float:
    """The one option that a stage has."""
    for key in options:
        if key != name:
            raise OptionError(key, f"there is no such option, only '{name}'")
    value = options.get(name, default)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise OptionError(name, f"{value!r} is not allowed, expected a number")
    return float(value)


def _decibels(power: float) -> float:
    return round(10 * float(np.log10(power + 1e-10)), 1)
