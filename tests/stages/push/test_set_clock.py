"""Pictures of a program whose clock is set while it runs."""

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
from lipstream.stages.push.timeline import Timeline

EPOCH = 1_700_000_000_000_000
HOUR = 3_600_000_000
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
