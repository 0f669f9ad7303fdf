"""Speech among other sounds: babble, noise and rooms, at a given signal-to-noise ratio."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lipstream.models.av_speech.loudness import loudness
from lipstream.models.av_speech.recording import Float32
from lipstream.models.errors import ModelError
from lipstream.models.speech.engine import SAMPLE_RATE

_NAME = re.compile(r"^(babble(\d+)|white|pink)$")


@dataclass(frozen=True, slots=True)
class Noise:
    """A kind of sound that disturbs.

    Attributes:
        name: "babbleN" for N other voices at once, "white" or "pink".
        voices: how many voices; 0 for noise.
    """

    name: str
    voices: int

    @staticmethod
    def parse(name: str) -> Noise:
        """Read a name.

        Raises:
            ModelError: there is no such noise.
        """
        match = _NAME.match(name)
        if match is None or match[2] == "0":
            raise ModelError(f"noise {name!r}: expected babble1, babble4 (or another number of voices), white or pink")
        return Noise(name, int(match[2] or 0))

    def make(self, voices: Sequence[Float32], length: int, rng: np.random.Generator) -> Float32:
        """(length,) float32 of this noise; the voices of babble are drawn from `voices`, equally loud."""
        if self.voices:
            return babble(voices, self.voices, length, rng)
        white = rng.standard_normal(length)
        if self.name == "white":
            return white.astype(np.float32)
        spectrum = np.fft.rfft(white)
        spectrum /= np.sqrt(np.maximum(1, np.arange(len(spectrum))))
        return np.fft.irfft(spectrum, length).astype(np.float32)


def babble(voices: Sequence[Float32], count: int, length: int, rng: np.random.Generator) -> Float32:
    """(length,) float32, the sum of `count` voices, each from a random place in its recording and equally loud.

    Raises:
        ModelError: there are fewer voices.
    """
    if len(voices) < count:
        raise ModelError(f"babble of {count} needs {count} other voices, there are {len(voices)}")
    total = np.zeros(length, np.float32)
    for index in rng.choice(len(voices), count, replace=False):
        part = excerpt(voices[index], length, rng)
        total += part / max(loudness(part), 1e-5)
    return total


def excerpt(sound: Float32, length: int, rng: np.random.Generator) -> Float32:
    """(length,) of a sound from a random place in it; a short one is repeated."""
    if len(sound) <= length:
        sound = np.tile(sound, length // max(1, len(sound)) + 2)
    first = int(rng.integers(0, len(sound) - length))
    return sound[first : first + length]


def beside(speech: Float32, noise: Float32, snr: float) -> Float32:
    """Noise as loud as it must be beside speech: the ratio of their powers over the whole length is `snr` decibels."""
    wanted = loudness(speech) / 10 ** (snr / 20)
    return np.asarray(noise * np.float32(wanted / max(loudness(noise), 1e-9)), np.float32)


def mixed(speech: Float32, noise: Float32, snr: float) -> Float32:
    """Speech with noise under it, the ratio of their powers over the whole length being `snr` decibels.

    The sum is turned down where it would be clipped.
    """
    total = speech + beside(speech, noise, snr)
    peak = float(np.abs(total).max(initial=0.0))
    return np.asarray(total / max(1.0, peak / 0.99), np.float32)


def in_a_room(sound: Float32, rng: np.random.Generator) -> Float32:
    """A sound as heard in a room with a reverberation time of 0.15 to 0.6 s: noise that decays, after a first wave."""
    seconds = float(rng.uniform(0.15, 0.6))
    time = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    echo = rng.standard_normal(len(time)) * np.exp(-6.9 * time / seconds) * float(rng.uniform(0.01, 0.06))
    echo[: SAMPLE_RATE // 400] = 0
    echo[0] = 1
    size = len(sound) + len(echo)
    heard = np.fft.irfft(np.fft.rfft(sound, size) * np.fft.rfft(echo, size), size)[: len(sound)].astype(np.float32)
    return np.asarray(heard * loudness(sound) / max(loudness(heard), 1e-9), np.float32)
