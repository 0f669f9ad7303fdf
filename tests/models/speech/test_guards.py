"""What is cut off, what is rejected, and what must survive."""

from __future__ import annotations

import math

import pytest

from lipstream.models.speech.engine import Hypothesis
from lipstream.models.speech.guards import LoopGuard, is_hallucination, token_limit

LONG = 60.0
"""Seconds: far more than the texts here need, so nothing counts as too fast."""


def kept(text: str, duration: float = LONG, keep: int = 0) -> str:
    """What is left of a text given token by token, one a word; a token that continues a word begins with "+"."""
    tokens = [word if word.startswith("+") else f"_{word}" for word in text.split()]
    vocabulary = sorted(set(tokens))
    guard = LoopGuard(lambda token: vocabulary[token].startswith("_"), duration, keep)
    ids = [vocabulary.index(token) for token in tokens]
    for length in range(1, len(ids) + 1):
        cut = guard(ids[:length])
        if cut < length:
            return " ".join(tokens[:cut]).replace("_", "")
    return " ".join(tokens).replace("_", "")


@pytest.mark.parametrize(
    "text",
    [
        "oh no no no no",
        "it was very very very good",
        "no no no no no no",
        "I know I know",
        "it was the best of times it was the worst of times",
        "one two one two",
        "1 +000 +000 +000 +000",
    ],
)
def test_what_people_repeat_survives(text):
    assert kept(text) == text


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("so I have to I have to I have to", "so I have to"),
        ("the head of the music the head of the music the head of the music", "the head of the music"),
        ("and then then then then then then then", "and then"),
        ("2 +2 +/ +2 +/ +2 +/ +2 +/ +2 +/ +2 +/ +2 +/", "2 +2 +/"),
        ("x a b c d e f g h i j k l a b c d e f g h i j k l a b c d e f g h i j k l", "x a b c d e f g h i j k l"),
    ],
)
def test_a_loop_is_cut_to_its_first_instance(text, left):
    assert kept(text) == left


def test_what_follows_a_loop_is_not_decoded():
    assert kept("we go home we go home we go home now") == "we go home"


def test_a_doubled_sentence_is_cut_when_it_is_too_fast_to_have_been_said():
    doubled = "it was the age of wisdom it was the age of wisdom"
    assert kept(doubled, duration=1.6) == "it was the age of wisdom"
    assert kept(doubled, duration=4.0) == doubled


def test_a_fast_repeated_word_survives():
    assert kept("no no no no", duration=0.5) == "no no no no"


def test_promised_tokens_are_never_cut():
    assert kept("we go we go we go we go", keep=5) == "we go we go we"


def test_token_limit_grows_with_the_audio():
    assert token_limit(0.0) > 0
    assert token_limit(10.0) - token_limit(0.0) == 65


def hypothesis(text: str, *probabilities: float) -> Hypothesis:
    return Hypothesis(tuple(range(300, 300 + len(probabilities))), probabilities, text)


@pytest.mark.parametrize(
    "made_up",
    [
        Hypothesis((), (), ""),
        hypothesis("You", 0.9),
        hypothesis("♪♪♪", 0.6, 0.9, 0.99),
        hypothesis("...", 0.9),
        hypothesis("2-3ตวบนลาง", 0.2, 0.9, 0.9, 0.9),
        hypothesis("Thank you for watching.", 0.2, 0.98, 0.7, 0.6, 0.7),
        hypothesis("The", 0.1),
        hypothesis("So, you can do this or that or more.", *[0.2] * 12),
    ],
    ids=lambda each: each.text or "nothing",
)
def test_what_is_said_about_no_speech_is_rejected(made_up):
    assert is_hallucination(made_up)


@pytest.mark.parametrize(
    "heard",
    [
        hypothesis("You.", 0.6, 0.7),
        hypothesis("You relate to it, right?", 0.26, 0.62, 0.99, 0.99, 0.9, 0.95, 0.9),
        hypothesis("You hear me.", 0.42, 0.9, 0.99, 0.9),
        hypothesis("Thank you for watching.", 0.9, 0.99, 0.99, 0.99, 0.9),
        hypothesis("Um", 0.97),
        hypothesis("1984.", 0.8, 0.9, 0.9, 0.9, 0.7),
        hypothesis("Café Zürich.", 0.7, 0.5, 0.6, 0.9),
        hypothesis("A long text whose first word was cut off.", 0.09, *[0.9] * 9),
    ],
    ids=lambda each: each.text,
)
def test_what_was_heard_is_kept(heard):
    assert not is_hallucination(heard)


def test_the_script_is_that_of_the_language():
    russian = hypothesis("Добрый день.", 0.9, 0.9, 0.9)
    assert is_hallucination(russian)
    assert not is_hallucination(russian, script="CYRILLIC")


def test_mean_log_probability():
    assert hypothesis("a b", 0.5, 0.25).mean_log_probability == pytest.approx((math.log(0.5) + math.log(0.25)) / 2)
    assert Hypothesis((), (), "").mean_log_probability == 0.0
    assert math.isfinite(hypothesis("a", 0.0).mean_log_probability)
