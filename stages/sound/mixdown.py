"""Any sound a decoder gives, as mono 16 kHz float32."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.filter import Graph

from lipstream.stages.payloads import SAMPLE_RATE, Float32

# The weights of the channels sum to this before anything is clipped. Two channels are averaged. In surround sound the
# voice sits alone in the centre: dividing by the sum of all weights would make it 11 dB quieter than in a mono file.
_STEREO_WEIGHT = "1"
_SURROUND_WEIGHT = "2"


class Mixdown:
    """Down-mixes and resamples decoded frames of one format with libswresample.

    libswresample keeps its state between frames and compensates its own delay: n samples give ceil(n * 16000 / rate),
    aligned with the input. Not-a-number and infinite samples become 0, values are clipped to [-1, 1].

    Args:
        frame: a frame of the format to convert from.
        channel: a channel that is taken by itself; None for all of them.

    Attributes:
        given: how many samples were given so far.
    """

    def __init__(self, frame: AudioFrame, channel: int | None = None) -> None:
        self.given = 0
        self._format = _format_of(frame)
        if channel is not None:
            self._graph = _graph(frame, f"mono|c0=c{channel}")
            return
        try:
            self._graph = _graph(frame, average=None)
        except (av.FFmpegError, ValueError):
            # Channels of which nobody says where they are, as in recordings of many microphones.
            count = frame.layout.nb_channels
            self._graph = _graph(frame, "mono|c0=" + "+".join(f"{1 / count:.6f}*c{index}" for index in range(count)))

    def accepts(self, frame: AudioFrame) -> bool:
        """Whether a frame has the format this one converts from."""
        return _format_of(frame) == self._format

    def process(self, frame: AudioFrame) -> Float32:
        """Convert one frame; (N,) samples, of which the last few milliseconds come with the next frame."""
        return self._push(frame)

    def flush(self) -> Float32:
        """The samples still held, (N,). Nothing may be processed afterwards."""
        return self._push(None)

    def _push(self, frame: AudioFrame | None) -> Float32:
        self._graph.push(frame)
        pieces: list[Float32] = []
        while True:
            try:
                pieces.append(self._graph.pull().to_ndarray()[0])
            except (av.BlockingIOError, EOFError):
                break
        samples = np.concatenate(pieces) if pieces else np.empty(0, np.float32)
        self.given += len(samples)
        return tidy(samples)


def _graph(frame: AudioFrame, average: str | None) -> Graph:
    """A filter graph for frames like this one; `average` says how to mix the channels, None for as their places ask."""
    name, layout, rate = _format_of(frame)
    graph = Graph()
    source = graph.add(
        "abuffer",
        sample_rate=str(rate),
        sample_fmt=name,
        channel_layout=layout,
        time_base=str(Fraction(1, rate)),
    )
    weight = _STEREO_WEIGHT if frame.layout.nb_channels <= 2 else _SURROUND_WEIGHT
    convert = graph.add("aresample", osr=str(SAMPLE_RATE), ochl="mono", osf="flt", rematrix_maxval=weight)
    if average is None:
        source.link_to(convert)
    else:
        mix = graph.add("pan", average)
        source.link_to(mix)
        mix.link_to(convert)
    sink = graph.add("abuffersink")
    convert.link_to(sink)
    graph.configure()
    return graph


def tidy(samples: Float32) -> Float32:
    """Samples without not-a-number and infinite values, clipped to [-1, 1]."""
    if not np.isfinite(samples).all():
        samples = np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0)
    return np.clip(samples, -1.0, 1.0)


def _format_of(frame: AudioFrame) -> tuple[str, str, int]:
    return frame.format.name, frame.layout.name, frame.sample_rate
