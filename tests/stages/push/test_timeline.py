"""A program's own clock, and session time."""

from __future__ import annotations

import numpy as np
import pytest

from lipstream.stages.push.timeline import Timeline

EPOCH = 1_700_000_000_000_000


def test_where_nothing_may_be_skipped_time_is_counted_from_the_first_thing():
    timeline = Timeline(live=False)
    assert not timeline.known
    timeline.begin(EPOCH)
    timeline.begin(EPOCH + 7)
    assert timeline.known and timeline.time_of(EPOCH + 500_000) == 500_000
    assert timeline.tie(EPOCH + 900_000, 123) == 0 and timeline.time_of(EPOCH) == 0
    timeline.restart(EPOCH + 3_600_000_000, 2_000_000)
    assert timeline.time_of(EPOCH + 3_600_500_000) == 2_500_000


@pytest.mark.parametrize("drift", [0.0, 200e-6, -200e-6])
def test_live_a_clock_that_drifts_is_followed_whatever_the_delays_on_the_way(drift: float):
    timeline, random = Timeline(live=True), np.random.default_rng(0)
    off = []
    for block in range(1, 6000):
        time = block * 20_000
        true = 1_000_000 + time * (1 + drift)
        late = random.exponential(30_000) if random.random() < 0.8 else 0.0
        assert timeline.tie(EPOCH + time, round(true + late)) == 0
        if block > 3000:
            off.append(timeline.time_of(EPOCH + time) - true)
    assert np.abs(off).max() < 8_000


def test_live_sound_that_was_never_handed_over_is_noticed():
    timeline = Timeline(live=True)
    for block in range(1, 100):
        assert timeline.tie(block * 20_000, block * 20_000) == 0
    missing = [timeline.tie(block * 20_000, block * 20_000 + 500_000) for block in range(100, 200)]
    assert missing[0] == 0 and max(missing) == pytest.approx(500_000, abs=30_000)


def test_live_it_can_begin_anew_after_a_pause():
    timeline = Timeline(live=True)
    timeline.tie(1_000_000, 1_000_000)
    timeline.restart(1_100_000, 9_000_000)
    assert timeline.time_of(1_000_000) == 8_900_000
