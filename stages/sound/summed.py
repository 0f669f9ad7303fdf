"""Several streams of sound as one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from lipstream.pipeline import Packet
from lipstream.stages.payloads import AudioBlock, Float32
from lipstream.stages.sound.sample_blocks import BLOCK_SAMPLES, sample_index, sample_time


def summed(streams: Sequence[Iterator[Packet[Any]]]) -> Iterator[Packet[AudioBlock]]:
    """The mean of streams of `AudioBlock`, from where the first begins to where the last ends.

    Args:
        streams: the blocks of each follow each other without a gap.
    """
    parts = [_Part(stream) for stream in streams]
    begins = [part.position for part in parts if part.fill(1)]
    position = min(begins, default=0)
    while any([part.fill(position + BLOCK_SAMPLES) for part in parts]):
        length = min(BLOCK_SAMPLES, max(part.end for part in parts) - position)
        total = np.zeros(length, np.float32)
        for part in parts:
            part.add_to(total, position)
        start = sample_time(position)
        yield Packet(start, AudioBlock(total / np.float32(len(parts))), sample_time(position + length) - start)
        position += length


class _Part:
    """What of one stream has come and is still to be added; `position` is the sample it begins at."""

    def __init__(self, stream: Iterator[Packet[Any]]) -> None:
        self._stream = stream
        self._held: Float32 = np.zeros(0, np.float32)
        self.position = 0

    @property
    def end(self) -> int:
        return self.position + len(self._held)

    def fill(self, until: int) -> bool:
        """Take blocks until they reach so far; returns whether there is anything left."""
        while self.end < until and (packet := next(self._stream, None)) is not None:
            if not len(self._held):
                self.position = max(self.end, sample_index(packet.timestamp))
            self._held = np.concatenate([self._held, packet.payload.samples])
        return len(self._held) > 0

    def add_to(self, total: Float32, position: int) -> None:
        """Add what lies where `total` does, and let it go."""
        skip = max(0, self.position - position)
        piece = self._held[: max(0, len(total) - skip)]
        total[skip : skip + len(piece)] += piece
        self._held = self._held[len(piece) :]
        self.position += len(piece)
