import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchaudio.transforms import Resample

from lipstream.stages.sound.resample import StreamResampler, supported

RATES = [8000, 11_025, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 88_200, 96_000, 192_000]


def sweep(rate, seconds, top):
    time = np.arange(round(rate * seconds)) / rate
    phase = 2 * np.pi * (50 * time + (top - 50) / (2 * seconds) * time**2)
    return (0.5 * np.sin(phase)).astype(np.float32)


def streamed(rate, signal, sizes):
    resampler = StreamResampler(rate)
    pieces, first = [], 0
    for size in sizes:
        pieces.append(resampler.process(signal[first : first + size]))
        first += size
    pieces += [resampler.process(signal[first:]), resampler.flush()]
    assert resampler.given == sum(map(len, pieces))
    return np.concatenate(pieces)


def at_once(rate, signal):
    return Resample(rate, 16_000, lowpass_filter_width=16, rolloff=0.95)(torch.from_numpy(signal)).numpy()


@pytest.mark.parametrize("rate", RATES)
def test_streaming_equals_resampling_at_once(rate):
    signal = sweep(rate, 0.7, min(rate, 16_000) * 0.45) + np.random.default_rng(rate).normal(0, 0.05, round(rate * 0.7))
    signal = signal.astype(np.float32)
    whole = at_once(rate, signal)
    for size in (rate // 50, 1, 333):
        count = 50 if size == 1 else len(signal) // size
        parts = streamed(rate, signal, [size] * count)
        assert len(parts) == len(whole) == math.ceil(len(signal) * 16_000 / rate)
        assert np.abs(parts - whole).max() < 2e-5  # torchaudio places its taps in single precision


@settings(max_examples=40, deadline=None)
@given(rate=st.sampled_from(RATES), sizes=st.lists(st.integers(0, 3000), max_size=12), length=st.integers(0, 12_000))
def test_the_result_does_not_depend_on_the_blocks(rate, sizes, length):
    signal = np.random.default_rng(length).uniform(-1, 1, length).astype(np.float32)
    parts = streamed(rate, signal, sizes)
    assert len(parts) == math.ceil(length * 16_000 / rate)
    if length:
        assert np.abs(parts - at_once(rate, signal)).max() < 1e-4


@pytest.mark.parametrize("rate", RATES)
def test_sound_keeps_its_time_and_shape(rate):
    top = min(rate / 2, 8000) * 0.85
    samples = streamed(rate, sweep(rate, 1.0, top), [rate // 50] * 49)
    inner = slice(200, -200)
    assert np.abs(samples[inner] - sweep(16_000, 1.0, top)[: len(samples)][inner]).max() < 0.01


@pytest.mark.parametrize("rate", [24_000, 44_100, 48_000, 96_000])
def test_what_16_khz_cannot_hold_does_not_alias(rate):
    time = np.arange(rate) / rate
    high = np.sin(2 * np.pi * 9500 * time).astype(np.float32)
    assert np.abs(streamed(rate, high, [rate // 50] * 49)[400:-400]).max() < 0.002


@pytest.mark.parametrize("rate", RATES)
def test_only_a_few_milliseconds_are_held_back(rate):
    resampler = StreamResampler(rate)
    given_out = len(resampler.process(np.zeros(rate // 10, np.float32)))
    assert given_out >= 1600 - 40


def test_memory_stays_flat():
    resampler = StreamResampler(44_100)
    for _ in range(500):
        resampler.process(np.zeros(882, np.float32))
    assert len(resampler._held) < 2000


def test_a_rate_that_needs_too_large_a_filter_is_refused():
    assert not supported(44_101) and not supported(0)
    # A sample of a slower one would become many; a faster one is no sound.
    assert not any(map(supported, (1, 2_000, 6_400, 7_984, 200_000, 1_600_000)))
    assert all(supported(rate) for rate in RATES)
    with pytest.raises(ValueError, match="44101 Hz"):
        StreamResampler(44_101)
