import itertools

import numpy as np
import pytest

from lipstream.stages.capture.audio_clock import AudioClock

RATE = 48_000


def follow(clock, seconds, block=0.1, ppm=0.0, delays=None, start=50_000.0, lost=None):
    """Feed a clock blocks of a device whose rate is off by `ppm`; returns (true, told) times of the block ends in us.

    `delays` gives the lateness of each block in us; from second `lost[0]` on, `lost[1]` seconds of samples are missing.
    """
    count = round(seconds / block)
    delays = np.zeros(count) if delays is None else delays
    told, true, arrival = [], [], 0.0
    for i in range(count):
        samples = round((i + 1) * block * RATE)
        captured = start + samples / (RATE * (1 + ppm * 1e-6)) * 1e6
        if lost is not None and (i + 1) * block > lost[0]:
            captured += lost[1] * 1e6
        arrival = max(arrival, captured + delays[i])
        clock.update(samples, int(arrival))
        told.append(clock.time_of(samples))
        true.append(captured)
    return np.array(true), np.array(told)


def jitter(count, kind, seed=0):
    generator = np.random.default_rng(seed)
    if kind == "exponential":
        return generator.exponential(4_000, count)
    if kind == "uniform":
        return generator.uniform(0, 30_000, count)
    spikes = generator.random(count) < 0.02
    return np.where(spikes, generator.uniform(0, 400_000, count), generator.exponential(1_000, count))


@pytest.mark.parametrize("kind", ["exponential", "uniform", "spikes"])
@pytest.mark.parametrize("ppm", [200, -200, 450])
def test_an_hour_of_drift_and_jitter_stays_within_milliseconds(ppm, kind):
    count = 36_000
    clock = AudioClock(RATE)
    true, told = follow(clock, 3600, ppm=ppm, delays=jitter(count, kind))
    assert np.abs(told - true)[100:].max() < 3_000
    assert clock.drift * 1e6 == pytest.approx(-ppm, abs=15)


def test_times_only_grow_also_between_blocks():
    clock = AudioClock(RATE)
    told = []
    delays = jitter(400, "uniform")
    for i in range(400):
        clock.update((i + 1) * 960, 20_000 * (i + 1) + int(delays[i]))
        told += [clock.time_of(i * 960 + step) for step in range(0, 960, 96)]
    assert all(before < after for before, after in itertools.pairwise(told))


def test_a_bad_start_is_made_good_within_two_seconds():
    delays = np.zeros(500)
    delays[:3] = 90_000
    true, told = follow(AudioClock(RATE), 10, block=0.02, delays=delays)
    assert np.abs(told - true)[100:].max() < 3_000


def test_blocks_delivered_in_bursts_are_not_late():
    bursts = (4 - np.arange(1500) % 5) * 20_000.0
    clock = AudioClock(RATE)
    true, told = follow(clock, 30, block=0.02, delays=bursts)
    assert np.abs(told - true)[200:].max() < 3_000
    assert clock.missing(reported=False) == clock.missing(reported=True) == 0


def test_lost_samples_are_told_from_delay():
    clock = AudioClock(RATE)
    follow(clock, 5, block=0.02, delays=jitter(250, "exponential"), lost=(3.0, 0.3))
    assert clock.missing(reported=False) == pytest.approx(300_000, abs=5_000)


def test_a_small_loss_counts_only_when_the_device_reports_one():
    clock = AudioClock(RATE)
    follow(clock, 5, block=0.02, delays=jitter(250, "exponential"), lost=(4.5, 0.05))
    assert clock.missing(reported=False) == 0
    assert clock.missing(reported=True) == pytest.approx(50_000, abs=3_000)


def test_a_delay_that_is_caught_up_is_no_loss():
    clock = AudioClock(RATE)
    delays = np.zeros(250)
    delays[150:190] = np.linspace(790_000, 10_000, 40)
    for count in range(151, 250):
        clock = AudioClock(RATE)
        follow(clock, count * 0.02, block=0.02, delays=delays)
        assert clock.missing(reported=False) == 0


def test_before_the_first_block_time_is_the_sample_count():
    assert AudioClock(RATE).time_of(RATE) == 1_000_000
