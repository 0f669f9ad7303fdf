"""The sound of an open segment, put together from its chunks."""

from __future__ import annotations

import numpy as np

from lipstream.pipeline import Packet, micros
from lipstream.stages.payloads import SAMPLE_RATE, Float32, SpeechChunk


class SegmentSound:
    """Collects the chunks of one segment after the other.

    Attributes:
        start: session time of the first sample, microseconds.
        end: session time that has come with the newest chunk, microseconds; it never goes back within a segment.
        count: samples so far.
    """

    def __init__(self) -> None:
        self.start = self.end = self.count = 0
        self._pieces: list[Float32] = []

    def add(self, packet: Packet[SpeechChunk]) -> None:
        """Take a chunk; the first one of a segment begins anew."""
        chunk = packet.payload
        if chunk.first:
            self._pieces, self.count = [], 0
            self.start = self.end = packet.timestamp
        if len(chunk.samples):
            self._pieces.append(chunk.samples)
            self.count += len(chunk.samples)
        # The count of samples alone falls behind the session's time where a device's clock is slower.
        self.end = max(self.end, packet.end, self.start + micros(self.count / SAMPLE_RATE))

    @property
    def held(self) -> bool:
        """Whether there is sound that was not let go of."""
        return bool(self._pieces)

    def whole(self) -> Float32:
        """All of it, (N,) float32; there has to be some."""
        if len(self._pieces) > 1:
            self._pieces = [np.concatenate(self._pieces)]
        return self._pieces[0]

    def let_go(self) -> None:
        """Hold no sound any more; times and count stay."""
        self._pieces = []
