"""What happens to `live` when the camera fails: the captions go on, and what is seen is never made up."""

from __future__ import annotations

import itertools

import pytest

from tests.faults.world import World

BOTH = ["one two three", "four five six"]


@pytest.fixture
def patient(world: World) -> None:
    """Every picture is seen, however busy the machine."""
    world.patient = True


def lip_times(result):
    return [event["time"] for event in result.of("LipActivity")]


def test_an_unplugged_camera_is_waited_for(happens, patient):
    result = happens("camera-unplug")
    assert result.code == 0
    assert result.reports == [
        "picture: camera 0 gives no more frames, trying again",
        "picture: camera 0 cannot be opened (not connected), trying again",
        "picture: back again",
    ]
    assert result.captions == result.text == BOTH
    lost, found = result.of("FaceLost")[0], result.of("FaceFound")[1]
    assert lost["time"] == pytest.approx(1.76, abs=0.1)
    # Told while it is gone, not when it is back.
    assert lost["emitted"] < 3.0 < found["emitted"]
    assert not [time for time in lip_times(result) if lost["time"] + 0.3 < time < found["time"]]


def test_a_camera_that_is_gone_for_good_does_not_keep_the_captions(happens):
    def script(world: World) -> None:
        world.camera.broken = True
        world.camera.unplug()
        world.speak(1, 2, 3)
        world.speak(4, 5, 6)

    result = happens(script)
    assert result.reports[0] == "picture: camera 0 gives no more frames, trying again"
    assert result.text == BOTH and result.events[-1]["event"] == "End"


def test_a_frozen_camera_is_reported_and_its_last_picture_not_looked_at_for_ever(happens, world: World):
    result = happens("camera-freeze")
    assert result.reports == ["picture: camera 0 is frozen, trying again"]
    assert result.captions == result.text == BOTH
    [lost] = result.of("FaceLost")
    # 1.76 s of moving pictures, and a second of still ones until it is sure.
    assert lost["time"] == pytest.approx(2.76, abs=0.2)
    assert max(lip_times(result)) < 3.1
    # The network has nothing to do while there is nothing to see.
    assert world.faces.seen < 3.0 * 25


def test_fifteen_frames_a_second_in_the_dark_are_enough(happens, patient):
    result = happens("camera-in-the-dark")
    assert result.reports == []
    assert result.captions == result.text == BOTH
    times = lip_times(result)
    assert max(after - before for before, after in itertools.pairwise(times)) < 0.1
    assert len(result.of("FaceFound")) == 1


def test_timestamps_that_jump_back_or_repeat_are_left_out(happens, patient):
    result = happens("camera-time-jumps")
    assert (result.code, result.reports) == (0, [])
    assert result.captions == result.text == BOTH
    times = lip_times(result)
    assert all(before < after for before, after in itertools.pairwise(times))
    assert len(result.of("FaceFound")) == 1
