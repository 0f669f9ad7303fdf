"""Live speech that goes on across pauses: each segment is read behind what was said before it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import pytest

from lipstream.events import SpeechUnclear, TranscriptFinal, TranscriptPartial
from lipstream.models.speech.engine import SAMPLE_RATE, Encoding, TimedWord
from lipstream.models.speech.fusion import AudioOnlyFusion
from lipstream.models.speech.recogniser import Front, Hints, Recogniser, Transcript, Utterance
from lipstream.models.speech.wording import Wording, WordingOptions
from lipstream.pipeline import Packet
from lipstream.pipeline.testing import StageRun, run_stage
from lipstream.stages.payloads import EncodedSpeech
from lipstream.stages.speech.decode import Decode
from lipstream.stages.speech.encode import Encode
from lipstream.stages.speech.fuse import Fuse
from lipstream.stages.speech.joined import LONGEST_PAUSE
from lipstream.stages.speech.on_camera import UNKNOWN, Speaker
from lipstream.stages.speech.onward import SpeechSoFar, closed, continued
from lipstream.stages.speech.reading.reader import Reading
from tests.stages.fakes import VOCABULARY, CountingEngine, spoken
from tests.stages.speech.test_speech_stages import chunks


class Onward(Recogniser):
    """Reads the word "n" where the samples have the value n / 10, and goes on behind the text in front.

    Args:
        joint: the sign that it writes between the text in front and this one.
        closing: the sign behind the last word, and how sure it is of that.
        deaf: whether it reads nothing in an utterance.
        language: that it tells.
        sure: its confidence in an utterance.
    """

    def __init__(
        self,
        joint: str = "",
        closing: tuple[str, float] = ("", 1.0),
        deaf: Callable[[Utterance], bool] = lambda _: False,
        language: str = "en",
        sure: Callable[[Utterance], float] = lambda _: 0.9,
    ) -> None:
        self.heard: list[tuple[float, Front | None]] = []
        self._joint, self._closing, self._deaf, self.language = joint, closing, deaf, language
        self.fails = False
        self._sure = sure

    def load(self) -> None: ...

    def recognise(self, utterance: Utterance, hints: Hints) -> Transcript:
        self.heard.append((round(utterance.duration, 2), utterance.front))
        if self.fails and utterance.front is not None:
            raise RuntimeError("scripted failure")
        if self._deaf(utterance):
            return Transcript(language=self.language, speechless=True)
        values = np.rint(utterance.sound * 10).astype(int)
        edges = [0, *(np.flatnonzero(np.diff(values)) + 1).tolist(), len(values)]
        words = [
            TimedWord(VOCABULARY[values[first]], first / SAMPLE_RATE, last / SAMPLE_RATE, self._sure(utterance))
            for first, last in pairwise(edges)
            if values[first] > 0
        ]
        if words:
            words[-1] = dataclasses.replace(words[-1], text=words[-1].text + self._closing[0])
        joint = None if utterance.front is None else self._joint
        return Transcript(tuple(words), language=self.language, joint=joint, closing=self._closing[1])


def read(reader: Recogniser, *segments: tuple[list[int], float], **wishes: object) -> StageRun:
    packets = [
        packet
        for number, (words, start) in enumerate(segments, 1)
        for packet in chunks(spoken(words), [512], number, round(start * 1e6))
    ]
    encoded = run_stage(Encode(CountingEngine(), None), packets)
    reading = Reading(reader, reader, onward=12.0, **wishes)
    return run_stage(Decode(reading), run_stage(Fuse(AudioOnlyFusion(), 30.0), {"speech": encoded}))


def finals(run: StageRun) -> list[TranscriptFinal]:
    return [event for event in run.events if isinstance(event, TranscriptFinal)]


def fronts(reader: Onward) -> list[str | None]:
    return [front and front.text for _, front in reader.heard]


def segment(length: float, start: float, number: int = 1) -> EncodedSpeech:
    begin, end = round(start * 1e6), round((start + length) * 1e6)
    samples = np.zeros(round(length * SAMPLE_RATE), np.float32)
    frames = Encoding(np.zeros((1, 1), np.float32), 50.0, len(samples))
    return EncodedSpeech(number, frames, samples, begin, begin, end, end, last=True)


def words_of(text: str, step: float = 1.0) -> tuple[TimedWord, ...]:
    return tuple(TimedWord(word, at * step, (at + 1) * step, 0.9) for at, word in enumerate(text.split()))


def test_a_segment_is_read_behind_what_was_said_before_it_and_published_once():
    reader = Onward()
    run = read(reader, ([1, 2], 1.0), ([3, 4], 2.5), ([5], 4.0))
    assert [(event.segment, event.text) for event in finals(run)] == [(1, "one two"), (2, "three four"), (3, "five")]
    assert fronts(reader) == [None, "one two", "one two three four"]
    assert [round(event.start, 2) for event in finals(run)] == [1.0, 2.5, 4.0]
    assert [length for length, _ in reader.heard] == [1.04, 1.04, 0.72]


def test_finals_are_handed_on_as_they_stand_and_what_could_not_be_encoded_parts_them():
    reader = Speaking(lambda _: Transcript(words_of("it was."), language="en", closing=0.1))
    speech = [segment(2.0, 3.0 * number, number) for number in (1, 2, 3)]
    speech[1] = dataclasses.replace(speech[1], failed=True)
    run = decode(reader, speech)
    handed = [packet.payload for packet in run.on("finished")]
    assert [each.speech.segment for each in handed] == [1, 2, 3]
    assert [each.read and each.read.text for each in handed] == ["it was", None, "it was"]
    assert [each.final for each in handed if each.final] == [packet.payload for packet in run.on("finals")]
    # What nobody reads again is not kept.
    assert all(not each.speech.encoding.features.size for each in handed)


def test_nothing_is_read_behind_speech_of_long_ago():
    reader = Onward()
    read(reader, ([1, 2], 1.0), ([3], 1.0 + 1.04 + LONGEST_PAUSE + 0.1))
    assert fronts(reader) == [None, None]


def test_without_joining_each_segment_is_read_by_itself_and_keeps_its_end():
    reader = Onward(closing=(".", 0.1))
    encoded = run_stage(Encode(CountingEngine(), None), chunks(spoken([1]), [512]))
    (final,) = finals(run_stage(Decode(Reading(reader, reader)), encoded))
    assert final.text == "one."


@pytest.mark.parametrize(
    ("sure", "first", "front", "told"),
    [(Recogniser.sure_of_end - 0.01, "one two", "one two", "?"), (Recogniser.sure_of_end, "one two.", "one two.", "")],
)
def test_a_sign_that_is_not_sure_is_left_to_what_comes_next(sure, first, front, told):
    """Half of the pauses inside sentences were shown as full stops."""
    reader = Onward(joint="?", closing=(".", sure))
    run = read(reader, ([1, 2], 1.0), ([3], 2.5), ([4], 3.6))
    assert finals(run)[0].text == first
    assert (fronts(reader)[1], finals(run)[1].joint) == (front, told)
    if told:
        assert fronts(reader)[2] == "one two? three"


@pytest.mark.parametrize(
    ("text", "sure", "shown"),
    [("and it's...", 1.0, "and it's"), ("and it's…", 1.0, "and it's"), ("is it?", 0.2, "is it"), ("so,", 0.9, "so,")],
)
def test_the_sign_at_an_end_that_is_not_sure_is_not_shown(text, sure, shown):
    assert closed(Transcript(words_of(text), closing=sure), 0.6).text == shown


def test_a_recogniser_that_cannot_tell_how_sure_it_is_is_believed():
    assert closed(Transcript(words_of("it was."), closing=None), 0.6).text == "it was."
    assert closed(Transcript((), closing=0.1), 0.6).text == ""


def test_what_goes_on_and_was_read_by_itself_does_not_begin_with_a_capital():
    assert continued(words_of("And it was"), "en")[0].text == "and"
    assert continued(words_of("“That's it"), "en")[0].text == "“that's"
    for name in ("Lisbon is", "I am", "I'm", "NASA is"):
        assert continued(words_of(name), "en") == words_of(name)
    assert continued(words_of("Die Stadt"), "de") == words_of("Die Stadt")


class Capitals(Onward):
    """Begins every text with "The", and makes no use of speech in front."""

    reads_frames = True

    def recognise(self, utterance, hints):
        found = super().recognise(dataclasses.replace(utterance, front=None), hints)
        opening = TimedWord("The", 0.0, 0.01, 0.9)
        return dataclasses.replace(found, words=(opening, *found.words), joint=None)


@pytest.mark.parametrize(("sure", "second"), [(0.1, "the two"), (0.9, "The two.")])
def test_a_recogniser_without_use_for_speech_in_front_goes_on_in_the_sentence_all_the_same(sure, second):
    reader = Capitals(closing=(".", sure))
    assert [event.text for event in finals(read(reader, ([1], 1.0), ([2], 2.2)))][1] == second


def test_speech_in_which_nothing_was_read_is_read_again_with_what_comes_next():
    """A short beginning, such as "Well," or "God,", was lost."""
    reader = Onward(deaf=lambda utterance: utterance.duration < 1.0)
    run = read(reader, ([1], 1.0), ([2, 3], 2.2), ([4, 5], 3.5))
    assert [(event.segment, event.text) for event in finals(run)] == [(1, "one"), (2, "two three"), (3, "four five")]
    assert round(finals(run)[0].start, 2) == 1.0
    assert [length for length, _ in reader.heard] == [0.72, 0.72 + 1.04, 1.04]
    assert fronts(reader)[2] == "one two three"


def test_doubtful_words_in_speech_that_was_passed_over_are_not_believed():
    """A word of the next segment stood there alone."""
    reader = Onward(
        deaf=lambda utterance: utterance.duration < 1.0, sure=lambda each: 0.2 if each.duration > 1.5 else 0.9
    )
    run = read(reader, ([1], 1.0), ([2, 3], 2.2))
    assert [(event.segment, event.text) for event in finals(run)] == [(2, "two three")]


def test_words_that_fusion_has_left_out_are_counted_once():
    reader = Onward(sure=lambda _: 0.4)
    encoded = run_stage(Encode(CountingEngine(), None), chunks(spoken([1, 2]), [512]))
    asked = [
        dataclasses.replace(packet, payload=dataclasses.replace(packet.payload, encoding=encoding))
        for packet in encoded
        for given in [packet.payload.encoding]
        for encoding in [dataclasses.replace(given, least_confidence=np.full(len(given.features), 0.5, np.float32))]
    ]
    run = run_stage(Decode(Reading(reader, reader, onward=8.0)), asked)
    assert run.counters["audio.words_left_out"] == 2


def test_speech_that_was_marked_as_unclear_stays_so():
    """A final of one segment is never published twice."""
    reader = Onward(deaf=lambda utterance: utterance.duration < 1.5)
    run = read(reader, ([1, 2, 3], 1.0), ([4, 5, 6, 7], 3.0), mark_unclear=True)
    assert [(event.segment, event.text) for event in finals(run)] == [(1, "[unclear]"), (2, "four five six seven")]


def test_what_makes_no_sense_behind_the_text_before_it_is_read_by_itself():
    reader = Onward(deaf=lambda utterance: utterance.front is not None)
    run = read(reader, ([1, 2], 1.0), ([3, 4], 2.5))
    assert [event.text for event in finals(run)] == ["one two", "three four"]
    assert not any(isinstance(event, SpeechUnclear) for event in run.events)


def test_speech_that_cannot_be_read_behind_other_speech_is_read_by_itself():
    reader = Onward()
    reader.fails = True
    run = read(reader, ([1, 2], 1.0), ([3, 4], 2.5))
    assert [event.text for event in finals(run)] == ["one two", "three four"]
    assert run.counters.get("speech.failed_segments", 0) == 0


def test_only_so_much_is_kept_in_front_and_words_are_not_cut():
    so_far = SpeechSoFar(3.0)
    so_far.add(segment(2.5, 0.0), Transcript(words_of("one two"), language="en"), UNKNOWN)
    so_far.add(segment(2.5, 2.6), Transcript(words_of("three four"), language="en"), UNKNOWN)
    front = so_far.before(segment(1.0, 5.5), UNKNOWN).front
    # "two" begins at 1.0 of 5.0 seconds, which is not among the newest three.
    assert front is not None and front.text == "three four"
    assert len(front.sound) / SAMPLE_RATE == pytest.approx(2.75, abs=0.01)


def test_one_long_word_is_not_kept_in_front():
    so_far = SpeechSoFar(3.0)
    so_far.add(segment(9.0, 0.0), Transcript(words_of("one", 9.0), language="en"), UNKNOWN)
    assert so_far.before(segment(1.0, 9.5), UNKNOWN).front is None


@pytest.mark.parametrize(
    ("before", "now", "together"),
    [
        (Speaker(1, False), Speaker(1, False), True),
        (Speaker(1, False), UNKNOWN, True),
        (Speaker(1, False), Speaker(2, False), False),
        (Speaker(1, False), Speaker(None, True), False),
    ],
)
def test_nothing_is_read_behind_what_somebody_else_said(before, now, together):
    so_far = SpeechSoFar(12.0)
    so_far.add(segment(1.0, 0.0), Transcript(words_of("one"), language="en"), before)
    assert (so_far.before(segment(1.0, 1.2), now).front is not None) is together


def test_the_run_begins_anew_with_another_language():
    so_far = SpeechSoFar(12.0)
    so_far.add(segment(1.0, 0.0), Transcript(words_of("eins"), language="de"), UNKNOWN)
    so_far.add(segment(1.0, 1.2), Transcript(words_of("one"), language="en"), UNKNOWN)
    front = so_far.before(segment(1.0, 2.4), UNKNOWN).front
    assert front is not None and (front.text, front.language) == ("one", "en")


def test_a_segment_that_failed_is_not_passed_over_in_what_was_said():
    reader = Onward()
    speech: Sequence[int] = [1, 2]
    packets = [
        packet
        for number, start in ((1, 1.0), (2, 2.3), (3, 3.6))
        for packet in chunks(spoken(speech), [512], number, round(start * 1e6))
    ]
    encoded = run_stage(Encode(CountingEngine(), None), packets)
    broken = [
        dataclasses.replace(packet, payload=dataclasses.replace(packet.payload, failed=packet.payload.segment == 2))
        for packet in encoded
    ]
    run_stage(Decode(Reading(reader, reader, onward=12.0)), broken)
    assert fronts(reader) == [None, None]


class Speaking(Recogniser):
    """Reads what a script says of an utterance, and keeps what it was told."""

    def __init__(self, script: Callable[[Utterance], Transcript]) -> None:
        self._script = script
        self.told: list[Hints] = []

    def load(self) -> None: ...

    def recognise(self, utterance: Utterance, hints: Hints) -> Transcript:
        self.told.append(hints)
        return self._script(utterance)


def decode(reader: Recogniser, speech: Sequence[EncodedSpeech], **wishes: object) -> StageRun:
    packets = [Packet(each.end, each) for each in speech]
    return run_stage(Decode(Reading(reader, reader, onward=8.0, **wishes)), {"speech": packets})


def test_the_language_of_a_segment_that_ended_as_foreseen_is_remembered():
    """Regression: it was remembered only where the end was read anew, so live hardly ever."""
    reader = Speaking(lambda _: Transcript(words_of("hallo welt"), language="de"))
    ends = [segment(2.0, 3.0 * number, number) for number in (1, 2)]
    ends = [dataclasses.replace(each, prediction=each.segment) for each in ends]
    ahead = [dataclasses.replace(each, last=False, tentative=True) for each in ends]
    run = decode(reader, [ahead[0], ends[0], ahead[1], ends[1]])
    assert [each.usual for each in reader.told] == [None, "de"]
    assert [each.language for each in finals(run)] == ["de", "de"]


def test_speech_read_late_that_has_no_words_after_all_leaves_the_text_that_is_shown():
    """Regression: the text of the segment under way was taken back, and the earlier one was told of twice."""

    def script(utterance: Utterance) -> Transcript:
        if utterance.duration < 1.2:
            return Transcript(language="en")
        late = utterance.duration > 2.5
        return Transcript(words_of("um good evening" if late else "good morning", 0.7), language="en")

    reader = Speaking(script)
    second = segment(2.2, 2.2, 2)
    open_text = dataclasses.replace(second, last=False, samples=second.samples[: 19 * SAMPLE_RATE // 10])
    speech = [segment(1.0, 1.0), *(dataclasses.replace(open_text, end=second.end - left) for left in (2, 1)), second]
    run = decode(reader, speech, wording=Wording(WordingOptions(fillers="drop")))
    assert [event.segment for event in run.events if isinstance(event, SpeechUnclear)] == [1]
    assert [event.stable for event in run.events if isinstance(event, TranscriptPartial)][-1:] != [""]
    [final] = finals(run)
    assert final.text.casefold() == "good evening" and [each.was for each in final.revised] == ["morning"]
