"""The network of voices: its spectrogram, its graph, and that it tells voices apart."""

from __future__ import annotations

import numpy as np
import onnx
import torch
import torchaudio

from lipstream.models.exported import WEIGHTS as MADE_OF
from lipstream.models.training.export import digest
from lipstream.models.voice.embedding import GRAPH, LEVEL, WEIGHTS, WINDOW, VoiceEmbedder, levelled, mean_voice
from lipstream.models.voice.mel import BANDS, HOP, mel_power
from lipstream.models.voice.mel import WINDOW as MEL_WINDOW
from lipstream.models.voice.training.export import STATE, speaker_net
from lipstream.models.voice.training.space import fit


def buzz(hertz: float, seconds: float = 1.6, seed: int = 0) -> np.ndarray:
    """A sound with harmonics, as a voice has."""
    time = np.arange(round(16_000 * seconds)) / 16_000
    noise = np.random.default_rng(seed).standard_normal(len(time))
    tone = sum(np.sin(2 * np.pi * hertz * k * time) / k for k in range(1, 20))
    return (0.05 * tone + 0.002 * noise).astype(np.float32)


def test_the_spectrogram_is_that_of_torchaudio_with_librosas_settings():
    sound = (0.1 * np.random.default_rng(0).standard_normal(2 * WINDOW + 77)).astype(np.float32)
    theirs = torchaudio.transforms.MelSpectrogram(
        16_000,
        n_fft=MEL_WINDOW,
        hop_length=HOP,
        n_mels=BANDS,
        norm="slaney",
        mel_scale="slaney",
        pad_mode="constant",
    )(torch.from_numpy(sound)).T.numpy()
    ours = mel_power(sound)
    assert ours.shape == theirs.shape == (len(sound) // HOP + 1, BANDS)
    np.testing.assert_allclose(ours, theirs, atol=1e-5 * theirs.max())


def test_the_graph_is_the_network():
    sounds = [buzz(120), buzz(210, seed=1)]
    mels = np.stack([mel_power(levelled(sound))[: WINDOW // HOP] for sound in sounds])
    with torch.no_grad():
        expected = speaker_net()(torch.from_numpy(mels)).numpy()
    embedder = VoiceEmbedder()
    embedder.load()
    np.testing.assert_allclose(embedder.embed(sounds), expected, atol=2e-3)
    model = onnx.load(str(WEIGHTS / GRAPH))
    facts = {each.key: each.value for each in model.metadata_props}
    assert facts[MADE_OF] == digest(WEIGHTS / STATE)


def test_windows_of_any_length_keep_their_places():
    embedder = VoiceEmbedder()
    embedder.load()
    sounds = [buzz(120), buzz(120, seconds=0.5), buzz(200)]
    together = embedder.embed(sounds)
    alone = np.concatenate([embedder.embed([sound]) for sound in sounds])
    np.testing.assert_allclose(together, alone, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-4)


def test_one_sound_is_more_like_itself_than_like_another():
    embedder = VoiceEmbedder()
    embedder.load()
    low, again, high = embedder.embed([buzz(110), buzz(110, seed=2), buzz(230, seed=3)])
    assert low @ again > low @ high + 0.2


def test_quiet_sound_is_raised_and_loud_sound_is_left():
    quiet = buzz(120) * np.float32(0.001)
    assert np.sqrt(np.mean(levelled(quiet) ** 2)) == np.float32(LEVEL) or np.isclose(
        np.sqrt(np.mean(levelled(quiet) ** 2)), LEVEL, rtol=1e-4
    )
    loud = buzz(120)
    assert levelled(loud) is loud
    assert not levelled(np.zeros(100, np.float32)).any()


def test_the_mean_of_voices_has_length_one():
    vectors = np.eye(256, dtype=np.float32)[:2]
    np.testing.assert_allclose(mean_voice(vectors)[:2], np.sqrt(0.5), atol=1e-6)
    assert not mean_voice(vectors[:0]).any()


def test_behind_the_fitted_space_one_persons_vectors_differ_alike_in_all_directions():
    random = np.random.default_rng(0)
    people = random.standard_normal((40, 6)) * 3
    stretch = np.diag([4.0, 2.0, 1.0, 0.5, 0.5, 0.5])
    vectors = np.concatenate([person + random.standard_normal((60, 6)) @ stretch for person in people])
    names = [str(number) for number in range(40) for _ in range(60)]
    mean, turn = fit(vectors.astype(np.float32), names)
    behind = (vectors - mean) @ turn
    apart = np.concatenate([behind[60 * n : 60 * (n + 1)] - behind[60 * n : 60 * (n + 1)].mean(0) for n in range(40)])
    spread, before = np.linalg.eigvalsh(np.cov(apart.T)), np.array([16.0, 0.25])
    # A share of the identity keeps the smallest from being blown up.
    assert spread[-1] / spread[0] < before[0] / before[1] / 4
