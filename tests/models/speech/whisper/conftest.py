"""Small networks in float32, and the real test model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lipstream.models import assets
from lipstream.models.errors import AssetError
from lipstream.models.speech.recogniser import Hints, Utterance
from lipstream.models.speech.whisper.ct2_file import Ct2File
from lipstream.models.speech.whisper.files import FILES
from lipstream.models.speech.whisper.network import Sound, WhisperDecoder, WhisperEncoder
from lipstream.models.speech.whisper.recogniser import WhisperRecogniser
from tests.models.speech.whisper.small_whisper import ALIASES, weights, write_folder

SIZE = 32
"""Tokens that the small networks know."""


def small_file(seed: int = 0) -> Ct2File:
    found = weights(SIZE, seed)
    return Ct2File("WhisperSpec", found | {alias: found[name] for alias, name in ALIASES.items()})


@pytest.fixture(scope="session")
def encoder() -> WhisperEncoder:
    return WhisperEncoder(small_file(), precision="float32")


@pytest.fixture(scope="session")
def decoder() -> WhisperDecoder:
    return WhisperDecoder(small_file(), precision="float32")


@pytest.fixture(scope="session")
def sound(encoder, decoder) -> Sound:
    """0.6 s of noise."""
    return decoder.of_sound(encoder(np.random.default_rng(1).normal(size=(80, 60)).astype(np.float32)))


@pytest.fixture
def small_folder(tmp_path) -> Path:
    return write_folder(tmp_path / "small")


@pytest.fixture(scope="session")
def real_folder() -> Path:
    """Whisper tiny.en as it is published for CTranslate2."""
    try:
        parts = [assets.resolve(f"test-whisper-tiny.en/{name}") for name in FILES]
    except AssetError as error:
        pytest.skip(str(error))
    return parts[0].parent


@pytest.fixture(scope="session")
def real(real_folder) -> WhisperRecogniser:
    recogniser = WhisperRecogniser(str(real_folder))
    recogniser.load()
    return recogniser


@pytest.fixture(scope="session")
def read(real):
    """Read (N,) samples with the real model."""

    def reads(audio, *, whole=True, **hints):
        return real.recognise(Utterance(audio, len(audio) / 16_000, whole=whole), Hints(**hints))

    return reads
