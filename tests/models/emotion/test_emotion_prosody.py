import numpy as np
import torch
import torchaudio

from lipstream.models.emotion.prosody import HOP, MEL_BANDS, PROSODY, SAMPLE_RATE, _powers, prosody
from lipstream.models.emotion.training.voice_augment import add_noise, babble, vary


def voice(hertz, seconds=1.5):
    time = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return sum(np.sin(2 * np.pi * hertz * k * time) / k for k in range(1, 8)).astype(np.float32) * 0.1


def test_pitch_is_in_octaves_around_180_hertz():
    rows = prosody(voice(180), 60)
    assert rows.shape == (60, PROSODY)
    assert abs(np.median(rows[10:50, MEL_BANDS])) < 0.05
    assert abs(np.median(prosody(voice(270), 60)[10:50, MEL_BANDS]) - np.log2(1.5)) < 0.05


def test_the_level_of_the_microphone_does_not_matter():
    sound = voice(200) * np.linspace(0, 1, len(voice(200)), dtype=np.float32)
    assert np.allclose(prosody(sound, 60), prosody(sound * 0.1, 60), atol=1e-2)


def test_there_is_a_row_for_every_encoder_frame():
    assert prosody(voice(150), 70).shape == (70, PROSODY)
    assert prosody(np.zeros(HOP * 4, np.float32), 3).shape == (3, PROSODY)
    assert np.isfinite(prosody(np.zeros(SAMPLE_RATE, np.float32), 41)).all()


def test_noise_is_mixed_at_the_ratio_asked_for():
    rng = np.random.default_rng(0)
    speech, noise = voice(150), rng.standard_normal(24_000).astype(np.float32)
    added = add_noise(speech, noise, 10) - speech
    ratio = 10 * np.log10(np.mean(speech**2) / np.mean(added**2))
    assert abs(ratio - 10) < 0.5


def test_babble_has_the_length_asked_for_and_no_silence():
    mixed = babble([voice(100), voice(200, 0.7)], 30_000, np.random.default_rng(0))
    assert len(mixed) == 30_000
    assert np.abs(mixed).max() > 0


def test_variants_stay_in_range_and_follow_the_seed():
    speech = voice(150)
    one, same = (vary(speech, [voice(220)], np.random.default_rng(3)) for _ in range(2))
    assert np.array_equal(one, same)
    for seed in range(12):
        varied = vary(speech, [voice(220)], np.random.default_rng(seed))
        assert np.abs(varied).max() <= 1
        assert 0.8 < len(varied) / len(speech) < 1.2


def test_bands_are_those_of_torchaudio_which_the_networks_were_trained_on():
    sound = voice(190) + np.random.default_rng(0).normal(scale=0.01, size=len(voice(190))).astype(np.float32)
    bank = torchaudio.transforms.MelSpectrogram(
        SAMPLE_RATE, n_fft=1024, win_length=800, hop_length=HOP, f_min=60, f_max=7600, n_mels=MEL_BANDS
    )
    expected = bank(torch.from_numpy(sound)).T.numpy()
    assert np.allclose(np.log(_powers(sound)), np.log(expected), atol=1e-3)
