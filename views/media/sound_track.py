"""The sound of a rendered video: copied where it is AAC, or else encoded again, at its own time."""

from __future__ import annotations

from fractions import Fraction
from itertools import chain
from typing import Any, cast

import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.packet import Packet

from lipstream.config.schema import LimitsConfig
from lipstream.stages.media.audio import TOLERANCE_US
from lipstream.stages.media.limits import allowed
from lipstream.stages.media.time import Timed, without_strays
from lipstream.stages.payloads import Float32
from lipstream.views.media.output import Encoded
from lipstream.views.media.rereading import Placement, Stopping, Track

CODEC = "aac"
BIT_RATE = 96_000
"""Bits a second and channel, up to `MOST_BITS` for all."""
MOST_BITS = 320_000
# ISO/IEC 14496-3, 4.5.1: what AAC can hold.
_RATES = {96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000}
_LAYOUTS = {"mono", "stereo", "5.1", "5.1(side)", "7.1"}
_COPIED_FROM = {"mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", "flv"}
"""Formats that store AAC with its description apart, as the output does."""


class CopiedSound:
    """AAC as it is.

    Args:
        track: the sound track; see `can_be_copied`.
        stopping: ends it.
    """

    def __init__(self, track: Track, stopping: Stopping) -> None:
        self.track = track
        self._stopping = stopping

    @staticmethod
    def can_be_copied(track: Track) -> bool:
        """Whether the track can go into an MP4 without being encoded again."""
        codec = track.stream.codec_context
        return codec.name == CODEC and track.info.format in _COPIED_FROM and bool(codec.extradata)

    def add_to(self, output: OutputContainer) -> AudioStream:
        """Add the stream that will hold it."""
        return cast(AudioStream, output.add_stream_from_template(self.track.stream))

    def rendered(self, stream: AudioStream) -> Encoded:
        """The packets."""
        placement = Placement(self.track.origin, self.track.time_base)
        expected: int | None = None
        newest: int | None = None
        for packet in self.track.packets(self._stopping):
            start, ticks = placement.place(packet.pts, expected)
            expected = start + int((packet.duration or 0) * self.track.time_base * 1_000_000)
            # A packet in the place of another has none of its own.
            if newest is not None and ticks <= newest:
                continue
            newest = ticks
            packet.stream, packet.time_base = stream, placement.time_base
            packet.pts = packet.dts = ticks
            packet.duration = round((packet.duration or 0) * self.track.time_base / placement.time_base)
            yield start, [packet]


class EncodedSound:
    """Sound encoded as AAC. Gaps become silence and overlaps are cut, as in the run that the captions are of.

    Args:
        track: the sound track.
        limits: what it may change to in its midst.
        stopping: ends it.
    """

    def __init__(self, track: Track, limits: LimitsConfig, stopping: Stopping) -> None:
        self.track = track
        self._placement = Placement(track.origin, track.time_base)
        frames = track.frames(_duration, stopping)
        self._frames = without_strays(timed for timed in frames if allowed(timed.frame, limits))
        self._first: Timed[AudioFrame] | None = next(self._frames, None)

    @property
    def found(self) -> bool:
        """Whether there is any that can be decoded."""
        return self._first is not None

    def add_to(self, output: OutputContainer) -> AudioStream:
        """Add the stream that will hold it."""
        assert self._first is not None
        frame = self._first.frame
        channels, layout = frame.layout.nb_channels, frame.layout.name
        if layout not in _LAYOUTS:
            layout = "mono" if channels == 1 or _unplaced(frame) else "stereo"
        rate = frame.sample_rate if frame.sample_rate in _RATES else 48_000
        stream = output.add_stream(CODEC, rate=rate, layout=layout)
        assert isinstance(stream, AudioStream)
        stream.codec_context.bit_rate = min(MOST_BITS, BIT_RATE * stream.codec_context.channels)
        return stream

    def rendered(self, stream: AudioStream) -> Encoded:
        """Encode all of it."""
        assert self._first is not None
        line = _Line(stream)
        run: _Run | None = None
        for timed in chain([self._first], self._frames):
            expected = None if run is None else run.end
            start, _ = self._placement.place(None if timed.time is None else timed.frame.pts, expected)
            if expected is not None and abs(start - expected) <= TOLERANCE_US:
                start = expected
            if run is None or start != expected or not run.accepts(timed.frame):
                if run is not None:
                    yield from line.write(run.flush())
                yield from line.seek(start)
                run = _Run(timed.frame, start, stream)
            yield from line.write(run.process(timed.frame))
        if run is not None:
            yield from line.write(run.flush())
        yield from line.finish()


