"""SileroVad equals the published implementation, window by window."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lipstream.models.errors import ModelError
from lipstream.models.speech.vad import WINDOW, SileroVad


@pytest.fixture(scope="module")
def vad():
    network = SileroVad()
    network.load()
    return network


@pytest.fixture(scope="module")
def windows(two_cities_audio):
    audio = two_cities_audio[: 10 * 16_000]
    return audio[: len(audio) // WINDOW * WINDOW].reshape(-1, WINDOW)


@pytest.fixture(scope="module")
def published():
    threads = torch.get_num_threads()
    import silero_vad  # Here, not above: importing it changes the thread count of the whole process.

    torch.set_num_threads(threads)
    return silero_vad.load_silero_vad(onnx=True)


def test_equals_the_published_wrapper(vad, windows, published):
    vad.reset()
    published.reset_states()
    ours = [vad.probability(window) for window in windows]
    theirs = [published(torch.tensor(window), 16_000).item() for window in windows]
    assert ours == pytest.approx(theirs, abs=1e-6)
    assert max(ours) > 0.9 > 0.1 > min(ours)  # The clip has speech and pauses, so equality means something.


def test_silence_and_noise_are_not_speech(vad):
    vad.reset()
    noise = np.random.default_rng(0).normal(0, 0.01, (60, WINDOW)).astype(np.float32)
    silence = np.zeros((60, WINDOW), np.float32)
    assert max(vad.probability(window) for window in np.concatenate([silence, noise])) < 0.5


def test_reset_starts_a_new_stream(vad, windows):
    vad.reset()
    first = [vad.probability(window) for window in windows[:40]]
    carried_on = [vad.probability(window) for window in windows[:40]]
    vad.reset()
    again = [vad.probability(window) for window in windows[:40]]
    assert again == first
    assert carried_on != first


def test_wrong_window_length_is_refused(vad):
    with pytest.raises(ValueError, match=r"\(512,\), not \(480,\)"):
        vad.probability(np.zeros(480, np.float32))


def test_unloaded_network_says_so():
    with pytest.raises(ModelError, match="call load"):
        SileroVad().probability(np.zeros(WINDOW, np.float32))


def test_unusable_file_is_named(tmp_path, monkeypatch):
    broken = tmp_path / "silero_vad.onnx"
    broken.write_bytes(b"not a network")
    monkeypatch.setattr("lipstream.models.assets.resolve", lambda name: broken)
    with pytest.raises(ModelError, match=r"cannot load .*silero_vad\.onnx"):
        SileroVad().load()
