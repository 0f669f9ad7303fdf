"""What the mouth in view does: where speech ends, whose it is, and what is left out."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
import pytest

from lipstream.config import VadConfig, load_config
from lipstream.events import SpeechEnded, TranscriptFinal, TranscriptPartial
from lipstream.pipeline import Packet, micros
from lipstream.pipeline.testing import run_stage
from lipstream.stages.face.mouth import MOUTH_DELAY, MouthWatch
from lipstream.stages.payloads import EncodedSpeech, LipFrame, Mouth, MouthState
from lipstream.stages.speech.decode import Decode
from lipstream.stages.speech.encode import Encode
from lipstream.stages.speech.on_camera import UNKNOWN, Speaker, speaker_of
from lipstream.stages.speech.voice_activity import VoiceActivity
from lipstream.stages.switches import LIPS
from tests.stages.face.test_lips import features
from tests.stages.fakes import CountingEngine, reading, spoken
from tests.stages.speech.test_speech_stages import START, chunks
from tests.stages.speech.test_voice_activity import ScriptedDetector, segments, windows
from tests.stages.test_switches import off

STEP = 40_000
TALKING = [0.02, 0.08, 0.14, 0.07]
STILL = [0.005, 0.007]


def lips(
    *spans: tuple[list[float] | None, float],
    talking: frozenset[int] = frozenset(),
    face: int = 1,
    changes: Sequence[float] = (math.inf,),
):
    """Spans of (apertures that repeat, seconds) as lip frames; None for nobody in view. Changes repeat too."""
    frames = []
    for apertures, length in spans:
        for index in range(round(length * 25)):
            seen = None if apertures is None else features(apertures[index % len(apertures)], face)
            seen = seen and dataclasses.replace(seen, change=changes[len(frames) % len(changes)])
            frames.append(Packet(len(frames) * STEP, LipFrame(seen, talking if seen else frozenset()), STEP))
    return frames


def mouths(*spans: tuple[list[float] | None, float], **rest) -> list[Packet[Mouth]]:
    return list(run_stage(MouthWatch(25.0), lips(*spans, **rest)))


# What a mouth does.


def test_a_mouth_moves_is_shut_or_is_not_seen_and_is_known_a_little_later():
    run = mouths((TALKING, 0.4), (STILL, 0.4), (None, 0.2))
    states = [packet.payload.state for packet in run]
    assert states[:3] == [MouthState.UNSEEN] * 3 and states[3:10] == [MouthState.MOVING] * 7
    assert states[13:20] == [MouthState.SHUT] * 7 and states[20:] == [MouthState.UNSEEN] * 5
    assert all(packet.timestamp - packet.payload.time == micros(MOUTH_DELAY) for packet in run)
    assert run[-1].payload.face is None


def test_with_lips_switched_off_no_mouth_is_seen():
    run = run_stage(MouthWatch(25.0), lips((TALKING, 0.4)), switches=off(LIPS))
    assert {(packet.payload.state, packet.payload.face) for packet in run} == {(MouthState.UNSEEN, None)}


def test_a_frozen_picture_shows_no_mouth_and_repeated_frames_of_a_slow_camera_do():
    frozen = mouths((STILL, 2.0), changes=[0.2])
    assert [packet.payload.face for packet in frozen] == [1] * 9 + [None] * 41
    assert MouthState.SHUT not in {packet.payload.state for packet in frozen}
    redrawn = mouths((STILL, 2.0), changes=[*[0.2] * 15, 3.0])
    assert not any(packet.payload.face for packet in redrawn[10:]), "the encoder's key frames are no life"
    slow = mouths((STILL, 2.0), changes=[0.0, 0.0, 5.0])
    assert all(packet.payload.face == 1 for packet in slow)
    assert {packet.payload.state for packet in slow[4:]} == {MouthState.SHUT}


# Where speech ends.

CONFIG = VadConfig(hang_over=0.4, lip_shut_factor=0.5, lip_moving_factor=1.5)


def ended_after(*spans: tuple[list[float] | None, float], config: VadConfig = CONFIG) -> float:
    """Seconds of silence that ended a second of voice, with such lips."""
    packets = {"audio": windows((0.9, 1.0), (0.0, 2.0)), "mouths": mouths(*spans)}
    run = run_stage(VoiceActivity(ScriptedDetector(), config), packets).only("speech")
    (ended,) = [event for event in run.events if isinstance(event, SpeechEnded)]
    return max(packet.end for packet in run) / 1e6 - ended.end


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        ([(None, 3.0)], 0.4),
        ([(TALKING, 1.0), (STILL, 2.0)], MOUTH_DELAY * 2 + 0.04),
        ([(TALKING, 0.9), (STILL, 2.1)], 0.2),
        ([(TALKING, 1.12), (STILL, 1.88)], 0.43),
        ([(TALKING, 3.0)], 0.6),
        ([(STILL, 3.0)], 0.4),
        ([([0.1], 3.0)], 0.4),
    ],
    ids=["nobody in view", "shuts with the voice", "shut before", "shuts later", "moving", "never moved", "open"],
)
def test_a_shut_mouth_ends_speech_sooner_and_a_moving_one_holds_it(spans, expected):
    assert ended_after(*spans) == pytest.approx(expected, abs=0.05)


@pytest.mark.parametrize("name", ["live", "file", "low_latency"])
def test_a_hang_over_of_ones_own_is_kept_with_a_mouth_in_view(name):
    config = load_config(name, {"vad.hang_over": 1.2}).vad
    assert ended_after((TALKING, 3.0), config=config) >= 1.2
    shorter = load_config(name, {"vad.hang_over": 0.1}).vad
    assert ended_after((TALKING, 3.0), config=shorter) <= 0.2


def test_a_moving_mouth_keeps_a_long_segment_whole_up_to_its_limit():
    def ends(*spans: tuple[list[float] | None, float]) -> list[SpeechEnded]:
        sound = windows((0.9, 10.0), (0.0, 0.35), (0.9, 3.0), (0.0, 0.35), (0.9, 1.0))
        run = run_stage(
            VoiceActivity(ScriptedDetector(), VadConfig()), {"audio": sound, "mouths": mouths(*spans)}
        ).only("speech")
        return [event for event in run.events if isinstance(event, SpeechEnded)]

    assert [event.end for event in ends((None, 15.0))] == pytest.approx([10.0, 14.7], abs=0.05)
    assert [event.end for event in ends((TALKING, 15.0))] == pytest.approx([13.35, 14.7], abs=0.05)


def test_without_mouths_the_segments_are_those_of_the_sound_alone():
    sound = windows((0.9, 1.0), (0.0, 0.35), (0.9, 1.0), (0.0, 1.0))
    alone = run_stage(VoiceActivity(ScriptedDetector(), CONFIG), sound).only("speech")
    unseen = run_stage(VoiceActivity(ScriptedDetector(), CONFIG), {"audio": sound, "mouths": mouths((None, 4.0))}).only(
        "speech"
    )
    assert segments(alone) == segments(unseen) and alone.events == unseen.events


def test_mouths_that_outlast_the_sound_do_not_break_its_end():
    packets = {"audio": windows((0.9, 1.0)), "mouths": mouths((TALKING, 3.0))}
    run = run_stage(VoiceActivity(ScriptedDetector(), CONFIG), packets).only("speech")
    assert run[-1].payload.last and run.events[-1].reason == "end_of_stream"


def test_a_mouth_long_past_counts_no_more():
    packets = {"audio": windows((0.9, 3.0), (0.0, 2.0)), "mouths": mouths((TALKING, 0.5))}
    run = run_stage(VoiceActivity(ScriptedDetector(), CONFIG), packets).only("speech")
    assert max(packet.end for packet in run) / 1e6 == pytest.approx(3.4, abs=0.05)


# Whose speech it is.


def encoded(length: float = 2.0, active_speaker: float | None = None, gate: np.ndarray | None = None) -> EncodedSpeech:
    sound = np.full(round(length * 16_000), 0.1, np.float32)
    encoding = CountingEngine().encode(sound)
    own = None if active_speaker is None else np.full(len(encoding.features), active_speaker, np.float32)
    end = micros(length)
    return EncodedSpeech(1, encoding, sound, 0, 0, end, end, True, gate, own)


def judged(speech: EncodedSpeech, *spans, **rest) -> Speaker:
    return speaker_of(speech, [packet.payload for packet in mouths(*spans, **rest)])


def test_a_mouth_that_talks_is_the_speakers_and_one_that_is_still_is_not():
    assert judged(encoded(), (TALKING, 2.0)) == Speaker(1, False)
    assert judged(encoded(), (STILL, 2.0)) == Speaker(None, True)
    assert judged(encoded(), ([0.1, 0.102], 2.0)) == Speaker(None, True), "open, and as still"


def test_a_smile_does_not_bring_a_still_mouth_on_camera_nor_a_pause_a_talking_one_off():
    assert judged(encoded(4.0), (STILL, 1.8), (TALKING, 0.4), (STILL, 1.8)).off_camera
    assert not judged(encoded(4.0), (TALKING, 1.6), (STILL, 0.8), (TALKING, 1.6)).off_camera


def test_nobody_seen_for_most_of_it_or_too_little_speech_is_not_judged():
    assert judged(encoded(), (None, 2.0)) == UNKNOWN
    assert judged(encoded(), (None, 1.2), (STILL, 0.8)) == UNKNOWN
    assert judged(encoded(0.4), (STILL, 0.4)) == Speaker(1, False)
    assert speaker_of(encoded(), []) == UNKNOWN


def test_a_picture_that_ends_or_begins_within_the_speech_does_not_mark_it_off_camera():
    still = [packet.payload for packet in mouths((STILL, 6.0))]
    assert speaker_of(encoded(6.0), still).off_camera
    assert speaker_of(encoded(6.0), still[:20]) == UNKNOWN
    assert speaker_of(encoded(6.0), still[-20:]) == UNKNOWN
    assert speaker_of(encoded(6.0), [packet.payload for packet in mouths((STILL, 6.0), changes=[0.0])]) == UNKNOWN


def test_mouths_that_may_still_come_do_not_count_as_unseen():
    talking = [packet.payload for packet in mouths((TALKING, 0.12))]
    assert speaker_of(encoded(0.3), talking) == Speaker(1, False)
    assert speaker_of(encoded(0.5), talking) == UNKNOWN
    later = [packet.payload for packet in mouths((TALKING, 1.0))][10:]
    assert speaker_of(encoded(0.1), later) == UNKNOWN


def test_what_the_active_speaker_network_says_goes_before_what_the_mouth_does():
    assert judged(encoded(active_speaker=0.01), (TALKING, 2.0)) == Speaker(None, True)
    assert judged(encoded(active_speaker=0.7), (STILL, 2.0)) == Speaker(1, False)
    assert judged(encoded(active_speaker=0.2), (TALKING, 2.0)) == Speaker(1, False)
    assert judged(encoded(active_speaker=0.2), (STILL, 2.0)).off_camera


def test_the_active_speaker_is_not_judged_where_no_mouth_is_seen():
    speech = encoded(active_speaker=0.01)
    assert speech.active_speaker is not None
    speech.active_speaker[40:] = np.nan
    assert judged(speech, (TALKING, 2.0)).off_camera
    speech.active_speaker[10:] = np.nan
    assert not judged(speech, (TALKING, 2.0)).off_camera


def test_with_several_faces_the_one_that_spoke_is_named():
    first = [packet.payload for packet in mouths((TALKING, 2.0), face=1)]
    second = [packet.payload for packet in mouths((TALKING, 2.0), face=2)]
    assert speaker_of(encoded(), [*first[:15], *second[15:]]).face == 2
    still = judged(encoded(), (STILL, 2.0), talking=frozenset({3}))
    assert still == Speaker(3, False), "another face in view talks while this one is still"


def test_silence_within_a_segment_is_not_asked():
    speech = encoded(4.0)
    speech.samples[24_000:48_000] = 0.0
    assert not judged(speech, (TALKING, 1.48), (STILL, 1.52), (TALKING, 1.0)).off_camera


# What is published.

SIGNAL = spoken([1, 2, 3, 4, 5, 6, 7], seconds_each=0.4)


def events(apertures: list[float] | None, **options):
    """What is published of seven words while a mouth does this."""
    speech = run_stage(Encode(CountingEngine(), 0.4), chunks(SIGNAL, [512]))
    end = START / 1e6 + len(SIGNAL) / 16_000
    packets = {"speech": speech, "mouths": mouths((apertures, end))}
    return run_stage(Decode(reading(CountingEngine()), **options), packets)


def test_speech_off_camera_is_marked_and_left_out_only_if_asked():
    (final,) = [event for event in events(STILL).events if isinstance(event, TranscriptFinal)]
    assert final.off_camera and final.face is None and final.text.startswith("one two")
    run = events(STILL, only_on_camera=True)
    assert not [event for event in run.events if isinstance(event, TranscriptFinal)]
    # Until there is enough to judge by, partials are shown; then they are taken back, once.
    *shown, empty = run.events
    assert shown and all(event.text and event.end < START / 1e6 + 1.3 for event in shown)
    assert isinstance(empty, TranscriptPartial) and (empty.stable, empty.unstable) == ("", "")
    assert run.counters["audio.off_camera_seconds"] == pytest.approx(len(SIGNAL) / 16_000, abs=0.01)


def test_text_shown_of_a_segment_found_off_camera_only_at_its_end_is_taken_back():
    speech = list(run_stage(Encode(CountingEngine(), 0.4), chunks(SIGNAL[: round(1.0 * 16_000)], [512])))
    packets = {"speech": speech, "mouths": mouths((STILL, 5.0))}
    events = run_stage(Decode(reading(CountingEngine()), only_on_camera=True), packets).events
    assert [bool(event.text) for event in events] == [True] * (len(events) - 1) + [False] and len(events) > 1


def test_the_beginning_of_a_segment_is_left_out_if_the_one_before_was():
    more = chunks(SIGNAL, [512], segment=2, start=START + micros(5))
    speech = run_stage(Encode(CountingEngine(), 0.4), [*chunks(SIGNAL, [512]), *more])
    packets = {"speech": speech, "mouths": mouths((STILL, 5.5), (TALKING, 4.0))}
    run = run_stage(Decode(reading(CountingEngine()), only_on_camera=True), packets)
    second = [event for event in run.events if event.segment == 2]
    assert second[0].end > 6.7 and isinstance(second[-1], TranscriptFinal) and not second[-1].off_camera


@pytest.mark.parametrize("apertures", [TALKING, None], ids=["the speaker in view", "nobody in view"])
def test_only_on_camera_leaves_nothing_else_out(apertures):
    shown, wanted = events(apertures, only_on_camera=True), events(None)
    assert [event.text for event in shown.events] == [event.text for event in wanted.events]
    assert any(isinstance(event, TranscriptPartial) for event in shown.events)
    assert "audio.off_camera_seconds" not in shown.counters
    assert shown.events[-1].face == (1 if apertures else None)


def test_every_word_tells_how_much_the_lips_moved_it():
    (speech,) = run_stage(Encode(CountingEngine(), None), chunks(SIGNAL, [len(SIGNAL)]))
    gate = np.zeros(len(speech.payload.encoding.features), np.float32)
    gate[: len(gate) // 2] = 0.5
    moved = dataclasses.replace(speech.payload, lip_gate=gate)
    (final,) = run_stage(Decode(reading(CountingEngine())), [dataclasses.replace(speech, payload=moved)]).events
    assert final.lip_gate == pytest.approx(0.25, abs=0.01)
    gates = [word.lip_gate for word in final.words]
    assert gates[0] == 0.5 and gates[-1] == 0.0 and gates == sorted(gates, reverse=True)
