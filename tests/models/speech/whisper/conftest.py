"""Small networks in float32, and the real test model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from lipstream.models import assets
from lipstream.models.errors import AssetError
from lipstream.models.speech.recogniser import Hints, Utterance
from lipstream.models.speech.whisper import int8_linear
from lipstream.models.speech.whisper.ct2_file import Ct2File
from lipstream.models.speech.whisper.files import FILES
from lipstream.models.speech.whisper.network import WhisperDecoder, WhisperEncoder
from lipstream.models.speech.whisper.recogniser import WhisperRecogniser
from tests.models.speech.whisper.small_whisper import ALIASES, weights, write_folder

SIZE = 32


@pytest.fixture
def exact(monkeypatch):
    """Linear layers in float32, in which tokens together are what they are one by one."""
    monkeypatch.setattr(int8_linear, "_packed", lambda *_: None)


def small_file(seed: int = 0) -> Ct2File:
    found = weights(SIZE, seed)
    return Ct2File("WhisperSpec", found | {alias: found[name] for alias, name in ALIASES.items()})


@pytest.fixture
def decoder(exact):
    return WhisperDecoder(small_file())


@pytest.fixture
def sound(decoder):
    frames = WhisperEncoder(small_file())(torch.from_numpy(np.random.default_rng(1).normal(size=(80, 60))).float())
    return decoder.of_sound(frames)


@pytest.fixture
def small_folder(tmp_path) -> Path:
    return write_folder(tmp_path / "small")


@pytest.fixture(scope="session")
def real_folder() -> Path:
    """Whisper tiny.en as it is published for CTranslate2."""
    try:
        return [assets.resolve(f"test-whisper-tiny.en/{name}") for name in FILES][0].parent
    except AssetError as error:
        pytest.skip(str(error))


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
