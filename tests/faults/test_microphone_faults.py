"""What happens to `live` when the microphone fails."""

from __future__ import annotations

import re

import pytest

from lipstream.stages.capture.microphone_backend import MicrophoneInfo
from tests.faults.world import STEP, World
from tests.stages.fakes import buzz, hummed

BOTH = ["one two three", "four five six"]


def starts(result):
    return [event["start"] for event in result.of("SpeechStarted")]


def accounted(result):
    """Seconds of sound captured and lost, which must be all there were."""
    return result.counters["audio.captured_seconds"] + result.counters.get("audio.lost_seconds", 0.0)


def test_an_overflow_is_counted_filled_and_reported(happens):
    result = happens("microphone-overflow")
    assert result.code == 0
    assert result.reports == ["sound: microphone overflow: 0.20 s of sound lost", "sound: back again"]
    assert result.captions == result.text == BOTH
    assert result.counters["audio.lost_seconds"] == pytest.approx(0.2, abs=0.02)
    assert result.closing.endswith("; 0.2 s of sound were lost")
    # 1.76 s of the first sentence, 1 s, 0.2 s lost, 1 s: what comes after the loss has its right time.
    assert starts(result)[1] == pytest.approx(1.76 + 2.2, abs=0.1)


def test_a_gap_that_the_device_keeps_to_itself_is_noticed_filled_and_reported(happens):
    result = happens("microphone-gap")
    [lost, back] = result.reports
    assert re.fullmatch(r"sound: microphone overflow: 0\.(49|50|51) s of sound lost", lost)
    assert back == "sound: back again"
    assert result.captions == result.text == BOTH
    assert starts(result)[1] == pytest.approx(1.76 + 3.0, abs=0.1)
    assert accounted(result) == pytest.approx(result.events[-1]["duration"], abs=0.1)


def test_a_disconnected_microphone_is_waited_for_and_what_was_said_before_is_kept(happens):
    result = happens("microphone-disconnect")
    assert result.reports == [
        "sound: microphone 'USB Mic' is disconnected, waiting for it to come back",
        "sound: back again",
    ]
    # The sentence was cut by the loss, not lost with it.
    assert result.captions == result.text == BOTH
    assert result.counters["audio.lost_seconds"] > 4.0
    assert accounted(result) == pytest.approx(result.events[-1]["duration"], abs=0.3)
    assert result.of("LipActivity")[-1]["time"] > 7.0


def test_a_microphone_that_never_comes_back_does_not_keep_the_picture_or_the_end(happens, world: World):
    def script(world: World) -> None:
        world.speak(1, 2, 3)
        world.room.stream.alive, world.room.broken = False, True
        world.lose(20.0)

    result = happens(script)
    assert result.code == 0
    assert result.reports == ["sound: microphone 'USB Mic' is disconnected, waiting for it to come back"]
    assert result.text == BOTH[:1]
    assert result.of("LipActivity")[-1]["time"] > 20.0
    assert result.events[-1]["event"] == "End"


def test_a_sample_rate_that_changes_in_mid_run_is_found_out_and_the_device_opened_again(happens, world: World):
    result = happens("microphone-rate-change")
    # Before it is sure of the cause it is sound that is lost.
    assert re.fullmatch(r"sound: microphone overflow: 0\.\d\d s of sound lost", result.reports[0])
    assert result.reports[1:] == [
        "sound: microphone 'USB Mic' gives about 8000 samples a second, not 16000: opening it again",
        "sound: back again",
    ]
    assert [stream.rate for stream in world.room.streams] == [16_000, 8000]
    assert result.captions == result.text == BOTH
    assert accounted(result) == pytest.approx(result.events[-1]["duration"], abs=0.3)


def test_a_microphone_that_comes_back_with_another_rate_is_heard_rightly(happens):
    def script(world: World) -> None:
        world.speak(1, 2, 3)
        world.room.devices = [MicrophoneInfo(3, "USB Mic", 2, 8000, True)]
        world.room.stream.alive = False
        while len(world.room.streams) < 2:
            world.lose(0.1)
        world.speak(4, 5, 6)

    assert happens(script).text == BOTH


def test_a_device_that_loses_sound_all_the_time_is_opened_again_once_and_not_over_and_over(happens, world: World):
    def script(world: World) -> None:
        world.speak(1, 2, 3)
        for step in range(1500):
            if step % 4:
                world.hear(buzz(STEP, 0.01))
            else:
                world.lose(STEP / 16_000)

    result = happens(script, "--camera", "none")
    assert len(world.room.streams) == 2
    again = [line for line in result.reports if line.endswith("opening it again")]
    assert len(again) == 1
    assert re.search(r"'USB Mic' gives about 1[12]\d\d\d samples a second, not 16000", again[0])
    assert accounted(result) == pytest.approx(result.events[-1]["duration"], abs=0.5)


def test_a_muted_microphone_is_reported_until_it_is_heard(happens):
    result = happens("microphone-muted")
    assert result.reports == [
        "sound: microphone 'USB Mic' gives nothing but silence: is it muted, or not permitted?",
        "sound: back again",
    ]
    assert result.text == BOTH[:1]


def test_a_quiet_room_is_not_taken_for_a_muted_microphone(happens):
    def script(world: World) -> None:
        world.hear(buzz(STEP, 1e-5))
        world.quiet(15.0)
        world.hear(hummed([1, 2, 3], tail=0.8))

    result = happens(script)
    assert result.reports == []
    assert result.text == BOTH[:1]
