"""The stages that tell who speaks: voices of windows, persons, and the look back."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest

from lipstream.events import SpeakerChanged, SpeakerNamed, TranscriptCorrected, TranscriptFinal, Word
from lipstream.models.speech.engine import Encoding
from lipstream.models.speech.fusion import VoicePart
from lipstream.models.voice.diarization import Heard
from lipstream.models.voice.persons import Persons
from lipstream.pipeline import Packet, micros
from lipstream.pipeline.testing import run_stage
from lipstream.stages.payloads import AtOnce, EncodedSpeech, Mouth, MouthState, SpeechChunk, VoiceOf
from lipstream.stages.speaker.faces_seen import OFTEN, FacesSeen
from lipstream.stages.speaker.payloads import SegmentHeard, VoicePrint
from lipstream.stages.speaker.review import Review
from lipstream.stages.speaker.voice_prints import LENGTH, SHORTEST, Voices
from lipstream.stages.speaker.who import SAME_TURN, Who
from lipstream.stages.speech.decode import Decode
from tests.models.voice.voices import Choir
from tests.stages.fakes import CountingEngine, reading

PIECE = 512


class Ear:
    """Remembers what it was given."""

    def __init__(self) -> None:
        self.lengths: list[float] = []

    def load(self) -> None: ...

    def embed(self, windows: Sequence[np.ndarray]) -> np.ndarray:
        self.lengths += [len(window) / 16_000 for window in windows]
        return np.tile(np.eye(1, 8, dtype=np.float32), (len(windows), 1))


def chunks(seconds: float, begin: float = 1.0, pre_roll: float = 0.3, pause: float = 0.4) -> list[Packet[SpeechChunk]]:
    """A segment as voice activity sends it: voiced for so long, between a pre-roll and a pause."""
    count = round((pre_roll + seconds + pause) * 16_000 / PIECE)
    found = []
    for index in range(count):
        at = begin + index * PIECE / 16_000
        end = min(max(at + PIECE / 16_000, begin + pre_roll), begin + pre_roll + seconds)
        chunk = SpeechChunk(
            segment=1,
            samples=np.full(PIECE, 0.1, np.float32),
            first=index == 0,
            last=index == count - 1,
            speech_start=micros(begin + pre_roll),
            speech_end=micros(end),
        )
        found.append(Packet(micros(at), chunk, micros(PIECE / 16_000)))
    return found


def spans(run) -> list[tuple[float, float]]:
    return [(round(each.start / 1e6, 2), round(each.end / 1e6, 2)) for each in run.payloads]


def test_windows_lie_evenly_over_what_is_voiced():
    run = run_stage(Voices(Ear(), early=False), chunks(3.2))
    found = spans(run)
    assert (found[0], found[-1]) == ((1.3, 2.9), (2.9, 4.5))
    assert [round(end - start, 2) for start, end in found] == [LENGTH] * 5
    assert {round(other[0] - one[0], 2) for one, other in pairwise(found)} == {0.4}


def test_short_speech_is_one_window_and_a_click_is_none():
    assert spans(run_stage(Voices(Ear(), early=False), chunks(0.9))) == [(1.3, 2.2)]
    assert spans(run_stage(Voices(Ear(), early=False), chunks(SHORTEST - 0.1))) == []


def test_where_somebody_waits_windows_come_while_it_is_spoken():
    run = run_stage(Voices(Ear(), early=True), chunks(3.2))
    first = run.on("voices")[0]
    assert first.timestamp < micros(1.0 + 0.3 + 1.0)
    assert first.payload.end - first.payload.start < micros(LENGTH)
    assert spans(run)[-1][1] == pytest.approx(4.5, abs=0.05)
    # Nothing is listened to twice, and little at the end.
    late = [each for each in run.on("voices") if each.timestamp == run.on("voices")[-1].timestamp]
    assert len(late) <= 2


@pytest.mark.parametrize("early", [True, False])
def test_text_does_not_wait_for_voices_behind_the_end_of_a_segment(early: bool):
    """Regression: a final waited until voice activity gave up the pre-roll of a segment that might follow."""
    stage, sound = Voices(Ear(), early=early), chunks(1.2)
    end = sound[-1].timestamp + micros(PIECE / 16_000)
    run = run_stage(stage, sound)
    assert run[-1].timestamp == end
    assert stage.watermark(sound[-1].timestamp) == end + 1
    assert stage.watermark(end + micros(1.0)) == end + micros(1.0), "time does not run ahead of the sound"
    # What comes next, however soon, keeps that promise.
    following = run_stage(stage, chunks(SHORTEST, begin=sound[-1].timestamp / 1e6, pre_roll=0.0, pause=0.0))
    assert following and all(each.timestamp > end for each in following)


@pytest.mark.parametrize("early", [True, False])
def test_voices_of_a_device_whose_clock_is_slower_than_the_session_come_in_order(early: bool):
    """Regression: windows were stamped by the samples, and so before what the sound had promised."""
    sound = [dataclasses.replace(each, timestamp=round(each.timestamp * 1.005)) for each in chunks(12.0)]
    run = run_stage(Voices(Ear(), early=early), sound)
    assert run[-1].timestamp == max(each.end for each in sound)


def test_windows_do_not_depend_on_how_the_sound_was_cut():
    whole = chunks(2.5)
    samples = np.concatenate([each.payload.samples for each in whole])
    last = whole[-1].payload
    one = SpeechChunk(1, samples, first=True, last=True, speech_start=last.speech_start, speech_end=last.speech_end)
    assert spans(
        run_stage(Voices(Ear(), early=False), [Packet(whole[0].timestamp, one, micros(len(samples) / 16_000))])
    ) == spans(run_stage(Voices(Ear(), early=False), whole))


# Who.


def speech(segment: int, windows: Sequence[Heard], *, last: bool = True) -> Packet[EncodedSpeech]:
    start, end = micros(windows[0].start), micros(windows[-1].end)
    length = round((end - start) / 1e6 * 16_000)
    encoded = EncodedSpeech(
        segment=segment,
        encoding=Encoding(np.zeros((10, 4), np.float32), 10.0, length),
        samples=np.full(length, 0.1, np.float32),
        start=start,
        speech_start=start,
        speech_end=end,
        end=end,
        last=last,
    )
    return Packet(end, encoded)


def prints(windows: Sequence[Heard]) -> list[Packet[VoicePrint]]:
    end = micros(windows[-1].end)
    return [Packet(end, VoicePrint(w.segment, micros(w.start), micros(w.end), w.voice)) for w in windows]


def run_who(script: Sequence[Sequence[Heard]], who: Who | None = None, **more):
    packets = {
        "voices": [packet for windows in script for packet in prints(windows)],
        "speech": [speech(windows[0].segment, windows) for windows in script],
        **more,
    }
    return run_stage(who or Who(Persons(), 30.0), packets)


def test_speech_gets_the_turns_of_its_speakers():
    choir = Choir(0)
    run = run_who([choir.says("ann"), choir.says("bob"), choir.says("ann", "bob")])
    turns = [packet.payload.turns for packet in run.on("speech")]
    assert [[turn.speaker for turn in each] for each in turns] == [[1], [2], [1, 2]]
    first, second = turns[2]
    assert first.end == second.start
    spoken = run.on("speech")[2].payload
    assert (first.start, second.end) == (spoken.start, spoken.end)


def test_without_voices_speech_goes_on_without_turns():
    windows = Choir(0).says("ann")
    run = run_stage(Who(Persons(), 30.0), {"speech": [speech(1, windows)]})
    assert run.on("speech")[0].payload.turns == ()


def test_before_its_voice_can_be_told_speech_is_that_of_who_spoke_just_before():
    choir = Choir(1)
    ann = choir.says("ann")
    soon, late = ann[-1].end + 0.5, ann[-1].end + SAME_TURN / 1e6 + 1
    for start, expected in ((soon, [1]), (late, [])):
        begun = [Heard(2, start, start + 0.5, ann[0].voice)]
        packets = {"voices": prints(ann), "speech": [speech(1, ann), speech(2, begun, last=False)]}
        run = run_stage(Who(Persons(), 30.0), packets)
        assert [turn.speaker for turn in run.on("speech")[1].payload.turns] == expected


def test_the_mouth_that_speaks_ties_its_face_to_the_voice():
    choir = Choir(2)
    script = [choir.says("ann"), choir.says("bob")]
    mouths = []
    for face, windows in enumerate(script, 1):
        start, end = windows[0].start, windows[-1].end
        for index in range(round((end - start) * 25)):
            # Open and shut, as in speech.
            aperture = 0.08 + 0.06 * float(np.sin(index))
            mouth = Mouth(micros(start + index / 25), face, aperture, MouthState.MOVING, frozenset((face,)))
            mouths.append(Packet(mouth.time, mouth))
    run = run_who(script, mouths=mouths)
    assert [{window.face for window in packet.payload.windows} for packet in run.on("heard")] == [{1}, {2}]
    assert run.on("people")[-1].payload.voice in (None, 2)


def at_once(packet: Packet[EncodedSpeech], *faces: int) -> Packet[EncodedSpeech]:
    encoding = packet.payload.encoding
    part = VoicePart(encoding, packet.payload.samples, np.zeros(10, np.float32), np.zeros(10, np.float32), 0.9)
    one, other = (VoiceOf(face, part) for face in faces)
    both = AtOnce((one, other), np.ones(10, np.bool_))
    return Packet(packet.timestamp, dataclasses.replace(packet.payload, at_once=both))


def test_who_speaks_at_the_same_time_is_told_by_the_face_and_somebody_new_has_a_number_of_their_own():
    choir = Choir(2)
    ann = choir.says("ann")
    known = [dataclasses.replace(window, face=5) for window in ann]
    persons = Persons()
    persons.settled(known, frozenset())
    who = Who(persons, 30.0)
    who.rename(1, "Ann")
    mixed = choir.says("ann")
    packets = {"voices": prints(mixed), "speech": [at_once(speech(mixed[0].segment, mixed), 6, 5)]}
    voices = run_stage(who, packets).on("speech")[0].payload.at_once.voices
    assert [(voice.face, voice.speaker, voice.name) for voice in voices] == [(6, 2, None), (5, 1, "Ann")]
    assert persons.of_face(6) == 2 and persons.of_face(7) == 3
    # That number is nobody else's from then on.
    assert set(persons.settled(choir.says("bob", windows=12), frozenset())) == {4}


def test_while_two_speak_at_once_nobody_gets_a_number_yet():
    choir = Choir(2)
    persons = Persons()
    persons.settled([dataclasses.replace(window, face=5) for window in choir.says("ann")], frozenset())
    mixed = choir.says("ann")
    packets = {"voices": prints(mixed), "speech": [at_once(speech(mixed[0].segment, mixed, last=False), 6, 5)]}
    (told,) = run_stage(Who(persons, 30.0), packets).on("speech")
    assert [voice.speaker for voice in told.payload.at_once.voices] == [None, None]
    assert persons.of_face(7) == 2


@pytest.mark.parametrize(("count", "speaker"), [(1, None), (2, 2)])
def test_who_speaks_at_the_same_time_is_nobody_more_than_there_are(count: int, speaker: int | None):
    choir = Choir(2)
    persons = Persons(count)
    persons.settled([dataclasses.replace(window, face=5) for window in choir.says("ann")], frozenset())
    mixed = choir.says("ann")
    packets = {"voices": prints(mixed), "speech": [at_once(speech(mixed[0].segment, mixed), 6, 5)]}
    (told,) = run_stage(Who(persons, 30.0), packets).on("speech")
    assert [voice.speaker for voice in told.payload.at_once.voices] == [speaker, 1]
    assert persons.of_face(7) is None


def test_a_name_that_is_given_holds_from_then_on_and_is_told():
    choir = Choir(3)
    who = Who(Persons(), 30.0)
    who.rename(1, "Ann")
    run = run_who([choir.says("ann"), choir.says("bob")], who)
    assert [turn.name for packet in run.on("speech") for turn in packet.payload.turns] == ["Ann", None]
    assert [(event.speaker, event.name) for event in run.events if isinstance(event, SpeakerNamed)] == [(1, "Ann")]


def test_two_faces_found_together_for_a_moment_are_not_two_people():
    seen = FacesSeen(10_000_000)
    for at in range(OFTEN - 1):
        seen.see(at * 40_000, [1, 2])
    assert not seen.together
    seen.see(OFTEN * 40_000, [1, 2])
    assert seen.together == {frozenset((1, 2))}
    assert seen.between(0, OFTEN * 40_000) == {1, 2} and seen.between(10**7, 10**8) == frozenset()


# The look back.


def final(segment: int, windows: Sequence[Heard], told: int) -> TranscriptFinal:
    words = tuple(
        Word(word=f"w{index}", start=w.start + 0.7, end=w.start + 0.9, confidence=1.0, speaker=told)
        for index, w in enumerate(windows)
    )
    text = " ".join(word.word for word in words)
    return TranscriptFinal(
        segment=segment, start=words[0].start, end=words[-1].end, text=text, words=words, speaker=told
    )


def review(script: Sequence[Sequence[Heard]], told: Sequence[int]) -> list[SpeakerChanged]:
    heard, finals = [], []
    for windows, number in zip(script, told, strict=True):
        segment, end = windows[0].segment, micros(windows[-1].end)
        heard.append(Packet(end, SegmentHeard(segment, tuple(windows), (number,) * len(windows), frozenset())))
        finals.append(Packet(end, final(segment, windows, number)))
    run = run_stage(Review(), {"heard": heard, "finals": finals})
    return [event for event in run.events if isinstance(event, SpeakerChanged)]


def test_what_was_told_wrongly_is_corrected_once_and_nothing_else():
    choir = Choir(4)
    names = ["ann", "bob", "ann", "bob", "ann"]
    script = [choir.says(name) for name in names]
    (changed,) = review(script, [1, 2, 1, 3, 1])
    assert (changed.segment, changed.previous, changed.speaker) == (4, 3, 2)
    assert changed.words == (2,) * 6
    assert review(script, [1, 2, 1, 2, 1]) == []


def test_words_of_a_segment_may_be_of_two_people():
    choir = Choir(5)
    script = [choir.says("ann"), choir.says("bob"), choir.says("ann", "bob", windows=5), choir.says("bob")]
    changed = {each.segment: each for each in review(script, [1, 2, 1, 2])}
    words = changed[3].words
    assert set(words[:4]) == {1} and set(words[-4:]) == {2} and len(words) == 10


def test_where_somebody_reads_it_is_corrected_as_soon_as_it_is_steady_and_only_once():
    choir = Choir(6)
    script = [choir.says("ann") for _ in range(8)]
    known = [{}, {}, *[{2: (1,) * 6}] * 3, *[{2: (3,) * 6}] * 3]
    stream = []
    for windows, revised, told in zip(script, known, [1, 2, *[1] * 6], strict=True):
        segment, end = windows[0].segment, micros(windows[-1].end)
        packed = SegmentHeard(segment, tuple(windows), (told,) * 6, frozenset(), revised)
        stream.append(("heard", Packet(end, packed)))
        stream.append(("finals", Packet(end, final(segment, windows, told))))
    ports = {name: [packet for port, packet in stream if port == name] for name in ("heard", "finals")}
    run = run_stage(Review(soon=True), ports)
    (changed,) = [event for event in run.events if isinstance(event, SpeakerChanged)]
    assert (changed.segment, changed.previous, changed.speaker, changed.words) == (2, 2, 1, (1,) * 6)
    # At the end of the third later segment of which it is known, not at that of the run.
    assert changed.emitted == pytest.approx(script[4][-1].end, abs=0.01)
    late = run_stage(Review(), ports)
    assert [event.emitted for event in late.events] == [pytest.approx(script[7][-1].end, abs=0.01)]


def test_of_two_who_speak_at_once_each_is_who_has_their_face_elsewhere():
    choir = Choir(6)
    names = ["ann", "bob", "ann"]
    script = [[dataclasses.replace(w, face=1 + (name == "bob")) for w in choir.says(name)] for name in names]
    heard, finals = [], []
    for windows, number in zip(script, (1, 2, 1), strict=True):
        segment, end = windows[0].segment, micros(windows[-1].end)
        heard.append(Packet(end, SegmentHeard(segment, tuple(windows), (number,) * len(windows), frozenset())))
        finals.append(Packet(end, final(segment, windows, number)))
    last = finals[-1].payload
    mine = dataclasses.replace(last, face=1, overlaps=True)
    theirs = dataclasses.replace(final(last.segment, script[-1], 7), face=2, overlaps=True)
    finals[-1:] = [Packet(finals[-1].timestamp, each) for each in (mine, theirs)]
    events = run_stage(Review(), {"heard": heard, "finals": finals}).events
    (changed,) = [event for event in events if isinstance(event, SpeakerChanged)]
    assert (changed.face, changed.previous, changed.speaker, set(changed.words)) == (2, 7, 2, {2})


def test_what_nobody_could_read_is_given_to_nobody():
    choir = Choir(6)
    windows = choir.says("ann")
    end = micros(windows[-1].end)
    heard = Packet(end, SegmentHeard(1, tuple(windows), (1,) * len(windows), frozenset()))
    unclear = dataclasses.replace(final(1, windows, 1), text="[unclear]", speaker=None)
    assert run_stage(Review(), {"heard": [heard], "finals": [Packet(end, unclear)]}).events == []


def test_a_run_without_speech_ends_without_a_word():
    assert run_stage(Review(), {"heard": [], "finals": []}).events == []


class Wire:
    """The surroundings of a stage, as far as it publishes."""

    name = "decode"

    def __init__(self) -> None:
        self.sent: list[int] = []

    def connected(self, port: str) -> bool:
        return True

    def publish(self, event: object) -> None: ...

    def emit(self, port: str, packet: Packet) -> None:
        self.sent.append(packet.timestamp)


def test_a_final_read_after_time_has_gone_on_is_not_told_to_be_earlier():
    """Found on a recording whose sound went on after its last words: what came was promised to be later."""
    decode, wire = Decode(reading(CountingEngine())), Wire()
    decode.attach(wire)
    decode.advance(micros(40.16))
    decode._publish_final(final(1, Choir(0).says("ann"), 1))
    assert wire.sent == [micros(40.16)]


def corrected(told: TranscriptFinal, count: int) -> TranscriptCorrected:
    """The same words once more, and as many as make `count`."""
    more = [dataclasses.replace(told.words[-1], word=f"more{at}") for at in range(count - len(told.words))]
    words = (*told.words, *more)[:count]
    text = " ".join(word.word for word in words)
    return TranscriptCorrected(
        segment=told.segment,
        start=words[0].start,
        end=words[-1].end,
        previous=told.text,
        text=text,
        words=words,
        speaker=told.speaker,
        speaker_name="Ann",
    )


@pytest.mark.parametrize("count", [3, 8])
@pytest.mark.parametrize("late", [False, True], ids=["text first", "speaker first"])
def test_who_says_a_corrected_text_is_told_of_its_own_words(late: bool, count: int):
    """The speakers of other words would be put to them, or those known by now be lost with the text before."""
    choir = Choir(6)
    script = [choir.says("ann") for _ in range(8)]
    known = [{}, {}, *[{2: (1,) * 6}] * 6]
    ports: dict[str, list[Packet]] = {"heard": [], "finals": []}
    for windows, revised, told in zip(script, known, [1, 2, *[1] * 6], strict=True):
        segment, end = windows[0].segment, micros(windows[-1].end)
        heard = SegmentHeard(segment, tuple(windows), (told,) * 6, frozenset(), revised)
        ports["heard"].append(Packet(end, heard))
        ports["finals"].append(Packet(end, final(segment, windows, told)))
    told = ports["finals"][1].payload
    ports["corrected"] = [Packet(ports["finals"][6 if late else 2].timestamp, corrected(told, count))]
    events = run_stage(Review(soon=True), ports).events
    read = next(event for event in events if isinstance(event, TranscriptCorrected))
    changed = next(event for event in events if isinstance(event, SpeakerChanged))
    assert (events.index(changed) < events.index(read)) is late and len(events) == 2
    assert len(changed.words) == (6 if late else count) and set(changed.words) == {1}
    assert len(read.words) == count
    if late:
        assert {word.speaker for word in read.words} == {1} and (read.speaker, read.speaker_name) == (1, None)
    else:
        assert {word.speaker for word in read.words} == {2} and (read.speaker, read.speaker_name) == (2, "Ann")


def test_at_the_end_of_a_run_corrected_texts_are_looked_back_on():
    choir = Choir(4)
    script = [choir.says(name) for name in ["ann", "bob", "ann", "bob", "ann"]]
    ports: dict[str, list[Packet]] = {"heard": [], "finals": [], "corrected": []}
    for windows, number in zip(script, [1, 2, 1, 3, 1], strict=True):
        segment, end = windows[0].segment, micros(windows[-1].end)
        ports["heard"].append(Packet(end, SegmentHeard(segment, tuple(windows), (number,) * 6, frozenset())))
        told = final(segment, windows, number)
        ports["finals"].append(Packet(end, told))
        ports["corrected"].append(Packet(end, corrected(told, 4)))
    events = run_stage(Review(), ports).events
    assert [type(event) for event in events] == [TranscriptCorrected] * 5 + [SpeakerChanged]
    assert (events[-1].segment, events[-1].previous, events[-1].words) == (4, 3, (2,) * 4)
