"""Speech of several people in one segment that is published by itself, as live: everybody is read by themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from lipstream.events import TranscriptFinal, TranscriptPartial
from lipstream.models.speech.fusion import AudioOnlyFusion
from lipstream.models.speech.recogniser import Recogniser
from lipstream.pipeline import Packet, micros
from lipstream.pipeline.testing import StageRun, run_stage
from lipstream.stages.payloads import EncodedSpeech, SpeakerTurn
from lipstream.stages.speaker.parted import parts_of
from lipstream.stages.speech.decode import Decode
from lipstream.stages.speech.encode import Encode
from lipstream.stages.speech.fuse import Fuse
from lipstream.stages.speech.reading.reader import Reading
from tests.stages.fakes import CountingEngine, reading, spoken
from tests.stages.speech.test_endpoint_prediction import heard, quiet, words
from tests.stages.speech.test_onward import Onward, fronts
from tests.stages.speech.test_speech_stages import chunks

Turns = Sequence[tuple[float, int]]
ONE: Turns = [(0.0, 1)]
TWO: Turns = [(0.0, 1), (1.3, 2)]
SAID = [1, 2, 3, 0, 4, 5, 6]


def encoded(*segments: tuple[list[int], float]) -> list[Packet[EncodedSpeech]]:
    packets = [
        packet
        for number, (said, start) in enumerate(segments, 1)
        for packet in chunks(spoken(said), [512], number, round(start * 1e6))
    ]
    return fused(run_stage(Encode(CountingEngine(), None), packets))


def fused(encoded: StageRun) -> list[Packet[EncodedSpeech]]:
    return run_stage(Fuse(AudioOnlyFusion(), 30.0), {"speech": encoded}).on("speech")


def by(packet: Packet[EncodedSpeech], changes: Turns) -> Packet[EncodedSpeech]:
    """A segment with who speaks in it: from which second on, and their number."""
    speech = packet.payload
    edges = [*(speech.start + micros(second) for second, _ in changes), speech.end]
    turns = tuple(SpeakerTurn(*edge, number) for edge, (_, number) in zip(pairwise(edges), changes, strict=True))
    return replace(packet, payload=replace(speech, turns=turns))


def run(reader: Recogniser, *packets: Packet[EncodedSpeech]) -> StageRun:
    return run_stage(Decode(Reading(reader, reader, onward=12.0)), {"speech": list(packets)})


def finals(run: StageRun) -> list[TranscriptFinal]:
    return [event for event in run.events if isinstance(event, TranscriptFinal)]


def test_each_is_read_by_themselves_and_only_the_last_one_goes_on_in_the_next_segment():
    reader = Onward(closing=(".", 0.1))
    first, second, third = encoded(([7, 8], 1.0), (SAID, 2.5), ([9], 5.6))
    told = finals(run(reader, by(first, ONE), by(second, TWO), by(third, [(0.0, 2)])))
    # Somebody else begins, so that the sentence before is over; whether the last one is, what comes next tells.
    assert [final.text for final in told] == ["seven eight", "one two three. four five six", "nine"]
    assert fronts(reader) == [None, "seven eight", None, "four five six"]
    assert [word.speaker for word in told[1].words] == [1, 1, 1, 2, 2, 2]
    # The words are at the times at which they are in a segment that is read as one.
    (whole,) = finals(run(Onward(), by(second, ONE)))
    assert [(word.start, word.end) for word in told[1].words] == [(word.start, word.end) for word in whole.words]


def test_what_several_people_say_is_not_handed_on_to_be_read_once_more():
    first, second, third = encoded(([7, 8], 1.0), (SAID, 2.5), ([9], 5.6))
    handed = run(Onward(), by(first, ONE), by(second, TWO), by(third, [(0.0, 2)])).on("finished")
    assert [each.payload.read and each.payload.read.text for each in handed] == ["seven eight", None, "nine"]


def test_who_takes_over_a_little_before_it_was_told_has_all_words_of_their_part():
    (packet,) = encoded((SAID, 1.0))
    early, late = ([(0.0, 1), (second, 2)] for second in (0.9, 1.6))
    for changes in (early, late):
        (final,) = finals(run(Onward(), by(packet, changes)))
        assert [word.speaker for word in final.words] == [1, 1, 1, 2, 2, 2]


@pytest.mark.parametrize("turns", [ONE, [(0.0, 1), (1.0, 2), (1.4, 1)]], ids=["one person", "not sure"])
def test_where_nobody_surely_takes_over_it_is_read_as_it_was(turns: Turns):
    packets = encoded((SAID, 1.0), ([7, 8], 4.2))
    without, reader = Onward(joint=","), Onward(joint=",")
    as_ever = finals(run(without, *packets))
    told = finals(run(reader, by(packets[0], turns), by(packets[1], ONE)))
    assert reader.heard[0] == without.heard[0] and fronts(reader) == fronts(without)
    assert [final.text for final in told] == [final.text for final in as_ever]
    assert [(word.start, word.end) for final in told for word in final.words] == [
        (word.start, word.end) for final in as_ever for word in final.words
    ]


def test_a_part_without_words_is_nobodys_and_nothing_is_read_behind_it():
    packets = encoded((SAID, 1.0), ([7], 4.2))
    last = parts_of(by(packets[0], TWO).payload)[-1]
    deaf = Onward(deaf=lambda utterance: len(utterance.sound) == len(last.samples))
    told = finals(run(deaf, by(packets[0], TWO), by(packets[1], [(0.0, 2)])))
    assert [final.text for final in told] == ["one two three", "seven"]
    assert fronts(deaf) == [None, None, None]


@pytest.mark.parametrize(
    ("at_the_pause", "at_the_end", "read"),
    [(ONE, ONE, 1), (TWO, TWO, 2), (ONE, TWO, 3), (TWO, ONE, 3)],
    ids=["one person", "two people", "the second one is told late", "there is no second one"],
)
def test_what_was_read_ahead_stands_if_the_same_people_speak(at_the_pause: Turns, at_the_end: Turns, read: int):
    packets = fused(run_stage(Encode(CountingEngine(), 5.0), heard(words(*SAID), quiet(0.8))))
    ahead, end = packets[-2:]
    assert ahead.payload.prediction == end.payload.prediction
    reader = Onward()
    told = run(reader, by(ahead, at_the_pause), by(end, at_the_end))
    assert [final.text for final in finals(told)] == ["one two three four five six"]
    speakers = [word.speaker for word in finals(told)[0].words]
    assert speakers == ([1, 1, 1, 2, 2, 2] if at_the_end is TWO else [1] * 6)
    assert len(reader.heard) == read
    assert [event.text for event in told.events if isinstance(event, TranscriptPartial)] == [
        "one two three four five six"
    ]


def test_who_reads_frames_is_given_those_of_each_part_alone():
    engine = CountingEngine()
    (packet,) = encoded((SAID, 1.0))
    parted = run_stage(Decode(replace(reading(engine), onward=12.0)), {"speech": [by(packet, TWO)]})
    lengths = [len(part.samples) for part in parts_of(by(packet, TWO).payload)]
    assert engine.encoded == lengths and len(lengths) == 2
    (final,) = finals(parted)
    assert [word.word for word in final.words] == ["one", "two", "three", "four", "five", "six"]
    assert [word.speaker for word in final.words] == [1, 1, 1, 2, 2, 2]


def test_frames_that_an_enrolled_users_networks_have_refined_are_read_as_they_are():
    (packet,) = encoded((SAID, 1.0))
    speech = by(packet, TWO).payload
    refined = replace(speech, encoding=replace(speech.encoding, refined=True))
    assert parts_of(refined) == [refined]


def test_the_mouth_is_judged_in_each_part_by_its_own_time():
    (packet,) = encoded((SAID, 1.0))
    speech = by(packet, TWO).payload
    own = np.linspace(0, 1, len(speech.encoding.features), dtype=np.float32)
    parts = parts_of(replace(speech, active_speaker=own))
    rate = speech.encoding.frame_rate
    for part in parts:
        assert part.active_speaker is not None
        times = (np.arange(len(part.active_speaker)) + 0.5) / rate + (part.start - speech.start) / 1e6
        judged = np.isfinite(part.active_speaker)
        there = np.interp(times[judged], (np.arange(len(own)) + 0.5) / rate, own)
        assert judged.sum() >= rate and np.allclose(part.active_speaker[judged], there, atol=0.02)
