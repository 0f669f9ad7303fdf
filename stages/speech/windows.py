"""Sliding windows over sound and over the lip stream, with size, hop and look-ahead given in time."""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from lipstream.pipeline import Packet, Port, Stage, micros
from lipstream.stages.payloads import SAMPLE_RATE, AudioBlock, AudioWindow, Float32, LipFrame, LipWindow
from lipstream.stages.switches import SOUND


class AudioWindows(Stage):
    """Cuts sound into windows, whatever the block sizes of the source.

    The grid of windows starts at the first sample, so the result does not depend on how the sound was chunked. After
    the end of the stream the last windows are filled up with zeros until every real sample has been the start or part
    of a hop.

    Args:
        size: length of a window in seconds.
        hop: seconds from one window's start to the next.
        look_ahead: seconds of sound after the window that come with it.
    """

    inputs: ClassVar[Mapping[str, Port]] = {"audio": Port(AudioBlock)}
    outputs: ClassVar[Mapping[str, Port]] = {"windows": Port(AudioWindow)}

    def __init__(self, size: float, hop: float, look_ahead: float = 0.0) -> None:
        self._size = round(size * SAMPLE_RATE)
        self._hop = round(hop * SAMPLE_RATE)
        self._length = self._size + round(look_ahead * SAMPLE_RATE)
        if min(self._size, self._hop) < 1 or self._length < self._size:
            raise ValueError(f"window size and hop must be positive, got size={size}, hop={hop}, ahead={look_ahead}")
        self._blocks: deque[Packet[AudioBlock]] = deque()
        self._offset = 0
        self._held = 0

    def process(self, port: str, packet: Packet[AudioBlock]) -> None:
        """Take a block and emit every window it completes."""
        block = packet.payload
        if self.context.switched_off(SOUND):
            block = AudioBlock(np.zeros_like(block.samples), block.filled)
            packet = dataclasses.replace(packet, payload=block)
        self._blocks.append(packet)
        self._held += len(block.samples)
        self.context.count("audio.captured_seconds", (len(block.samples) - block.filled) / SAMPLE_RATE)
        while self._held >= self._length:
            self._emit(self._length)
            self._skip(self._hop)

    def finish(self) -> None:
        """Emit the windows that begin before the last sample."""
        while self._held > 0:
            self._emit(min(self._held, self._length))
            self._skip(self._hop)

    def watermark(self, frontier: int) -> int:
        """Windows begin at the oldest held sample."""
        return min(frontier, self._start()) if self._blocks else frontier

    def _start(self) -> int:
        return self._blocks[0].timestamp + self._offset * 1_000_000 // SAMPLE_RATE

    def _emit(self, valid: int) -> None:
        window = AudioWindow(self._gather(valid), valid)
        self.emit("windows", window, self._start(), self._size * 1_000_000 // SAMPLE_RATE)

    def _gather(self, valid: int) -> Float32:
        first = self._blocks[0].payload.samples[self._offset : self._offset + self._length]
        if len(first) == self._length:
            return first
        samples = np.zeros(self._length, dtype=np.float32)
        filled, start = 0, self._offset
        for block in self._blocks:
            piece = block.payload.samples[start : start + valid - filled]
            samples[filled : filled + len(piece)] = piece
            filled += len(piece)
            start = 0
            if filled == valid:
                break
        return samples

    def _skip(self, count: int) -> None:
        self._held -= count
        self._offset += count
        while self._blocks and self._offset >= len(self._blocks[0].payload.samples):
            self._offset -= len(self._blocks.popleft().payload.samples)


class LipWindows(Stage):
    """Cuts the lip stream into windows of frames.

    Args:
        rate: frames a second of the lip stream.
        size: length of a window in seconds.
        hop: seconds from one window's start to the next.
        look_ahead: seconds of frames after the window that come with it.
    """

    inputs: ClassVar[Mapping[str, Port]] = {"lips": Port(LipFrame)}
    outputs: ClassVar[Mapping[str, Port]] = {"windows": Port(LipWindow)}

    def __init__(self, rate: float, size: float, hop: float, look_ahead: float = 0.0) -> None:
        self._frames_per_window = max(1, round(size * rate))
        self._hop = max(1, round(hop * rate))
        self._length = self._frames_per_window + max(0, round(look_ahead * rate))
        self._duration = micros(self._frames_per_window / rate)
        self._held: deque[Packet[LipFrame]] = deque()
        self._to_skip = 0

    def process(self, port: str, packet: Packet[Any]) -> None:
        """Take a frame and emit the window it completes."""
        if self._to_skip:
            self._to_skip -= 1
            return
        self._held.append(packet)
        if len(self._held) == self._length:
            window = LipWindow(tuple(frame.payload for frame in self._held))
            self.emit("windows", window, self._held[0].timestamp, self._duration)
            for _ in range(min(self._hop, len(self._held))):
                self._held.popleft()
            self._to_skip = max(0, self._hop - self._length)

    def watermark(self, frontier: int) -> int:
        """Windows begin at the oldest held frame."""
        return min(frontier, self._held[0].timestamp) if self._held else frontier
