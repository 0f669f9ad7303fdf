"""Clips with flashes and beeps at the same moments, and where the file sources find them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from lipstream.pipeline.testing import run_source
from lipstream.stages.media.audio import MediaAudio
from lipstream.stages.media.video import MediaVideo
from lipstream.stages.payloads import SAMPLE_RATE

_RATE = 48_000
_SIZE = (48, 64)
_BEEP = 0.6 * np.sin(2 * np.pi * 1000 * np.arange(_RATE // 25) / _RATE).astype(np.float32)
_TICK = Fraction(1, 90_000)


@dataclass(frozen=True)
class Clip:
    """What a clip is like.

    Attributes:
        name: for the table; its suffix is the container.
        times: seconds at which each frame is shown.
        sound_start: seconds at which the sound track begins.
        codecs: of picture and sound.
    """

    name: str
    times: tuple[float, ...]
    sound_start: float = 0.0
    codecs: tuple[str, str] = ("libx264", "aac")


def constant(fps: float, seconds: float, start: float = 0.0) -> tuple[float, ...]:
    """Frame times of a constant rate."""
    return tuple(start + index / fps for index in range(round(seconds * fps)))


def variable(seconds: float, seed: int = 0) -> tuple[float, ...]:
    """Frame times 16 to 120 ms apart, at random."""
    steps = np.random.default_rng(seed).uniform(0.016, 0.12, round(seconds / 0.068))
    return tuple(np.cumsum(steps).round(3).tolist())


def clips(seconds: float) -> list[Clip]:
    """Several frame rates, a variable one, and tracks that begin at different times."""
    rates = (12.0, 15.0, 24.0, 25.0, 29.97, 30.0, 50.0, 60.0)
    return [
        *(Clip(f"{rate:g} fps.mp4", constant(rate, seconds)) for rate in rates),
        Clip("variable.mp4", variable(seconds)),
        Clip("variable.mkv", variable(seconds, 1)),
        Clip("late sound.mp4", constant(25, seconds), sound_start=0.31),
        Clip("late picture.mp4", constant(25, seconds, 0.47)),
        Clip("late sound.mkv", constant(29.97, seconds), sound_start=1.2),
        Clip("variable, late sound.webm", variable(seconds, 2), 0.31, ("libvpx", "libopus")),
    ]


def write(clip: Clip, folder: Path) -> tuple[Path, list[float]]:
    """Write a clip; returns its path and the seconds of its events, each at the time of a frame."""
    wanted = np.arange(2.0, clip.times[-1] - 0.5, 1.0)
    indices = [int(np.argmin(np.abs(np.array(clip.times) - time))) for time in wanted]
    events = [clip.times[index] for index in indices]
    path = folder / clip.name
    with av.open(str(path), "w") as container:
        video = container.add_stream(clip.codecs[0], rate=25)
        video.width, video.height, video.pix_fmt = _SIZE[1], _SIZE[0], "yuv420p"
        video.codec_context.time_base = _TICK
        audio = container.add_stream(clip.codecs[1], rate=_RATE, layout="mono")
        packets = _picture(video, clip.times, indices) + _sound(audio, clip, events)
        for packet in sorted(packets, key=lambda packet: packet.dts * packet.time_base):
            container.mux(packet)
    return path, events


def _picture(stream: av.VideoStream, times: Sequence[float], white: Sequence[int]) -> list[av.Packet]:
    packets: list[av.Packet] = []
    for index, time in enumerate(times):
        image = np.full((*_SIZE, 3), 235 if index in white else 16, np.uint8)
        frame = av.VideoFrame.from_ndarray(image, format="rgb24")
        frame.pts, frame.time_base = round(time / _TICK), _TICK
        packets += stream.encode(frame)
    return packets + stream.encode(None)


def _sound(stream: av.AudioStream, clip: Clip, events: Sequence[float]) -> list[av.Packet]:
    samples = np.zeros(round((clip.times[-1] + 0.5 - clip.sound_start) * _RATE), np.float32)
    for time in events:
        first = round((time - clip.sound_start) * _RATE)
        samples[first : first + len(_BEEP)] = _BEEP
    name = "fltp" if clip.codecs[1] == "aac" else "flt"
    packets: list[av.Packet] = []
    for first in range(0, len(samples), 960):
        frame = av.AudioFrame.from_ndarray(samples[None, first : first + 960], format=name, layout="mono")
        frame.sample_rate, frame.time_base = _RATE, Fraction(1, _RATE)
        frame.pts = round(clip.sound_start * _RATE) + first
        packets += stream.encode(frame)
    return packets + stream.encode(None)


def skews(path: Path, expected: int) -> list[float]:
    """Seconds by which the sound of each event comes before its picture, as the file sources time them.

    Raises:
        ValueError: not every flash and every beep was found.
    """
    heard = run_source(MediaAudio(path))
    samples = np.concatenate([packet.payload.samples for packet in heard])
    loud = np.flatnonzero(np.abs(samples) > 0.2)
    begins = loud[np.diff(loud, prepend=-SAMPLE_RATE) > SAMPLE_RATE // 4]
    beeps = heard[0].timestamp / 1e6 + begins / SAMPLE_RATE
    seen = run_source(MediaVideo(path, max_fps=1000.0))
    flashes = [packet.timestamp / 1e6 for packet in seen if packet.payload.image.mean() > 128]
    if len(beeps) != expected or len(flashes) != expected:
        raise ValueError(f"{path.name}: {len(flashes)} flashes and {len(beeps)} beeps found of {expected}")
    return [flash - float(beep) for flash, beep in zip(flashes, beeps, strict=True)]
