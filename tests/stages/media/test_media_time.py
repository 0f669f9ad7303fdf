import pytest

from lipstream.stages.media.time import SessionTime, Timed, without_strays
from lipstream.stages.shedding import FrameShedder

FRAME = 40_000


def stamps(*times):
    return [Timed(i, time, FRAME) for i, time in enumerate(times)]


def kept(*times):
    return [timed.time for timed in without_strays(stamps(*times))]


def test_a_single_wild_timestamp_is_forgotten():
    assert kept(0, 40_000, 9_000_000_000, 120_000) == [0, 40_000, None, 120_000]
    assert kept(0, 5_000_000 - 5_000_000 + 40_000, -50_000_000, 120_000) == [0, 40_000, None, 120_000]


def test_a_lasting_jump_is_believed():
    assert kept(0, 40_000, 60_000_000, 60_040_000) == [0, 40_000, 60_000_000, 60_040_000]
    assert kept(0, 5_000_000, 10_000_000, 15_000_000) == [0, 5_000_000, 10_000_000, 15_000_000]


def test_missing_timestamps_are_no_jumps():
    assert kept(None, None, 80_000) == [None, None, 80_000]
    assert kept(10_000_000, None, 10_080_000) == [10_000_000, None, 10_080_000]


def test_session_time_begins_at_the_origin():
    clock = SessionTime(1_400_000)
    assert clock.place(1_400_000, None) == 0
    assert clock.place(1_500_000, 40_000) == 100_000
    assert clock.place(None, 140_000) == 140_000
    assert SessionTime(0).place(None, None) == 0


def test_gaps_and_small_repetitions_keep_their_time():
    clock = SessionTime(0)
    assert clock.place(20 * 60_000_000, 1_000_000) == 20 * 60_000_000
    assert clock.place(900_000, 1_000_000) == 900_000
    assert clock.resets == 0


@pytest.mark.parametrize("restart", [0, 40 * 60_000_000, 10**14])
def test_a_reset_goes_on_right_behind(restart):
    clock = SessionTime(0)
    assert clock.place(restart, 30_000_000) == 30_000_000
    assert clock.place(restart + FRAME, 30_000_000 + FRAME) == 30_000_000 + FRAME
    assert clock.resets == 1


def thinned(rate, max_fps, count, jitter=0):
    shedder = FrameShedder(max_fps)
    times = [round(i * 1e6 / rate) + (jitter if i % 2 else -jitter) for i in range(count)]
    return [time for time in times if shedder.keeps(time)]


@pytest.mark.parametrize("rate", [30, 50, 60, 120, 23.976 * 2])
def test_shedding_keeps_the_wanted_rate(rate):
    assert len(thinned(rate, 25, round(rate * 20))) == pytest.approx(500, abs=2)


@pytest.mark.parametrize("rate", [10, 23.976, 25])
def test_nothing_is_shed_at_or_below_the_wanted_rate(rate):
    assert len(thinned(rate, 25, 200, jitter=4000)) == 200


def test_thinning_twice_keeps_what_thinning_once_kept():
    once = thinned(60, 25, 600)
    shedder = FrameShedder(25)
    assert all(shedder.keeps(time) for time in once)
