"""The stage that tells a microphone's own sound from what the loudspeakers play into it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from lipstream.pipeline import Packet, Port, Stage
from lipstream.stages.payloads import SAMPLE_RATE, AudioBlock, Float32
from lipstream.stages.sound.echo_filter import BLOCK, EchoFilter

LEAD = 1024
"""Samples by which an echo may come before what was played, by the clocks: 64 ms, which the sound is later for it."""
_REALIGN = 32
"""Samples by which the two may drift apart before the filter is told to begin there anew."""
_MICROS = 1_000_000 / SAMPLE_RATE
_KEPT = SAMPLE_RATE
"""Samples of what was played that are kept behind the present."""


class EchoCanceller(Stage):
    """Takes what was played out of what is heard; both are placed by session time.

    Where nothing was played, as with headphones or in silence, the sound is as it was.
    """

    inputs: ClassVar[Mapping[str, Port]] = {"audio": Port(AudioBlock), "played": Port(AudioBlock)}
    outputs: ClassVar[Mapping[str, Port]] = {"audio": Port(AudioBlock)}

    def __init__(self) -> None:
        self._filter = EchoFilter()
        self._heard = np.zeros(0, np.float32)
        self._filled = 0
        self._end = 0
        self._played = np.zeros(0, np.float32)
        self._played_count = 0
        self._played_end: int | None = None
        self._offset: int | None = None
        self._count = 0
        self._frontier = self._promised = 0

    def process(self, port: str, packet: Packet[Any]) -> None:
        """Take a stretch of either sound, and give what can be given."""
        block: AudioBlock = packet.payload
        end = packet.timestamp + round(len(block.samples) * _MICROS)
        if port == "played":
            self._played = np.concatenate([self._played, block.samples])
            self._played_count += len(block.samples)
            self._played_end = end
        else:
            self._heard = np.concatenate([self._heard, block.samples])
            self._filled += block.filled
            self._end = end
        self._give()

    def advance(self, frontier: int) -> None:
        """Go on without what was played, where it does not come."""
        self._frontier = frontier
        self._give()

    def finish(self) -> None:
        """Give what is left."""
        while len(self._heard):
            self._give_block(min(BLOCK, len(self._heard)))

    def watermark(self, frontier: int) -> int:
        """What is held back is earlier than what has come."""
        self._promised = max(self._promised, min(frontier, self._start) if len(self._heard) else frontier)
        return self._promised

    @property
    def _start(self) -> int:
        """Session time of the first sample that is held back, by the newest block: clocks are corrected as they go."""
        return max(self._promised, self._end - round(len(self._heard) * _MICROS))

    def _give(self) -> None:
        while len(self._heard) >= BLOCK:
            needed = self._start + round((BLOCK + LEAD) * _MICROS)
            if max(self._frontier, self._played_end or 0) < needed:
                return
            self._give_block(BLOCK)

    def _give_block(self, length: int) -> None:
        start = self._start
        heard = self._heard[:length]
        if length == BLOCK:
            heard = self._filter.process(heard, self._played_at(start + round(LEAD * _MICROS)))
        self._heard = self._heard[length:]
        filled, self._filled = min(self._filled, length), max(0, self._filled - length)
        self._count += length
        self._promised = start
        self.emit("audio", AudioBlock(heard, filled), start, round(length * _MICROS))

    def _played_at(self, time: int) -> Float32:
        """(256,) of what was played from a time on; silence where that is not known."""
        if self._played_end is None:
            return np.zeros(BLOCK, np.float32)
        # How many samples had been played by then, counted from the first that came.
        exact = self._played_count - round((self._played_end - time) / _MICROS)
        if self._offset is None or abs(exact - self._count - self._offset) > _REALIGN:
            self._offset = exact - self._count
        first = self._count + self._offset - (self._played_count - len(self._played))
        block = np.zeros(BLOCK, np.float32)
        begin, end = max(0, first), min(len(self._played), first + BLOCK)
        if begin < end:
            block[begin - first : end - first] = self._played[begin:end]
        if first > _KEPT:
            self._played = self._played[first - _KEPT // 2 :]
        return block
