"""Shared fixtures: real media, resolved (and fetched, the first time) like any other asset."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from models import assets


@pytest.fixture(scope="session")
def obama_speech() -> Path:
    """A talking head: 8.7 s, 320x240 at about 12 frames a second, with sound."""
    return assets.resolve("media/obama_speech.mp4")


@pytest.fixture(scope="session")
def two_cities() -> Path:
    """Read speech: 44 s, 48 kHz mono WAV."""
    return assets.resolve("media/two_cities.wav")


@pytest.fixture(scope="session")
def beckett() -> Path:
    """Short read speech: 10 s, 16 kHz mono WAV."""
    return assets.resolve("media/beckett.wav")


@pytest.fixture(scope="session")
def two_cities_audio(two_cities: Path) -> np.ndarray:
    """(N,) float32 at 16 kHz."""
    return decode_audio(two_cities)


@pytest.fixture(scope="session")
def beckett_audio(beckett: Path) -> np.ndarray:
    """(N,) float32 at 16 kHz."""
    return decode_audio(beckett)


@pytest.fixture(scope="session")
def obama_audio(obama_speech: Path) -> np.ndarray:
    """(N,) float32 at 16 kHz."""
    return decode_audio(obama_speech)


def decode_audio(path: Path) -> np.ndarray:
    """The whole sound track as (N,) float32 at 16 kHz mono, read-only because it is shared."""
    resampler = av.AudioResampler(format="flt", layout="mono", rate=16_000)
    with av.open(str(path)) as container:
        blocks = [block for frame in container.decode(audio=0) for block in resampler.resample(frame)]
    blocks += resampler.resample(None)
    audio = np.concatenate([block.to_ndarray()[0] for block in blocks])
    audio.flags.writeable = False
    return audio
