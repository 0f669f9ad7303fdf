"""Numbers recognised in digits, spelled out: which, and which not."""

from __future__ import annotations

import pytest

from lipstream.models.speech.wording import Wording, WordingOptions
from tests.models.speech.wording.texts import said, shown

pytest.importorskip("unicode_rbnf", reason="unicode-rbnf is not installed (pip install '.[dev]')")


@pytest.mark.parametrize(
    ("language", "heard", "written"),
    [
        ("en", "In 1984, 25 people paid", "In nineteen eighty-four, twenty-five people paid"),
        ("en", "so 99% of 1,000.", "so ninety-nine percent of one thousand."),
        ("en", "so 99 %, or 3.05", "so ninety-nine percent, or three point zero five"),
        ("en", "25 came. 3 went.", "Twenty-five came. Three went."),
        ("en", "the 21st (or 22nd) century", "the twenty-first (or twenty-second) century"),
        ("en", "in 2010 and 2005", "in twenty ten and two thousand five"),
        ("de", "Im Jahr 1984 und 12.500", "Im Jahr neunzehnhundertvierundachtzig und zwölftausendfünfhundert"),
        ("de", "sind 3,5 %", "sind drei Komma fünf Prozent"),
        ("fr", "en 2010 25%", "en 2010 25%"),
        ("fr", "soit 3,1 et 71", "soit trois virgule un et soixante-et-onze"),
        ("es", "son 25%", "son veinticinco por ciento"),
    ],
)
def test_numbers_are_spelled_out(language: str, heard: str, written: str):
    assert shown(heard, language=language, numerals="words") == written


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "at 5:30 for $20 with B2B -5 .5 007 the 22th 25-year-old"),
        ("en", "call 555 1234 or 5551234567"),
        ("de", "am 21. Mai hat 1 Mann"),
        ("ja", "25"),
        (None, "25"),
    ],
)
def test_what_is_not_surely_a_number_to_be_read_out_stays(language: str | None, text: str):
    assert shown(text, language=language, numerals="words") == text


@pytest.mark.parametrize(("heard", "written"), [("so 20", "so 20"), ("so 20 of 99 %", "so twenty of 99 %")])
def test_a_number_at_the_open_end_stays(heard: str, written: str):
    assert shown(heard, numerals="words", open_end=True) == written


def test_the_words_of_a_number_share_its_time():
    words = Wording(WordingOptions(numerals="words")).apply(said("so 2005"), "en")
    assert [word.text for word in words] == ["so", "two", "thousand", "five"]
    assert (words[1].start, words[-1].end) == (0.5, 0.9)
