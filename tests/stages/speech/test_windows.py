"""Sliding windows over sound and lips."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lipstream.pipeline import Packet, micros
from lipstream.pipeline.testing import run_stage
from lipstream.stages.payloads import SAMPLE_RATE, AudioBlock, LipFrame
from lipstream.stages.speech.windows import AudioWindows, LipWindows


def blocks(signal: np.ndarray, cuts: list[int], start: int = 0) -> list[Packet[AudioBlock]]:
    edges = [0, *sorted(cuts), len(signal)]
    return [
        Packet(
            start + micros(a / SAMPLE_RATE),
            AudioBlock(signal[a:b]),
            micros(b / SAMPLE_RATE) - micros(a / SAMPLE_RATE),
        )
        for a, b in pairwise(edges)
        if b > a
    ]


SIGNAL = np.arange(4000, dtype=np.float32)


@given(cuts=st.lists(st.integers(1, 3999), max_size=12))
def test_windows_do_not_depend_on_the_blocks(cuts):
    windows = run_stage(AudioWindows(0.032, 0.032), blocks(SIGNAL, cuts))
    joined = np.concatenate([w.payload.samples[: w.payload.valid] for w in windows])
    np.testing.assert_array_equal(joined, SIGNAL)
    assert [w.timestamp for w in windows] == pytest.approx([i * 32_000 for i in range(8)], abs=1)
    assert windows[-1].payload.valid == 4000 - 7 * 512
    assert not windows[-1].payload.samples[windows[-1].payload.valid :].any()


def test_overlapping_windows_and_look_ahead():
    windows = run_stage(AudioWindows(size=0.1, hop=0.05, look_ahead=0.02), blocks(SIGNAL, [700, 1900]))
    assert [w.timestamp for w in windows] == [0, 50_000, 100_000, 150_000, 200_000]
    assert all(len(w.payload.samples) == 1920 for w in windows)
    np.testing.assert_array_equal(windows[1].payload.samples, SIGNAL[800:2720])
    assert windows[1].duration == 100_000


def test_a_hop_longer_than_the_window_skips_sound():
    windows = run_stage(AudioWindows(size=0.02, hop=0.1), blocks(SIGNAL, [100, 250, 3000]))
    assert [w.payload.samples[0] for w in windows] == [0, 1600, 3200]


def test_window_times_follow_a_drifting_clock():
    # 500 ppm fast: each 20 ms block of the device takes 19.99 ms of session time.
    stream = [Packet(i * 19_990, AudioBlock(np.zeros(320, np.float32)), 20_000) for i in range(1000)]
    windows = run_stage(AudioWindows(0.02, 0.02), stream)
    assert windows[-1].timestamp == 999 * 19_990


def test_nonsense_sizes_are_refused():
    with pytest.raises(ValueError, match="must be positive"):
        AudioWindows(0.0, 0.1)


def lip_stream(count: int) -> list[Packet[LipFrame]]:
    return [Packet(i * 40_000, LipFrame(None), 40_000) for i in range(count)]


def test_lip_windows_have_size_hop_and_look_ahead():
    windows = run_stage(LipWindows(rate=25, size=0.2, hop=0.08, look_ahead=0.08), lip_stream(12))
    assert [w.timestamp for w in windows] == [0, 80_000, 160_000]
    assert all(len(w.payload.frames) == 7 and w.duration == 200_000 for w in windows)
    assert not windows[0].payload.mask.any()


def test_lip_windows_further_apart_than_their_size():
    windows = run_stage(LipWindows(rate=25, size=0.04, hop=0.2), lip_stream(11))
    assert [w.timestamp for w in windows] == [0, 200_000, 400_000]
