"""A doubtful text is believed only if another recogniser hears some of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lipstream.models.speech.engine import Encoding, Hypothesis, TimedWord
from lipstream.models.speech.recogniser import Hints, Recogniser, Transcript, Utterance
from lipstream.models.speech.second_opinion import DOUBTFUL, HOPELESS, SecondOpinion
from tests.stages.fakes import CountingEngine

SOUND = np.zeros(16_000, np.float32)
UTTERANCE = Utterance(SOUND, 1.0, Encoding(np.zeros((50, 1), np.float32), 50.0, len(SOUND)))


class Reader(Recogniser):
    """Reads what the test says."""

    languages = frozenset({"en", "de"})

    def __init__(self, text: str, confidence: float, language: str = "en") -> None:
        words = tuple(TimedWord(word, at, at + 1.0, confidence) for at, word in enumerate(text.split()))
        self.transcript = Transcript(words, language=language)

    def load(self) -> None: ...

    def recognise(self, utterance, hints):
        return self.transcript


class Listener(CountingEngine):
    """Hears what the test says."""

    def __init__(self, text: str, probability: float = 0.9) -> None:
        super().__init__()
        self.hypothesis = Hypothesis((5, 6, 7), (probability,) * 3, text)

    def decode(self, encoding, prefix=(), draft=()):
        self.decoded += 1
        return self.hypothesis


def read(text: str, confidence: float, heard: str, language: str = "en", probability: float = 0.9) -> str:
    checked = SecondOpinion(Reader(text, confidence, language), Listener(heard, probability))
    checked.load()
    return checked.recognise(UTTERANCE, Hints()).text


@pytest.mark.parametrize(
    ("text", "confidence", "heard", "believed"),
    [
        ("So it was", DOUBTFUL, "Quite another thing", True),
        ("So it was", DOUBTFUL - 0.01, "Quite another thing", False),
        ("So it was", DOUBTFUL - 0.01, "SO, he is", True),
        ("So it was then", DOUBTFUL - 0.01, "So he is", False),
        ("public schools.", HOPELESS - 0.01, "Some public school", False),
        ("neighborhood public schools.", HOPELESS - 0.01, "A neighborhood public school", True),
        ("Oh yeah.", HOPELESS - 0.01, "Yeah, it's a good one", False),
    ],
)
def test_a_doubtful_text_is_believed_if_enough_of_it_is_heard_twice(text, confidence, heard, believed):
    assert read(text, confidence, heard) == (text if believed else "")


@pytest.mark.parametrize(("confidence", "believed"), [(HOPELESS, True), (HOPELESS - 0.01, False)])
def test_a_text_that_goes_on_behind_another_is_checked_only_if_it_is_hopeless(confidence, believed):
    """The last words of the demo clip, 0.7 s, were heard as "As a cheap sum" by the other, and thrown away."""
    reader = Reader("has achieved some", confidence)
    reader.transcript = replace(reader.transcript, joint="")
    checked = SecondOpinion(reader, Listener("As a cheap sum"))
    assert checked.recognise(UTTERANCE, Hints()).text == ("has achieved some" if believed else "")


def test_what_the_other_made_up_itself_is_no_witness():
    assert read("So it was", 0.5, "So it was", probability=0.01) == ""


def test_a_language_that_the_other_does_not_know_is_left_to_the_recogniser():
    assert read("Guten Tag", HOPELESS, "", language="de") == "Guten Tag"
    assert read("Guten Tag", HOPELESS - 0.01, "Guten Tag", language="de") == ""


def test_a_text_that_is_sure_or_not_whole_costs_no_second_reading():
    listener = Listener("nothing of it")
    checked = SecondOpinion(Reader("So it was", 0.9), listener)
    assert checked.recognise(UTTERANCE, Hints()).text == "So it was"
    doubted = SecondOpinion(Reader("So it was", 0.1), listener)
    assert doubted.recognise(Utterance(SOUND, 1.0, whole=False), Hints()).text == "So it was"
    assert listener.decoded == 0


def test_what_is_not_believed_is_speechless_and_keeps_its_language():
    checked = SecondOpinion(Reader("So it was", 0.5), Listener("else"))
    found = checked.recognise(UTTERANCE, Hints())
    assert found.speechless and found.language == "en" and not found.words


def test_where_somebody_is_seen_to_speak_a_doubtful_text_is_not_thrown_away():
    """Beside another voice whole sentences of the visible speaker went, since no two recognisers agreed on them."""
    listener = Listener("Quite another thing")
    checked = SecondOpinion(Reader("So it was", HOPELESS - 0.01), listener)
    assert checked.recognise(UTTERANCE, Hints()).text == ""
    assert checked.recognise(replace(UTTERANCE, seen=True), Hints()).text == "So it was"
    assert listener.decoded == 1
