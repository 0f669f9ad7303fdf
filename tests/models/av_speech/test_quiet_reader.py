"""What is said in quiet recordings, read several at a time: whose each word is, and what is not learnt."""

from __future__ import annotations

import numpy as np
import pytest

from lipstream.models.av_speech.enrolment.asked import LEAST_CONFIDENCE
from lipstream.models.av_speech.enrolment.enrolment import Enrolment, Material, Teacher
from lipstream.models.av_speech.enrolment.quiet_reader import read_quietly, voiced_part
from lipstream.models.av_speech.recording import LipTrack, Recording
from lipstream.models.speech.engine import TimedWord
from lipstream.models.speech.recogniser import Recogniser, Transcript

RATE = 16_000
SPEECH = (0.5, 1.5)
"""Seconds of a recording of two in which a voice is heard."""


class Reader(Recogniser):
    """Gives the words it was told to, one text a call, and keeps what it heard."""

    def __init__(self, *texts, longest=30.0):
        self.texts, self.heard, self.hints, self.longest = list(texts), [], [], longest

    def load(self):
        pass

    def recognise(self, utterance, hints):
        self.heard.append(len(utterance.sound) / RATE)
        self.hints.append(hints)
        return Transcript(tuple(self.texts.pop(0)))


def word(text, start, end, confidence=0.9):
    return TimedWord(text, start, end, confidence)


def sound(seconds=2.0):
    made = np.full(int(seconds * RATE), 1e-4, np.float32)
    made[int(SPEECH[0] * RATE) : int(SPEECH[1] * RATE)] = 0.3
    return made


def read(reader, count):
    return read_quietly([sound() for _ in range(count)], reader, lambda *_: None)


def test_a_voice_is_found_in_the_quiet_around_it():
    assert voiced_part(sound()) == pytest.approx(SPEECH, abs=0.05)
    assert voiced_part(np.zeros(RATE, np.float32)) == pytest.approx((0.0, 1.0), abs=0.05)


def test_neighbours_are_read_as_one_and_each_has_its_own_words():
    # "now" is drawn out far over the edge at 2.0 s, but only the first has a voice where it begins.
    reader = Reader([word("set", 0.5, 0.9), word("now", 1.4, 2.45), word("place", 2.5, 3.0), word("soon", 3.1, 3.5)])
    first, second = read(reader, 2)
    assert reader.heard == [4.0]
    assert reader.hints[0].language == "en"
    assert (first.text, second.text) == ("set now", "place soon")
    assert [(each.start, each.end) for each in second.words] == [pytest.approx((0.5, 1.0)), pytest.approx((1.1, 1.5))]
    assert first.words[-1].end == 2.0


def test_a_word_in_silence_is_of_the_voice_before_it():
    reader = Reader([word("set", 0.5, 0.9), word("now", 1.8, 2.4), word("place", 2.5, 3.0)])
    assert [each.text for each in read(reader, 2)] == ["set now", "place"]


@pytest.mark.parametrize(("again", "text"), [(1.2, "go on Go on."), (1.6, "go on")])
def test_what_is_read_again_behind_the_voice_is_no_text(again, text):
    said = [word("go", 0.5, 0.8), word("on", 0.8, 1.1), word("Go", again, again + 0.1), word("on.", again + 0.1, 1.9)]
    (found,) = read(Reader(said), 1)
    assert found.text == text


def test_no_more_is_read_at_once_than_the_recogniser_takes():
    two = [word("go", 0.5, 1.0), word("on", 2.5, 3.0)]
    reader = Reader(two, two, two[:1], longest=4.0)
    assert [each.text for each in read(reader, 5)] == ["go", "on", "go", "on", "go"]
    assert reader.heard == [4.0, 4.0, 2.0]


def test_what_is_passed_over_among_others_is_read_by_itself():
    reader = Reader([word("go", 0.5, 1.0, 0.4), word("on", 0.9, 1.2, 0.9)], [word("again", 0.5, 1.0)])
    first, second = read(reader, 2)
    assert (first.text, second.text) == ("go on", "again")
    assert first.confidence == pytest.approx(0.6)
    assert reader.heard == [4.0, 2.0]


def test_what_says_nothing_has_no_text():
    (found,) = read(Reader([]), 1)
    assert (found.text, found.words, found.confidence) == ("", (), 0.0)


def test_an_enrolment_learns_what_was_told_then_what_is_read_surely(tmp_path):
    recording = Recording((sound() * 32767).astype(np.int16), LipTrack.unseen(50))
    doubtful = LEAST_CONFIDENCE - 0.01
    reader = Reader([word("sure", 0.5, 1.0)], [word("unsure", 0.5, 1.0, doubtful)], longest=2.0)
    material = Material(["a", "b", "c"], [recording] * 3, [None, "told", None], [])
    enrolment = Enrolment(Teacher(None, None, None, None, reader), None, tmp_path, lambda *_: None)
    assert enrolment._texts(material) == ["sure", "told", ""]
