"""Who reads with a profile: the profile where others are heard or where it is surer, else the chosen recogniser."""

from __future__ import annotations

import numpy as np
import pytest

from lipstream.models.speech.engine import Encoding, TimedWord
from lipstream.models.speech.profile_reader import AS_SURE, DOUBTFUL, OTHERS, ProfileReader
from lipstream.models.speech.recogniser import Hints, Recogniser, Transcript, Utterance
from lipstream.models.speech.second_opinion import HOPELESS

SOUND = np.zeros(16_000, np.float32)


class Reader(Recogniser):
    """Reads what the test says."""

    best_length = 24.0

    def __init__(self, text: str, confidence: float, language: str = "en", knows: str = "en") -> None:
        words = tuple(TimedWord(word, at, at + 1.0, confidence) for at, word in enumerate(text.split()))
        self.transcript = Transcript(words, language=language)
        self.languages = frozenset(knows.split())
        self.heard: list[Utterance] = []

    def load(self) -> None: ...

    def recognise(self, utterance, hints):
        self.heard.append(utterance)
        return self.transcript


def utterance(others: float | None = 0.0, refined: bool = True) -> Utterance:
    frames = np.zeros((50, 1), np.float32)
    return Utterance(SOUND, 1.0, Encoding(frames, 50.0, len(SOUND), refined=refined, others=others))


def readers(mine: float = 0.5, theirs: float = 0.5, language: str = "en") -> tuple[ProfileReader, Reader, Reader]:
    profile, chosen = Reader("mine", mine), Reader("theirs", theirs, language, "en de")
    both = ProfileReader(profile, chosen)
    both.load()
    return both, profile, chosen


def test_where_others_are_heard_the_profile_reads_and_the_chosen_recogniser_is_spared():
    both, _, chosen = readers(mine=0.1, theirs=0.99)
    read = both.recognise(utterance(OTHERS), Hints())
    assert read.text == "mine" and read.fused
    assert not chosen.heard
    assert both.reads_alone(utterance(OTHERS))


@pytest.mark.parametrize("others", [0.0, OTHERS - 0.01, None])
def test_elsewhere_the_chosen_recogniser_reads_past_the_lips(others):
    both, profile, _ = readers(mine=0.99, theirs=DOUBTFUL)
    read = both.recognise(utterance(others), Hints())
    assert read.text == "theirs" and not read.fused
    assert not profile.heard
    assert not both.reads_alone(utterance(others))


def test_in_place_of_what_is_doubted_the_profile_is_believed_unless_it_doubts_more():
    both, _, _ = readers(mine=0.5 * AS_SURE + 0.01, theirs=0.5)
    read = both.recognise(utterance(), Hints())
    assert read.text == "mine" and read.fused
    both, _, _ = readers(mine=0.5 * AS_SURE - 0.01, theirs=0.5)
    assert both.recognise(utterance(), Hints()).text == "theirs"


def test_where_the_chosen_recogniser_reads_nothing_the_profile_is_believed_unless_that_is_hopeless():
    both = ProfileReader(Reader("mine", HOPELESS + 0.01), Reader("", 0.0))
    assert both.recognise(utterance(), Hints()).text == "mine"
    both = ProfileReader(Reader("mine", HOPELESS - 0.01), Reader("", 0.0))
    assert both.recognise(utterance(), Hints()).text == ""
    both = ProfileReader(Reader("", 0.0), Reader("theirs", 0.2))
    assert both.recognise(utterance(), Hints()).text == "theirs"


def test_the_chosen_recogniser_hears_the_sound_alone():
    both, profile, chosen = readers(theirs=0.3)
    both.recognise(utterance(), Hints())
    assert chosen.heard[0].encoding is None and chosen.heard[0].sound is SOUND
    assert profile.heard[0].encoding is not None


def test_frames_that_the_profile_had_no_part_in_are_not_read_in_its_name():
    both, profile, _ = readers(mine=0.99, theirs=0.2)
    assert both.recognise(utterance(None, refined=False), Hints()).text == "theirs"
    assert not profile.heard


@pytest.mark.parametrize(
    ("hints", "language"),
    [(Hints(language="de"), "de"), (Hints(usual="de"), "de"), (Hints(task="translate"), "en")],
)
@pytest.mark.parametrize("others", [0.0, 0.9])
def test_a_profile_reads_its_own_language_and_translates_nothing(hints, language, others):
    both, profile, _ = readers(mine=0.99, theirs=0.2, language=language)
    assert both.recognise(utterance(others), hints).text == "theirs"
    assert not profile.heard


def test_speech_read_as_one_is_all_of_one_reader():
    both, profile, _ = readers(mine=0.7)
    # Several as one have no frames.
    together = both.recognise(Utterance(SOUND, 1.0), Hints())
    assert together.text == "theirs" and not profile.heard
    sure, unsure = (
        Transcript((TimedWord(word, 0, 1, at),), language="en") for word, at in (("sure", 0.9), ("un", 0.1))
    )

    def texts(*parts: Transcript) -> list[str]:
        read = both.reviewed([utterance() for _ in parts], parts, Hints())
        assert len({part.fused for part in read}) == 1
        return [part.text for part in read]

    assert texts(sure, sure) == ["sure", "sure"]
    assert texts(sure, Transcript(language="en")) == ["sure", ""]
    assert texts(sure, unsure) == ["mine", "mine"]
    assert texts(Transcript(language="en"), Transcript(language="en")) == ["mine", "mine"]


def test_it_knows_and_joins_what_the_chosen_recogniser_does():
    both, _, _ = readers()
    assert both.languages == {"en", "de"} and both.best_length == 24.0
