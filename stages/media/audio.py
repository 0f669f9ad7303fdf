"""The sound of a media file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from av.audio.frame import AudioFrame
from av.container import InputContainer
from av.stream import Stream

from lipstream.pipeline import Packet, Port, UserError
from lipstream.stages.media.limits import allowed
from lipstream.stages.media.probe import MediaInfo
from lipstream.stages.media.source import MediaSource
from lipstream.stages.media.time import Timed, without_strays
from lipstream.stages.payloads import AudioBlock, Float32
from lipstream.stages.sound.mixdown import Mixdown
from lipstream.stages.sound.sample_blocks import SampleBlocks, sample_index

TOLERANCE_US = 20_000
"""Timestamps off the sample count by no more than this are rounding: many containers keep milliseconds only."""


class MediaAudio(MediaSource):
    """Emits a file's sound as mono 16 kHz blocks of 512 samples.

    Time is the count of samples, held against the container's timestamps: only a difference beyond `TOLERANCE_US` is
    a gap, which is filled with silence and counted as `audio.filled_seconds`, or an overlap, which is cut off.
    """

    outputs: ClassVar[Mapping[str, Port]] = {"audio": Port(AudioBlock)}
    modality = "audio"
    noun = "sound"

    def _prepare(self, container: InputContainer, info: MediaInfo) -> Stream:
        if info.audio is None:
            raise UserError(f"'{self._path}' has no sound track; expected one, or switch sound off (--no-audio)")
        return container.streams[info.audio.index]

    def _due(self, packet: Packet[Any]) -> int:
        return packet.end

    def _make_packets(self) -> Iterator[Packet[Any]]:
        blocks = SampleBlocks()
        run: _Run | None = None
        for timed in without_strays(self._allowed_frames()):
            expected = None if run is None else run.end
            start = self._place(timed, expected)
            if expected is not None and abs(start - expected) <= TOLERANCE_US:
                start = expected
            if run is None or start != expected or not run.accepts(timed.frame):
                if run is not None:
                    yield from blocks.write(run.flush())
                    self._count_gap(start - run.end)
                yield from blocks.seek(sample_index(start))
                run = _Run(timed.frame, start)
            yield from blocks.write(run.process(timed.frame))
        if run is not None:
            yield from blocks.write(run.flush())
            yield from blocks.finish()

    def _allowed_frames(self) -> Iterator[Timed[AudioFrame]]:
        for timed in self._frames(_duration):
            if allowed(timed.frame, self._limits):
                yield timed
            else:
                self._report_damage("changes to a sample rate or number of channels beyond the limits")

    def _count_gap(self, gap: int) -> None:
        if gap > 0:
            self.context.count("audio.filled_seconds", gap / 1e6)


class _Run:
    """Sound of one format that is unbroken from `start` (us) on; its time is its count of samples."""

    def __init__(self, frame: AudioFrame, start: int) -> None:
        self._mixdown = Mixdown(frame)
        self._rate = frame.sample_rate
        self._start = start
        self._samples = 0

    @property
    def end(self) -> int:
        return self._start + self._samples * 1_000_000 // self._rate

    def accepts(self, frame: AudioFrame) -> bool:
        return self._mixdown.accepts(frame)

    def process(self, frame: AudioFrame) -> Float32:
        self._samples += frame.samples
        return self._mixdown.process(frame)

    def flush(self) -> Float32:
        return self._mixdown.flush()


def _duration(frame: AudioFrame) -> int:
    return frame.samples * 1_000_000 // max(1, frame.sample_rate)
