"""Random changes of speech before it is encoded: tempo and pitch, other voices, noise, rooms, level."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
import torchaudio

Float32 = npt.NDArray[np.float32]


def babble(voices: Sequence[Float32], length: int, rng: np.random.Generator) -> Float32:
    """Four voices at once, each from a random place, at equal level."""
    total = np.zeros(length, np.float32)
    for index in rng.integers(0, len(voices), 4):
        voice = np.resize(np.roll(voices[index], int(rng.integers(0, len(voices[index])))), length)
        total += voice / (_level(voice) + 1e-6)
    return total


def add_noise(speech: Float32, noise: Float32, snr: float) -> Float32:
    """Mix at a signal-to-noise ratio in dB, measured over the loud half second pieces of the speech."""
    gain = _speech_level(speech) / (_level(noise) + 1e-9) * 10 ** (-snr / 20)
    mixed: Float32 = (speech + gain * noise).astype(np.float32)
    return mixed


def vary(speech: Float32, voices: Sequence[Float32], rng: np.random.Generator) -> Float32:
    """One random variant of a clip: tempo with pitch, room, noise of 20 to -5 dB, level."""
    if rng.random() < 0.7:
        speech = _play_at(speech, float(rng.uniform(0.88, 1.14)))
    if rng.random() < 0.3:
        speech = _in_a_room(speech, float(rng.uniform(0.1, 0.4)), rng)
    kind = rng.random()
    if kind < 0.35:
        speech = add_noise(speech, babble(voices, len(speech), rng), float(rng.uniform(-5, 20)))
    elif kind < 0.6:
        speech = add_noise(speech, rng.standard_normal(len(speech)).astype(np.float32), float(rng.uniform(0, 25)))
    peak = float(np.abs(speech).max()) + 1e-6
    level: Float32 = (speech * min(10 ** rng.uniform(-0.5, 0.5), 0.95 / peak)).astype(np.float32)
    return level


def _play_at(speech: Float32, speed: float) -> Float32:
    """Resample to play faster or slower: tempo and pitch change together."""
    played = torchaudio.functional.resample(torch.from_numpy(speech), round(1000 * speed), 1000)
    changed: Float32 = played.numpy()
    return changed


def _in_a_room(speech: Float32, seconds: float, rng: np.random.Generator) -> Float32:
    """Convolve with exponentially decaying noise, a diffuse room of the given 20 dB decay time."""
    time = np.arange(int(0.3 * 16_000)) / 16_000
    tail = rng.standard_normal(len(time)) * np.exp(-2.3 * time / seconds) * 0.03
    tail[0] = 1
    size = len(speech) + len(tail)
    wet = np.fft.irfft(np.fft.rfft(speech, size) * np.fft.rfft(tail, size), size)
    return wet[: len(speech)].astype(np.float32)


def _level(sound: Float32) -> float:
    return float(np.sqrt(np.mean(np.square(sound, dtype=np.float64))))


def _speech_level(speech: Float32) -> float:
    """Level of the speech without its pauses: the louder half of the half-second pieces."""
    pieces = [_level(speech[start : start + 8000]) for start in range(0, len(speech), 8000)]
    return float(np.mean(sorted(pieces)[len(pieces) // 2 :]))