class _Run:
    """Sound of one format that is unbroken from `start` (us) on, on its way to the format of the output."""

    def __init__(self, frame: AudioFrame, start: int, stream: AudioStream) -> None:
        context = stream.codec_context
        self._channels = context.channels
        self._averaged = _unplaced(frame)
        as_it_is = self._averaged or frame.layout.nb_channels == context.channels
        layout = frame.layout if as_it_is else context.layout
        self._resampler = AudioResampler(format="fltp", layout=layout.name, rate=context.sample_rate)
        self._format = _format(frame)
        self._rate = frame.sample_rate
        self._start = start
        self._samples = 0

    @property
    def end(self) -> int:
        return self._start + self._samples * 1_000_000 // self._rate

    def accepts(self, frame: AudioFrame) -> bool:
        return _format(frame) == self._format

    def process(self, frame: AudioFrame) -> list[Float32]:
        # The resampler is to count samples, not to believe timestamps.
        frame.pts = None
        self._samples += frame.samples
        return self._resampled(frame)

    def flush(self) -> list[Float32]:
        return self._resampled(None)

    def _resampled(self, frame: AudioFrame | None) -> list[Float32]:
        # With nothing to convert the resampler hands back what it is given, at the end too.
        pieces = [cast(Float32, each.to_ndarray()) for each in self._resampler.resample(frame) if each is not None]
        if not self._averaged:
            return pieces
        return [np.tile(piece.mean(axis=0, dtype=np.float32), (self._channels, 1)) for piece in pieces]


class _Line:
    """The encoder's samples, one behind the other without a gap."""

    def __init__(self, stream: AudioStream) -> None:
        self._stream = stream
        self._rate = stream.codec_context.sample_rate
        self._layout = stream.codec_context.layout.name
        self._channels = stream.codec_context.channels
        self._next: int | None = None
        self._surplus = 0

    def seek(self, time: int) -> Encoded:
        """Go on at a session time (us): with silence until then, or without as much of what comes as there is."""
        wanted = round(time * self._rate / 1_000_000)
        if self._next is None:
            self._next = wanted
        while (missing := wanted - self._next) > 0:
            yield self._encode(np.zeros((self._channels, min(missing, self._rate)), np.float32))
        self._surplus = self._next - wanted

    def write(self, pieces: list[Float32]) -> Encoded:
        """Encode (C, N) pieces."""
        for piece in pieces:
            cut = min(self._surplus, piece.shape[1])
            self._surplus -= cut
            if cut < piece.shape[1]:
                yield self._encode(piece[:, cut:])

    def finish(self) -> Encoded:
        """What the encoder still holds."""
        yield self._time(), self._stream.encode(None)

    def _encode(self, samples: Float32) -> tuple[int, list[Packet[Any]]]:
        assert self._next is not None
        frame = AudioFrame.from_ndarray(np.ascontiguousarray(samples), format="fltp", layout=self._layout)
        frame.sample_rate = self._rate
        frame.pts, frame.time_base = self._next, Fraction(1, self._rate)
        start = self._time()
        self._next += samples.shape[1]
        return start, self._stream.encode(frame)

    def _time(self) -> int:
        return (self._next or 0) * 1_000_000 // self._rate


def _format(frame: AudioFrame) -> tuple[int, str, str]:
    return frame.sample_rate, frame.layout.name, frame.format.name


def _unplaced(frame: AudioFrame) -> bool:
    """Whether nobody says where the channels are, as in recordings of many microphones."""
    return frame.layout.name.endswith("channels") and frame.layout.nb_channels > 2


def _duration(frame: AudioFrame) -> int:
    return frame.samples * 1_000_000 // max(1, frame.sample_rate)
