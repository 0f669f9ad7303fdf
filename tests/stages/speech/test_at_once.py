"""Two people in view who speak at once: whom the picture shows, what of two readings is believed, what is published."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lipstream.events import TranscriptFinal, TranscriptPartial
from lipstream.models.face.lip_features import LipFeatures
from lipstream.models.speech.engine import Encoding, TimedWord
from lipstream.models.speech.fusion import FusedSpeech, Fusion, PartedSpeech, VoicePart
from lipstream.models.speech.recogniser import Front, Hints, Recogniser, Transcript, Utterance
from lipstream.pipeline import Packet
from lipstream.pipeline.testing import StageRun, run_stage
from lipstream.stages.payloads import AtOnce, LipFrame, SpeakerTurn, VoiceOf
from lipstream.stages.shedding import FACE_RATE, SECOND_PASS
from lipstream.stages.speech.at_once import (
    TOGETHER,
    ReadBoth,
    Trust,
    believed,
    final_of,
    may_be_believed,
    two_mouths,
    utterance_of,
)
from lipstream.stages.speech.decode import Decode
from lipstream.stages.speech.encode import Encode
from lipstream.stages.speech.fuse import Fuse
from lipstream.stages.speech.reading.reader import Reading
from tests.stages.fakes import CountingEngine, spoken
from tests.stages.speech.test_endpoint_prediction import heard, quiet
from tests.stages.speech.test_endpoint_prediction import words as said
from tests.stages.speech.test_speech_stages import chunks

SECONDS, RATE = 8, 10
MINE = "we think about change"
THEIRS = "look at the justice system"


def lips(face: int) -> LipFeatures:
    still = np.zeros((40, 2), np.float32)
    return LipFeatures(face, np.zeros((96, 96), np.uint8), still, np.zeros(27, np.float32), 0.1)


def words(text: str, start: float = 0.0, confidence: float = 0.9) -> list[TimedWord]:
    """A word each second."""
    return [
        TimedWord(word, start + at, start + at + 0.8, confidence) for at, word in enumerate(text.split()) if word != "_"
    ]


def part(share: float = 0.5, own: float = 0.6, asks: float = 0.0, sound: float = 0.0) -> VoicePart:
    count = SECONDS * RATE
    asked = np.full(count, asks, np.float32)
    encoding = Encoding(np.zeros((count, 2), np.float32), RATE, SECONDS * 16_000, least_confidence=asked)
    samples = np.full(SECONDS * 16_000, sound, np.float32)
    return VoicePart(encoding, samples, np.full(count, 0.4, np.float32), np.full(count, share, np.float32), own)


def at_once(one: VoicePart, other: VoicePart, until: float = SECONDS, **of_other: object) -> AtOnce:
    both = np.arange(SECONDS * RATE) < until * RATE
    return AtOnce((VoiceOf(1, one, 1, "Ann"), VoiceOf(2, other, **of_other)), both)


def texts(found: tuple[list[TimedWord], list[TimedWord]] | None) -> tuple[str, ...] | None:
    return None if found is None else tuple(" ".join(word.text for word in each) for each in found)


def test_two_mouths_are_those_that_move_at_the_same_time_for_a_second():
    alone, both = LipFrame(lips(1)), LipFrame(lips(1), other_lips=(lips(2),))
    assert two_mouths([both] * TOGETHER + [alone] * 50) == (1, 2)
    assert two_mouths([both] * (TOGETHER - 1) + [alone] * 50) is None
    assert two_mouths([alone] * 200) is None


def test_of_three_mouths_the_two_that_move_for_longest_are_taken_whichever_is_looked_at():
    both = [LipFrame(lips(3), other_lips=(lips(1), lips(2)))] * 40 + [LipFrame(lips(1), other_lips=(lips(3),))] * 30
    assert two_mouths(both) == (3, 1)
    # While the mouth that is looked at changes none is, and both are there all the same.
    assert two_mouths([*both, LipFrame(None, other_lips=(lips(1), lips(3)))]) == (3, 1)


def test_two_readings_with_words_of_their_own_are_believed():
    assert texts(believed((words(MINE), words(THEIRS)), at_once(part(), part()))) == (MINE, THEIRS)


def test_what_a_leaking_mask_lets_through_is_captioned_once_and_of_whom_more_is_heard():
    """The same words at the same time in both readings were once said by both."""
    mine, theirs = words(f"{MINE} of the state"), words(f"{THEIRS} of the state")
    theirs[-3:] = mine[-3:]
    assert texts(believed((mine, theirs), at_once(part(0.7), part(0.3)))) == (f"{MINE} of the state", THEIRS)
    assert texts(believed((mine, theirs), at_once(part(0.3), part(0.7)))) == (MINE, f"{THEIRS} of the state")
    assert believed((words(MINE), words(MINE)), at_once(part(0.7), part(0.3))) is None


def test_a_word_that_both_say_at_different_times_is_both_theirs():
    found = believed((words("_ _ _ so be it"), words("so I said")), at_once(part(0.7), part(0.3)))
    assert texts(found) == ("so be it", "so I said")


def test_beyond_what_both_say_all_is_the_first_ones():
    found = believed((words(f"{MINE} and more"), words(f"{THEIRS} and more")), at_once(part(0.7), part(0.6), until=4.0))
    assert texts(found) == (f"{MINE} and more", "look at the justice")


@pytest.mark.parametrize(
    ("theirs", "of"),
    [
        (words(THEIRS, confidence=0.3), part()),
        (words(THEIRS), part(own=0.05)),
        (words("yes no"), part()),
        (words(THEIRS), part(asks=0.95)),
        ([], part()),
    ],
    ids=["doubtful", "a mouth that is not heard", "two words", "not what is asked for", "nothing"],
)
def test_a_second_reading_that_cannot_be_trusted_is_none(theirs, of):
    assert believed((words(MINE), theirs), at_once(part(), of), Trust()) is None


@pytest.mark.parametrize(("speaker", "told"), [(2, [2, 2]), (None, [None, None])])
def test_of_whom_nobody_knows_who_it_is_nothing_is_the_others(speaker: int | None, told: list[int | None]):
    encoded = run_stage(Encode(CountingEngine(), None), chunks(spoken([1]), [512]))[-1].payload
    speech = dataclasses.replace(encoded, turns=(SpeakerTurn(0, 10**8, 1, "Ann"),))
    both = at_once(part(), part(), speaker=speaker)
    final = final_of(speech, both, both.voices[1], words("yes no"), "en")
    assert [word.speaker for word in final.words] == told
    assert (final.speaker, final.speaker_name) == (speaker, None)


class Parting(Fusion):
    """Tells two voices apart: the first is the sound as it is, the second speaks with other samples."""

    uses_lips = True

    def __init__(self) -> None:
        self.asked = 0

    def load(self) -> None: ...

    def fuse(self, encoding, sound, lips):
        return FusedSpeech(encoding)

    def part(self, encoding, sound, mouths):
        self.asked += 1
        count = len(encoding.features)
        half = np.full(count, 0.5, np.float32)
        voices = [VoicePart(encoding, sound + np.float32(extra), half * 0, half, 0.9) for extra in (0.0, 100.0)]
        return PartedSpeech((voices[0], voices[1]), np.ones(count, np.bool_))


class Hearing(Recogniser):
    """Reads one text in the sound as it is, another in what is louder."""

    def __init__(self, mine: str, theirs: str) -> None:
        self._texts = mine, theirs

    def load(self) -> None: ...

    def recognise(self, utterance: Utterance, hints: Hints) -> Transcript:
        text = self._texts[float(utterance.sound.max()) > 10.0]
        found = [TimedWord(word, 0.1 * at, 0.1 * at + 0.05, 0.9) for at, word in enumerate(text.split())]
        return Transcript(tuple(found), language="en")


def test_whoever_checks_a_doubtful_reading_hears_the_sound_of_the_voice():
    class Frames(Hearing):
        reads_frames = True

    encoded = run_stage(Encode(CountingEngine(), None), chunks(spoken([1]), [512]))[-1].payload
    voice = VoiceOf(1, part(asks=0.3, sound=0.5))
    of_sound, of_frames = (utterance_of(voice, encoded, reader("", "")) for reader in (Hearing, Frames))
    # The frames at hand may be those of the mixture; without any they are made from this sound.
    assert of_sound.encoding is None and of_frames.encoding is voice.part.encoding
    assert of_sound.sound is voice.part.sound and not of_sound.seen and not of_frames.seen


def fused_of(fusion: Fusion, encoded: StageRun, others: bool, parts: bool = True, shed: tuple[str, ...] = ()):
    frame = LipFrame(lips(1), other_lips=(lips(2),) if others else ())
    seen = [Packet(at * 40_000, frame) for at in range(200)]
    return list(run_stage(Fuse(fusion, 30.0, parts=parts), {"lips": seen, "speech": encoded}, shed=shed))


def run(recogniser: Recogniser, others: bool, parts: bool = True, join: float = 24.0):
    fusion = Parting()
    encoded = run_stage(Encode(CountingEngine(), None), chunks(spoken([1, 2, 3]), [512]))
    fused = fused_of(fusion, encoded, others, parts)
    told = [
        dataclasses.replace(
            packet,
            payload=dataclasses.replace(
                packet.payload,
                at_once=None
                if packet.payload.at_once is None
                else dataclasses.replace(
                    packet.payload.at_once,
                    voices=tuple(
                        dataclasses.replace(voice, speaker=voice.face + 10) for voice in packet.payload.at_once.voices
                    ),
                ),
            ),
        )
        for packet in fused
    ]
    events = run_stage(Decode(Reading(recogniser, recogniser, join=join)), told).events
    return fusion, [event for event in events if isinstance(event, TranscriptFinal)]


@pytest.mark.parametrize("join", [0.0, 24.0])
def test_both_are_published_each_with_face_and_speaker(join):
    _, (one, other) = run(Hearing(MINE, THEIRS), others=True, join=join)
    assert [(each.text, each.face, each.speaker, each.overlaps) for each in (one, other)] == [
        (MINE, 1, 11, True),
        (THEIRS, 2, 12, True),
    ]
    assert one.segment == other.segment and one.start == other.start
    assert {word.speaker for word in other.words} == {12}


def test_a_second_reading_of_the_same_words_leaves_the_caption_as_it_was():
    _, told = run(Hearing(MINE, MINE), others=True)
    assert told == run(Hearing(MINE, THEIRS), others=True, parts=False)[1]
    assert [(final.text, final.overlaps) for final in told] == [(MINE, False)]


def test_two_of_whom_one_is_not_heard_are_not_read_by_themselves():
    encoded = run_stage(Encode(CountingEngine(), None), chunks(spoken([1]), [512]))[-1].payload
    reader = HearingLive(MINE, THEIRS)
    assert ReadBoth().read(encoded, at_once(part(), part(own=0.1)), reader, Hints()) is None
    assert reader.fronts == []


@given(
    st.lists(st.tuples(st.sampled_from("abcdef"), st.floats(0.01, 1)), max_size=8),
    st.lists(st.tuples(st.sampled_from("abcdef"), st.floats(0.01, 1)), max_size=8),
    st.floats(0, 1),
)
def test_what_may_not_be_believed_of_one_reading_is_not_believed_of_both(mine, theirs, share):
    reads = tuple(
        [TimedWord(text, at, at + 0.8, sure) for at, (text, sure) in enumerate(said)] for said in (mine, theirs)
    )
    both = at_once(part(share), part(1 - share), until=6.0)
    if believed(reads, both) is not None:
        assert all(may_be_believed(words, voice.part, both) for words, voice in zip(reads, both.voices, strict=True))


def test_the_first_is_not_read_where_the_second_says_too_little():
    encoded = run_stage(Encode(CountingEngine(), None), chunks(spoken([1]), [512]))[-1].payload
    reader = HearingLive(MINE, "yes no")
    assert ReadBoth().read(encoded, at_once(part(), part(sound=11.0)), reader, Hints()) is None
    assert len(reader.fronts) == 1


def test_one_mouth_alone_is_never_parted():
    fusion, told = run(Hearing(MINE, THEIRS), others=False)
    assert fusion.asked == 0
    assert told == run(Hearing(MINE, THEIRS), others=False, parts=False)[1]


class HearingLive(Hearing):
    """Counts what it reads, and notes what it is to go on behind."""

    def __init__(self, mine: str, theirs: str) -> None:
        super().__init__(mine, theirs)
        self.fronts: list[Front | None] = []

    def recognise(self, utterance: Utterance, hints: Hints) -> Transcript:
        self.fronts.append(utterance.front)
        return super().recognise(utterance, hints)


SPOKEN = (said(2, 3, 4, 5), quiet(0.8))


def live(reader: Recogniser, *sounds: np.ndarray, others: bool = True, shed: tuple[str, ...] = ()):
    """Speech whose end is foreseen, as live; how often two voices were told apart, and what was told."""
    fusion = Parting()
    fused = fused_of(fusion, run_stage(Encode(CountingEngine(), 5.0), heard(*sounds)), others, shed=shed)
    return fusion.asked, run_stage(Decode(Reading(reader, reader, onward=8.0)), fused, shed=shed).events


def test_where_text_is_shown_as_it_is_said_both_are_read_ahead_of_the_end_and_told_at_it():
    reader = HearingLive(MINE, THEIRS)
    asked, events = live(reader, *SPOKEN)
    assert [(each.text, each.face, each.overlaps) for each in events if isinstance(each, TranscriptFinal)] == [
        (MINE, 1, True),
        (THEIRS, 2, True),
    ]
    # Told apart once, and each read once: the segment has ended as it was foreseen.
    assert (asked, len(reader.fronts)) == (1, 2)
    assert not any(isinstance(event, TranscriptPartial) for event in events)


def test_nothing_is_read_behind_what_two_said_at_once():
    reader = HearingLive(MINE, THEIRS)
    _, events = live(reader, *SPOKEN, *SPOKEN)
    assert [each.text for each in events if isinstance(each, TranscriptFinal)] == [MINE, THEIRS] * 2
    assert reader.fronts == [None] * 4


def test_what_two_did_not_say_live_is_as_ever():
    same = HearingLive(MINE, MINE)
    asked, events = live(same, *SPOKEN)
    assert events == live(HearingLive(MINE, THEIRS), *SPOKEN, others=False)[1]
    assert (asked, len(same.fronts)) == (1, 3)


def test_no_more_of_a_minute_is_told_apart_than_is_allowed():
    segments = [
        packet
        for number, start in enumerate((0, 10, 50, 65), 1)
        for packet in chunks(spoken([1, 2, 3]), [512], number, start * 1_000_000)
    ]
    frame = LipFrame(lips(1), other_lips=(lips(2),))
    seen = [Packet(at * 40_000, frame) for at in range(70 * 25)]
    # Two segments of 1.4 s, and no third one before the first is a minute ago.
    fuse = Fuse(Parting(), 30.0, parts=True, most=3.0)
    packets = run_stage(fuse, {"lips": seen, "speech": run_stage(Encode(CountingEngine(), None), segments)}).on(
        "speech"
    )
    assert [packet.payload.at_once is not None for packet in packets] == [True, True, False, True]


@pytest.mark.parametrize("shed", [SECOND_PASS.name, FACE_RATE.name])
def test_two_at_once_are_given_up_with_the_first_thing_that_a_slow_processor_leaves_out(shed: str):
    asked, events = live(HearingLive(MINE, THEIRS), *SPOKEN, shed=(shed,))
    assert asked == 0 and [each.overlaps for each in events if isinstance(each, TranscriptFinal)] == [False]
