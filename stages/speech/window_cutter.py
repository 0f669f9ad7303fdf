"""Windows of one length cut out of sound, whatever the blocks of its source."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lipstream.stages.payloads import SAMPLE_RATE, AudioBlock, Float32


@dataclass(frozen=True, slots=True)
class SoundWindow:
    """A window of sound.

    Attributes:
        samples: (N,) float32, always full length.
        timestamp: of the first sample, microseconds.
        valid: number of leading samples that are real; the rest, after the end of the stream, is zero.
    """

    samples: Float32
    timestamp: int
    valid: int


class WindowCutter:
    """Cuts sound into windows that follow each other.

    The grid of windows starts at the first sample, so the result does not depend on how the sound was chunked. Within a
    block samples are timed at their nominal rate. A block may last less in session time, as where a clock is pulled to
    where it belongs; so that no window goes back behind the one before it, it begins with that one then.

    Args:
        length: samples of a window, >= 1.
    """

    def __init__(self, length: int) -> None:
        self._length = length
        self._blocks: deque[tuple[int, Float32]] = deque()
        self._offset = 0
        self._held = 0
        self._newest: int | None = None

    @property
    def start(self) -> int | None:
        """Timestamp (us) of the first sample that is in no window yet; None if there is none."""
        if not self._blocks:
            return None
        time = self._blocks[0][0] + self._offset * 1_000_000 // SAMPLE_RATE
        return time if self._newest is None else max(time, self._newest)

    def cut(self, block: AudioBlock, timestamp: int) -> Iterator[SoundWindow]:
        """Take a block, whose first sample is at `timestamp` (us), and give every window it completes."""
        self._blocks.append((timestamp, block.samples))
        self._held += len(block.samples)
        while self._held >= self._length:
            yield self._take(self._length)

    def finish(self) -> Iterator[SoundWindow]:
        """What is left after the last block, filled up with zeros."""
        if self._held:
            yield self._take(self._held)

    def _take(self, valid: int) -> SoundWindow:
        start = self.start
        assert start is not None
        window = SoundWindow(self._gather(valid), start, valid)
        self._newest = start
        self._held -= valid
        self._offset += valid
        while self._blocks and self._offset >= len(self._blocks[0][1]):
            self._offset -= len(self._blocks.popleft()[1])
        return window

    def _gather(self, valid: int) -> Float32:
        first = self._blocks[0][1][self._offset : self._offset + self._length]
        if len(first) == self._length:
            # A view: most blocks of a file are windows as they come.
            return first
        samples = np.zeros(self._length, dtype=np.float32)
        filled, start = 0, self._offset
        for _, block in self._blocks:
            piece = block[start : start + valid - filled]
            samples[filled : filled + len(piece)] = piece
            filled += len(piece)
            start = 0
            if filled == valid:
                break
        return samples
