"""A clip in which the picture flashes and the sound beeps at the same moments, and how far apart they are in a file."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from tests.media_factory import Picture, Sound, beeps, flashes, write_media

AT = (0.4, 1.0, 1.5, 2.1)
"""Seconds of the flashes and beeps."""
SECONDS = 2.6
RATE = 16_000


def constant_rate(path: Path, late: float = 0.0, codec: str = "aac") -> Path:
    """25 pictures a second; the sound begins `late` seconds after the picture."""
    sound = beeps(SECONDS - late, [time - late for time in AT], RATE)
    white = [round(time * 25) + more for time in AT for more in (0, 1)]
    picture = Picture(flashes(round(SECONDS * 25), white))
    return write_media(path, Sound(sound, RATE, start=late, codec=codec), picture)


def variable_rate(path: Path) -> Path:
    """Pictures of 17 to 90 ms each."""
    times = np.cumsum(np.random.default_rng(5).integers(17, 90, 60)) / 1000
    times = np.round(times - times[0], 3)
    times = times[times < SECONDS]
    first = [int(np.searchsorted(times, time)) for time in AT]
    picture = Picture(flashes(len(times), [at + more for at in first for more in (0, 1)]), times=times.tolist())
    return write_media(path, Sound(beeps(SECONDS, [float(times[at]) for at in first], RATE), RATE), picture)


@dataclass(frozen=True)
class Timing:
    """When everything happens in a file, in seconds from the earliest track's start.

    Attributes:
        pictures: every picture's time, exactly.
        flashes: when it gets bright.
        beeps: when it gets loud.
        duration: of the file.
    """

    pictures: list[Fraction]
    flashes: list[float]
    beeps: list[float]
    duration: float

    @property
    def offsets(self) -> list[float]:
        """How much later than each flash the beep comes, seconds."""
        return [beep - flash for flash, beep in zip(self.flashes, self.beeps, strict=True)]


def timing(path: Path) -> Timing:
    with av.open(str(path)) as container:
        media = [*container.streams.video[:1], *container.streams.audio[:1]]
        origin = min(stream.start_time * stream.time_base for stream in media)
        duration = container.duration / 1e6
        pictures, bright = _pictures(container, origin) if container.streams.video else ([], [])
    with av.open(str(path)) as container:
        loud = _loud(container, origin) if container.streams.audio else []
    return Timing(pictures, _onsets(bright), _onsets(loud), duration)


def _pictures(container, origin: Fraction) -> tuple[list[Fraction], list[float]]:
    times, bright = [], []
    for frame in container.decode(video=0):
        times.append(frame.pts * frame.time_base - origin)
        # What is drawn at the top is not looked at.
        grey = frame.to_ndarray(format="gray")
        if grey[len(grey) // 2 :].mean() > 128:
            bright.append(float(times[-1]))
    return times, bright


def _loud(container, origin: Fraction) -> list[float]:
    times = []
    for frame in container.decode(audio=0):
        samples = frame.to_ndarray()[0].astype(np.float64)
        if frame.format.name == "s16":
            samples = samples[:: frame.layout.nb_channels] / 32768
        start = float(frame.pts * frame.time_base - origin)
        times += [start + index / frame.sample_rate for index in np.flatnonzero(np.abs(samples) > 0.2)]
    return times


def _onsets(times: list[float]) -> list[float]:
    return [time for index, time in enumerate(times) if index == 0 or time - times[index - 1] > 0.2]
