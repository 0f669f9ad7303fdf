"""A speech engine as a recogniser."""

from __future__ import annotations

import numpy as np
import pytest

from lipstream.models.speech.engine import Hypothesis, TimedWord, WordSpan
from lipstream.models.speech.interruption import Interrupted, Interruption
from lipstream.models.speech.recogniser import Hints, Transcript, Utterance
from lipstream.models.speech.split import SplitRecogniser
from tests.stages.fakes import VOCABULARY, CountingEngine


def saying(*numbers: int) -> np.ndarray:
    """0.2 s of sound for each number."""
    return np.repeat(np.array(numbers, np.float32) / 10, 3200)


def heard(sound: np.ndarray, **rest) -> Utterance:
    return Utterance(sound, len(sound) / 16_000, **rest)


@pytest.fixture
def engine():
    return CountingEngine()


def test_it_reads_the_frames_of_the_listener_where_there_are_some(engine):
    recogniser = SplitRecogniser(engine, is_listener=True, language="en")
    sound = saying(1, 2, 3, 0)
    frames = CountingEngine().encode(saying(4, 5, 6, 0))
    found = recogniser.recognise(heard(sound, encoding=frames), Hints())
    assert (found.text, found.language, found.tokens, found.speechless) == ("four five six", "en", (4, 5, 6), False)
    assert engine.encoded == []
    assert recogniser.recognise(heard(sound), Hints()).text == "one two three"


def test_frames_of_another_network_are_not_read(engine):
    recogniser = SplitRecogniser(engine, is_listener=False)
    frames = CountingEngine().encode(saying(4, 5, 6, 0))
    found = recogniser.recognise(heard(saying(1, 2, 3, 0), encoding=frames), Hints())
    assert (found.text, found.language) == ("one two three", None)
    assert (recogniser.reads_frames, recogniser.languages) == (False, frozenset())


def test_words_are_those_of_the_engine_and_the_draft_reaches_it(engine):
    recogniser = SplitRecogniser(engine, is_listener=True, language="en")
    found = recogniser.recognise(heard(saying(1, 2, 0)), Hints(draft=(1,)))
    assert found.words == tuple(
        engine.align(engine.encode(saying(1, 2, 0)), engine.decode(engine.encode(saying(1, 2, 0))))
    )
    assert engine.drafts[0] == (1,)


class Saying(CountingEngine):
    """Says what it is told to, with words of so many seconds."""

    def __init__(self, hypothesis: Hypothesis, lengths: tuple[float, ...] = ()):
        super().__init__()
        self.hypothesis, self.lengths = hypothesis, lengths

    def decode(self, encoding, prefix=(), draft=()):
        return self.hypothesis

    def align(self, encoding, hypothesis):
        ends = np.cumsum(self.lengths)
        spans = zip(hypothesis.text.split(), ends - self.lengths, ends, strict=True)
        return [TimedWord(text, float(start), float(end), 0.9) for text, start, end in spans]


@pytest.mark.parametrize("made_up", [Hypothesis((), (), ""), Hypothesis((9,), (0.9,), "You")], ids=["nothing", "You"])
def test_what_was_made_up_is_no_speech(made_up):
    recogniser = SplitRecogniser(Saying(made_up), is_listener=True, language="en")
    assert recogniser.recognise(heard(saying(1)), Hints()) == Transcript(language="en", speechless=True)


def test_a_tail_that_nobody_said_is_left_out():
    text = Hypothesis((1, 2, 3, 4, 5), (0.9,) * 5, "one two three four five")
    recogniser = SplitRecogniser(Saying(text, (0.3, 0.3, 0.02, 0.02, 0.02)), is_listener=True, language="en")
    assert recogniser.recognise(heard(saying(1, 2, 3, 4)), Hints()).text == "one two"


class Signs(Saying):
    """Has a full stop for the token 9."""

    def words(self, tokens):
        spans = [WordSpan(VOCABULARY[token], at, at + 1) for at, token in enumerate(tokens) if token != 9]
        if tokens and tokens[-1] == 9:
            spans[-1] = WordSpan(f"{spans[-1].text}.", len(tokens) - 2, len(tokens))
        return spans


@pytest.mark.parametrize(
    ("hypothesis", "closing"),
    [
        (Hypothesis((1, 2, 9), (0.9, 0.8, 0.3), "one two."), 0.3),
        (Hypothesis((1, 2), (0.9, 0.8), "one two"), 1.0),
        (Hypothesis((1, 9), (0.9, 0.4), "one."), 0.4),
        (Hypothesis((2, 2), (0.9, 0.8), "two two"), 1.0),
    ],
)
def test_it_tells_how_sure_the_sign_at_the_end_is(hypothesis, closing):
    lengths = (0.3,) * len(hypothesis.text.split())
    recogniser = SplitRecogniser(Signs(hypothesis, lengths), is_listener=True, language="en")
    assert recogniser.recognise(heard(saying(1, 2)), Hints()).closing == pytest.approx(closing)


def test_an_engine_of_ours_gives_way_between_its_steps_and_one_of_a_plug_in_need_not(engine):
    recogniser, interruption = SplitRecogniser(engine, is_listener=True), Interruption()
    assert recogniser.gives_way and not SplitRecogniser(engine, is_listener=False).gives_way
    hints = Hints(interruption=interruption)
    assert recogniser.recognise(heard(saying(1, 2, 0)), hints).text == "one two"
    interruption.ask()
    with pytest.raises(Interrupted):
        recogniser.recognise(heard(saying(1, 2, 0)), hints)
    assert engine.decoded == 1


def test_loading_it_loads_the_engine(engine, monkeypatch):
    loaded = []
    monkeypatch.setattr(engine, "load", lambda: loaded.append(1))
    SplitRecogniser(engine, is_listener=True).load()
    assert loaded == [1]
