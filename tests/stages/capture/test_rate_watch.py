import numpy as np
import pytest

from lipstream.stages.capture.rate_watch import RateWatch

BLOCK = 960


def feed(watch: RateWatch, arrivals, samples=BLOCK):
    return [rate for at in arrivals if (rate := watch.update(samples, round(at))) is not None]


@pytest.mark.parametrize("true_rate", [44_100, 16_000, 96_000])
def test_another_rate_is_measured(true_rate):
    arrivals = np.arange(1, 600) * BLOCK * 1e6 / true_rate
    found = feed(RateWatch(48_000), arrivals)
    assert found[0] == pytest.approx(true_rate, rel=0.02)


@pytest.mark.parametrize("drift", [0.99, 1.0, 1.01])
def test_a_drifting_clock_is_no_other_rate(drift):
    assert feed(RateWatch(48_000), np.arange(1, 3000) * 20_000 * drift) == []


@pytest.mark.parametrize("burst", [4, 10, 20])
def test_blocks_in_bursts_are_no_other_rate(burst):
    arrivals = np.arange(1, 3000) // burst * burst * 20_000
    assert feed(RateWatch(48_000), arrivals) == []


def test_a_stall_and_the_burst_after_it_are_no_other_rate():
    arrivals = np.arange(1, 1000) * 20_000
    arrivals[300:330] = arrivals[329]
    assert feed(RateWatch(48_000), arrivals) == []


def test_a_gap_is_no_other_rate():
    arrivals = np.arange(1, 1000) * 20_000
    arrivals[300:] += 900_000
    assert feed(RateWatch(48_000), arrivals) == []
