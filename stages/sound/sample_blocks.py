"""Cuts a run of samples into blocks of one size on the 16 kHz grid, bridging gaps and overlaps."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lipstream.pipeline import Packet
from lipstream.stages.payloads import SAMPLE_RATE, AudioBlock, Float32

BLOCK_SAMPLES = 512
"""Samples in a block of a file's sound: 32 ms, the window of the voice activity network."""


def sample_time(index: int) -> int:
    """Session time in microseconds of a sample on the 16 kHz grid."""
    return index * 1_000_000 // SAMPLE_RATE


def sample_index(time: int) -> int:
    """The sample on the 16 kHz grid nearest to a session time in microseconds."""
    return (time * SAMPLE_RATE + 500_000) // 1_000_000


class SampleBlocks:
    """Collects samples and gives them out as packets of `BLOCK_SAMPLES`, the last one maybe shorter.

    Timestamps are computed from the index of the first sample, so they never drift from the sample count. The first
    `seek` says where the sound begins.
    """

    def __init__(self) -> None:
        self.position: int | None = None
        self._block = np.empty(BLOCK_SAMPLES, np.float32)
        self._held = 0
        self._filled = 0
        self._skip = 0

    def seek(self, index: int) -> Iterator[Packet[AudioBlock]]:
        """Go on at a sample index: fill a gap before it with silence, or leave out what overlaps the past.

        What lies before session time zero is left out as well.
        """
        if self.position is None:
            self.position = max(0, index)
        self._skip = max(0, self.position - index)
        silence = np.zeros(BLOCK_SAMPLES, np.float32)
        while (missing := index - self.position) > 0:
            count = min(missing, BLOCK_SAMPLES - self._held)
            self._filled += count
            yield from self._append(silence[:count])

    def write(self, samples: Float32) -> Iterator[Packet[AudioBlock]]:
        """Append samples, (N,)."""
        skipped = min(self._skip, len(samples))
        self._skip -= skipped
        for first in range(skipped, len(samples), BLOCK_SAMPLES):
            yield from self._append(samples[first : first + BLOCK_SAMPLES])

    def finish(self) -> Iterator[Packet[AudioBlock]]:
        """The last, partial block."""
        if self._held:
            yield self._take(self._held)

    def _append(self, samples: Float32) -> Iterator[Packet[AudioBlock]]:
        while len(samples):
            count = min(len(samples), BLOCK_SAMPLES - self._held)
            self._block[self._held : self._held + count] = samples[:count]
            self._held += count
            self.position = (self.position or 0) + count
            samples = samples[count:]
            if self._held == BLOCK_SAMPLES:
                yield self._take(BLOCK_SAMPLES)

    def _take(self, count: int) -> Packet[AudioBlock]:
        first = (self.position or 0) - count
        start = sample_time(first)
        packet = Packet(start, AudioBlock(self._block[:count], self._filled), sample_time(first + count) - start)
        self._block = np.empty(BLOCK_SAMPLES, np.float32)
        self._held = self._filled = 0
        return packet
