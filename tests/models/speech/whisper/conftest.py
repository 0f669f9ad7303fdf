"""Small networks in float32, and the real test model."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_limits

from lipstream.models import assets
from lipstream.models.errors import AssetError
from lipstream.models.speech.recogniser import Hints, Utterance
from lipstream.models.speech.whisper import int8_linear
from lipstream.models.speech.whisper.ct2_file import Ct2File
from lipstream.models.speech.whisper.files import FILES
from lipstream.models.speech.whisper.network import Sound, WhisperDecoder, WhisperEncoder
from lipstream.models.speech.whisper.recogniser import WhisperRecogniser
from tests.models.speech.whisper.small_whisper import ALIASES, weights, write_folder

SIZE = 32
"""Tokens that the small networks know."""


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Threads of torch wait for each other spinning, which small networks on a busy machine do most of the time."""
    with threadpool_limits(limits=1, user_api="openmp"):
        yield


@contextmanager
def exact() -> Iterator[None]:
    """Networks made here are in float32, in which tokens together are what they are one by one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(int8_linear, "_packed", lambda *_: None)
        yield


def small_file(seed: int = 0) -> Ct2File:
    found = weights(SIZE, seed)
    return Ct2File("WhisperSpec", found | {alias: found[name] for alias, name in ALIASES.items()})


@pytest.fixture(scope="session")
def encoder() -> WhisperEncoder:
    with exact():
        return WhisperEncoder(small_file())


@pytest.fixture(scope="session")
def decoder() -> WhisperDecoder:
    with exact():
        return WhisperDecoder(small_file())


@pytest.fixture(scope="session")
def sound(encoder, decoder) -> Sound:
    """0.6 s of noise."""
    return decoder.of_sound(encoder(torch.from_numpy(np.random.default_rng(1).normal(size=(80, 60))).float()))


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
