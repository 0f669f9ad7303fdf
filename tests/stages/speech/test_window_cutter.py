"""Windows cut out of sound."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lipstream.pipeline import micros
from lipstream.stages.payloads import SAMPLE_RATE, AudioBlock
from lipstream.stages.speech.window_cutter import SoundWindow, WindowCutter

SIGNAL = np.arange(4000, dtype=np.float32)


def cut(edges: list[int], start: int = 0) -> list[SoundWindow]:
    cutter = WindowCutter(512)
    windows = [
        window
        for a, b in pairwise([0, *sorted(edges), len(SIGNAL)])
        if b > a
        for window in cutter.cut(AudioBlock(SIGNAL[a:b]), start + micros(a / SAMPLE_RATE))
    ]
    return [*windows, *cutter.finish()]


@given(edges=st.lists(st.integers(1, 3999), max_size=12))
def test_windows_do_not_depend_on_the_blocks(edges):
    windows = cut(edges)
    np.testing.assert_array_equal(np.concatenate([w.samples[: w.valid] for w in windows]), SIGNAL)
    assert all(len(w.samples) == 512 for w in windows)
    assert [w.timestamp for w in windows] == pytest.approx([i * 32_000 for i in range(8)], abs=1)


def test_the_last_window_is_filled_up_with_silence():
    *_, last = cut([])
    assert last.valid == 4000 - 7 * 512
    assert not last.samples[last.valid :].any()


def test_it_tells_where_the_sound_begins_that_is_in_no_window_yet():
    cutter = WindowCutter(512)
    assert cutter.start is None
    assert len(list(cutter.cut(AudioBlock(np.zeros(600, np.float32)), 1_000_000))) == 1
    assert cutter.start == 1_032_000
    list(cutter.finish())
    assert cutter.start is None


def test_window_times_follow_a_drifting_clock():
    # 500 ppm fast: each 32 ms block of the device takes 31.984 ms of session time.
    cutter = WindowCutter(512)
    blocks = [AudioBlock(np.zeros(512, np.float32))] * 1000
    windows = [window for i, block in enumerate(blocks) for window in cutter.cut(block, i * 31_984)]
    assert windows[-1].timestamp == 999 * 31_984


def test_no_window_goes_back_behind_the_one_before_it_where_a_long_block_lasts_less_than_its_samples():
    # Half a second of sound each, of which the clock, being pulled to where it belongs, makes 0.45 s.
    cutter = WindowCutter(512)
    blocks = [AudioBlock(np.zeros(8000, np.float32))] * 4
    times = [window.timestamp for i, block in enumerate(blocks) for window in cutter.cut(block, i * 450_000)]
    assert len(times) == 62 and times == sorted(times)
