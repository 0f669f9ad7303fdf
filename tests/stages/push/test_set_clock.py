"""Sound and pictures of a program whose clock is set while it runs."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import numpy as np
import pytest

from lipstream.config import load_config
from lipstream.pipeline import Degraded, Recovered
from lipstream.pipeline.testing import ScriptedClock, StageRun, run_source
from lipstream.stages.push.handover import Handover
from lipstream.stages.push.picture import PushedPicture, Seen
from lipstream.stages.push.sound import Heard, PushedSound
from lipstream.stages.push.timeline import Timeline

EPOCH = 1_700_000_000_000_000
HOUR = 3_600_000_000
RATE = 16_000
BLOCK_US = 40_000
PICTURE = np.zeros((8, 8, 3), np.uint8)


class Handed(PushedPicture):
    """Is handed a picture every 40 ms, with these times of the program's."""

    def __init__(self, times: Iterable[int], clock: ScriptedClock, sound: Timeline) -> None:
        self._pushed = Handover(1.0, 10)
        super().__init__(load_config("live").video, 25.0, 10_000, self._pushed, sound, Timeline(live=True))
        self._times, self._session = iter(times), clock

    def produce(self) -> bool:
        time = next(self._times, None)
        if time is None:
            return False
        self._session.advance(40_000)
        self._pushed.replace(Seen(PICTURE, "rgb", time, self._session.now()))
        return super().produce()


def hand(times: Iterable[int], sound: Timeline | None = None) -> StageRun:
    clock = ScriptedClock()
    return run_source(Handed(times, clock, sound or Timeline(live=True)), clock=clock, lossless=False)


@pytest.mark.parametrize("jump", [HOUR, -HOUR, 3_000_000, -3_000_000])
def test_pictures_go_on_when_the_clock_of_the_program_is_set(jump: int):
    run = hand(EPOCH + each * 40_000 + (jump if each >= 50 else 0) for each in range(100))
    assert len(run) == 100 and run.events == [] and run.counters == {}
    assert all(20_000 <= after.timestamp - before.timestamp <= 60_000 for before, after in pairwise(run))


def test_no_picture_is_placed_an_hour_ahead_before_the_sound_has_told_that_the_clock_was_set():
    sound = Timeline(live=True)
    sound.restart(EPOCH, 40_000)
    run = hand((EPOCH + each * 40_000 + (HOUR if each == 5 else 0) for each in range(10)), sound)
    assert [each.timestamp for each in run] == [40_000 * each for each in range(1, 11)]


def test_pictures_of_which_none_can_be_taken_are_reported_and_taken_back():
    sound = Timeline(live=True)
    sound.restart(EPOCH, 40_000)
    run = hand((EPOCH + each * 40_000 - (HOUR if 25 <= each < 75 else 0) for each in range(100)), sound)
    assert [type(event) for event in run.events] == [Degraded, Recovered]
    assert "times that are over already" in run.events[0].reason
    assert len(run) == 50 and run.counters == {"video.frames_out_of_order": 50}


def loudness(number: int) -> np.float32:
    return np.float32(0.2 + number / 1000)


class HandedSound(PushedSound):
    """Is handed a block of 40 ms every 40 ms, which is loud by its number, with these times of the program's."""

    def __init__(self, times: Iterable[int], clock: ScriptedClock, lossless: bool, length: int) -> None:
        self._pushed: Handover[Heard] = Handover(10.0, 100)
        super().__init__(load_config("live").audio, self._pushed, Timeline(live=not lossless))
        self._times, self._session, self._length = enumerate(times, 1), clock, length

    def produce(self) -> bool:
        number, time = next(self._times, (0, None))
        if time is None:
            return False
        self._session.advance(BLOCK_US)
        samples = np.full(self._length * RATE // 1_000_000, loudness(number), np.float32)
        samples[::2] *= -1
        self._timeline.begin(time)
        heard = Heard(samples, RATE, time, time + self._length, True, self._session.now())
        self._pushed.put(heard, self._length / 1e6, block=False)
        return super().produce()


def hear(times: Iterable[int], *, lossless: bool = False, length: int = BLOCK_US) -> tuple[StageRun, np.ndarray]:
    """The run, and how loud each sample of its sound is."""
    clock = ScriptedClock()
    run = run_source(HandedSound(times, clock, lossless, length), clock=clock, lossless=lossless)
    return run, np.abs(np.concatenate([each.payload.samples for each in run]))


@pytest.mark.parametrize("lossless", [False, True])
@pytest.mark.parametrize("back", [1_500_000, 12_000_000, 59_000_000, HOUR])
def test_sound_goes_on_whole_when_the_clock_of_the_program_is_set_back(back: int, lossless: bool):
    times = [EPOCH + each * BLOCK_US - (back if each >= 50 else 0) for each in range(150)]
    run, sound = hear(times, lossless=lossless)
    assert len(sound) == 150 * BLOCK_US * RATE // 1_000_000 and np.count_nonzero(np.diff(sound)) == 149
    assert run.counters.get("audio.lost_seconds", 0) == 0
    told = [event.reason for event in run.events if isinstance(event, Degraded)]
    assert len(told) == 1 and f"go back by {back / 1e6:.1f} s" in told[0]
    assert lossless or [type(event) for event in run.events] == [Degraded, Recovered]


def test_blocks_that_overlap_by_seconds_are_no_clock_that_was_set_back():
    length = 5_000_000
    _, sound = hear((EPOCH + each * 3_000_000 for each in range(4)), lossless=True, length=length)
    assert len(sound) == (3 * 3 + 5) * RATE
    assert [np.count_nonzero(sound == loudness(number)) // RATE for number in (1, 2, 3, 4)] == [5, 3, 3, 3]


def test_a_block_that_is_late_on_its_way_is_left_out_and_no_clock_was_set_back():
    numbers = [*range(20), 18, *range(20, 60)]
    run, sound = hear([EPOCH + each * BLOCK_US for each in numbers])
    assert run.events == [] and not np.any(sound == loudness(21))
