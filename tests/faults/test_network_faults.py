"""What happens to `live` when a network fails or does not answer."""

from __future__ import annotations

import pytest

from tests.faults.scripts import speak_and_fail
from tests.faults.world import World

BOTH = ["one two three", "four five six"]
SEVEN = [*BOTH, "seven eight nine", "one three five", "two four six", "three five seven", "nine eight seven"]


@pytest.mark.parametrize("network", ["decoder", "encoder"])
def test_a_recogniser_that_fails_once_is_tried_again_and_nothing_is_lost(happens, network: str):
    result = happens(f"{network}-raises-once")
    assert result.code == 0
    assert result.reports == [f"sound: the speech {network} failed: out of memory", "sound: back again"]
    assert result.captions == result.text == BOTH


def test_a_sentence_whose_end_cannot_be_decoded_stays_as_it_was_last_shown(happens):
    result = happens("decoder-gives-up")
    assert result.code == 0
    assert result.reports == ["sound: the speech decoder failed: out of memory", "sound: back again"]
    assert result.captions == result.text == BOTH
    first = result.of("TranscriptFinal")[0]
    assert 0.0 <= first["start"] < first["end"] <= 1.4
    assert "; recognition failed on 1 of 2 stretches of speech" in result.closing


def test_a_sentence_whose_end_cannot_be_encoded_stays_as_it_was_last_shown(happens):
    def script(world: World) -> None:
        speak_and_fail(world, "encode")

    result = happens(script)
    assert result.reports == ["sound: the speech encoder failed: out of memory"]
    assert result.captions == result.text == BOTH[:1]


@pytest.mark.parametrize("network", ["decoder", "encoder"])
def test_a_recogniser_that_always_fails_is_said_once_at_the_end_and_in_the_exit_code(happens, network: str):
    result = happens(f"{network}-raises-always")
    assert result.code == 1
    assert result.reports == [f"sound: the speech {network} failed: out of memory"]
    assert result.captions == []
    # The faces were seen all the same.
    assert result.of("LipActivity")
    assert ".txt" not in result.files
    assert "; recognition failed on 2 of 2 stretches of speech" in result.closing


@pytest.mark.parametrize("network", ["decoder", "encoder"])
def test_a_recogniser_that_takes_10_s_makes_captions_late_and_loses_none(happens, network: str):
    result = happens(f"{network}-takes-10-s")
    assert result.code == 0
    assert result.reports == [
        f"sound: the speech {network} does not answer, captions come late; the sound is kept meanwhile",
        "sound: back again",
    ]
    assert result.captions == result.text == SEVEN
    assert "audio.lost_seconds" not in result.counters


def test_a_face_network_that_fails_once_costs_one_picture(happens):
    result = happens("face-network-raises-once")
    assert result.reports == ["picture: the face network failed: out of memory", "picture: back again"]
    assert result.captions == result.text == BOTH
    assert len(result.of("FaceFound")) == 1


def test_a_face_network_that_always_fails_is_said_once_and_the_captions_go_on(happens):
    result = happens("face-network-raises-always")
    assert result.code == 0
    assert result.reports == ["picture: the face network failed: out of memory"]
    assert result.captions == result.text == BOTH
    [lost] = result.of("FaceLost")
    # The last picture that was looked at before; which one depends on how many the machine has time for.
    assert 0 < lost["time"] <= 1.86


def test_a_face_network_that_takes_10_s_keeps_no_caption_waiting(happens):
    # The script itself waits for the second caption while the network is stuck.
    result = happens("face-network-takes-10-s")
    assert result.reports == [
        "picture: the face network does not answer, going on with the sound only",
        "picture: back again",
    ]
    assert result.captions == result.text == BOTH


def test_voice_activity_that_fails_keeps_its_last_opinion_and_no_sound_is_lost(happens):
    result = happens("voice-activity-raises")
    assert result.reports == ["sound: voice activity failed: out of memory", "sound: back again"]
    assert result.captions == result.text == BOTH
