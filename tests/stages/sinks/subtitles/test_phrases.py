"""Where sentences end, by their punctuation, in the languages that people speak."""

from __future__ import annotations

import pytest

from lipstream.stages.sinks.subtitles.phrases import BOUND, CLAUSE, SENTENCE, cut_cost


def cost(text: str, language: str) -> float:
    """Of a cut at the bar."""
    before, after = (part.split() for part in text.split("|"))
    return cut_cost(before[-1], after[0], " ", language, len(before) == 1)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "We left. | The rain came"),
        ("en", "Is it in the U.S.? | Yes"),
        ("en", "We met at 5 p.m. | The rain came"),
        ("de", "Er wohnt z.B. hier. | Sie auch"),
        ("fr", "Vous venez ? | Oui"),
        ("el", "Τι θέλετε; | Δεν ξέρω"),
        ("ur", "بات کریں گے۔ | یہ بہت"),
        ("hi", "बात करेंगे। | यह बहुत"),
        ("ar", "كيف حالكم؟ | نحن"),
        ("hy", "Բարև ձեզ։ | Լավ"),
        ("am", "ሰላም ነው። | እንዴት"),
        ("my", "ကောင်းပါတယ်။ | ဟုတ်"),
    ],
)
def test_a_cut_behind_a_sentence_costs_nothing(language: str, text: str):
    assert cost(text, language) == SENTENCE


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "the U.S. | Army"),
        ("en", "by J.K. | Rowling"),
        ("en", "at 5 p.m. | on Friday"),
        ("en", "and Sen. | Warren"),
        ("en", "Well... | maybe"),
        ("en", '"Why?" | he asked'),
        ("de", "am 21. | Juli"),
        ("de", "im 19. | Jahrhundert"),
        ("de", "also z. | B. hier"),
        ("de", "das heißt d. | h. so"),
        ("de", "z.B. | Berlin"),
        ("es", "el Sr. | López"),
    ],
)
def test_a_full_stop_within_a_sentence_is_not_taken_for_its_end(language: str, text: str):
    assert cost(text, language) >= CLAUSE


@pytest.mark.parametrize(
    ("language", "text"), [("en", "the U.S. | Army"), ("de", "am 21. | Juli"), ("de", "also z. | B. hier")]
)
def test_abbreviations_and_ordinals_stay_with_what_they_belong_to(language: str, text: str):
    assert cost(text, language) == BOUND


@pytest.mark.parametrize(
    ("language", "text"), [("ja", "天気ですね | 明日は"), ("zh", "你好 | 我们"), ("th", "ครับ | วันนี้")]
)
def test_a_space_in_a_language_without_spaces_is_where_a_clause_ends(language: str, text: str):
    assert cost(text, language) == CLAUSE
    assert cost("私の | iPhone", language) > CLAUSE
