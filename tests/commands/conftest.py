"""The command line on scripted captions and real, silent recordings."""

from __future__ import annotations

import signal
import wave
from collections.abc import Callable
from pathlib import Path

import pytest

from lipstream.stages.enrol.consent import GrowthConsent
from tests.commands.fakes import Captions, sentence


@pytest.fixture
def consent(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> GrowthConsent:
    """Whether a profile may grow: not the answer of who runs the tests."""
    path = tmp_path_factory.mktemp("user") / "growing.json"
    monkeypatch.setattr("lipstream.stages.enrol.consent.consent_path", lambda: path)
    return GrowthConsent()


@pytest.fixture
def captions(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, consent: GrowthConsent) -> Captions:
    """Scripted captions; the current folder is an empty one, and nobody was asked whether a profile may grow."""
    fake = Captions()
    monkeypatch.setattr("lipstream.captions._captions_graph", fake.build)
    monkeypatch.chdir(tmp_path)
    return fake


@pytest.fixture
def speaking(captions: Captions) -> Captions:
    """A speaker who says one sentence before Ctrl-C."""

    def steps():
        yield sentence("Said live.", 0.2)
        yield lambda: signal.raise_signal(signal.SIGINT)
        while True:
            yield lambda: None

    captions.steps = steps()
    return captions


@pytest.fixture
def recording(tmp_path: Path) -> Callable[[str], Path]:
    """Makes a real, short recording of silence under a name."""

    def make(name: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with wave.open(str(path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(16_000)
            file.writeframes(bytes(32_000))
        return path

    return make
