"""Numbers said in words, written in digits: which, and which not."""

from __future__ import annotations

import pytest

from tests.models.speech.wording.texts import shown

pytest.importorskip("text_to_num", reason="text2num is not installed (pip install '.[dev]')")


def digits(text: str, language: str = "en", open_end: bool = False) -> str:
    return shown(text, language=language, numerals="digits", open_end=open_end)


@pytest.mark.parametrize(
    ("heard", "written"),
    [
        ("Twenty five people", "25 people"),
        ("twenty-five people", "25 people"),
        ("a twenty-five-year-old man", "a 25-year-old man"),
        ("two thousand and ten.", "2010."),
        ("three point one four", "3.14"),
        ("ninety nine percent, or so", "99%, or so"),
        ("five per cent", "5%"),
        ("the twenty first century", "the 21st century"),
        ("five hundred and twenty-one thousand", "521,000"),
        ("nine thousand five hundred", "9500"),
        ("one hundred people", "100 people"),
        ("a hundred and five people", "105 people"),
        ("twenty five million", "25 million"),
        ("a hundred million", "100 million"),
        ("two point five million", "2.5 million"),
        ("two billion five million", "2,005,000,000"),
        ("zero zero seven", "007"),
        ("September eleventh two thousand one", "September 11th 2001"),
        ("the twenty second nineteen sixty three", "the 22nd 1963"),
        ("nine one one", "9 1 1"),
        ("eighteen nineteen twenty twenty one", "18 19 20 21"),
        ("twenty five, thirty or (forty) of us", "25, 30 or (40) of us"),
    ],
)
def test_numbers_are_written_in_digits(heard: str, written: str):
    assert digits(heard) == written


@pytest.mark.parametrize(
    ("heard", "written"),
    [
        ("nineteen eighty four.", "1984."),
        ("nineteen oh five", "1905"),
        ("fourteen ninety two", "1492"),
        ("in twenty twenty three we", "in 2023 we"),
        ("in nineteen eighty four twenty people came", "in 1984 20 people came"),
        ("the nineteen eighties", "the 1980s"),
        ("the eighteen hundreds", "the 1800s"),
    ],
)
def test_english_years_are_said_in_halves(heard: str, written: str):
    assert digits(heard) == written


@pytest.mark.parametrize(
    "text",
    [
        "one of us and two of them",
        "the first of all, wait a second",
        "a hundred people, hundreds of thousands, one million",
        "at six thirty",
        "two thirds of it",
        "fifteen twenty minutes",
        "thirteen fourteen",
        "Oh five of them",
        "the eighties",
        "tens of thousands, tenths of it",
        "point five percent",
        "seven-eleven",
        "five, nine",
    ],
)
def test_what_is_loose_small_or_unclear_stays_in_words(text: str):
    assert digits(text) == text


def test_digits_that_were_recognised_are_not_joined_with_words():
    assert digits("twenty 25 five") == "20 25 five"


@pytest.mark.parametrize(
    ("language", "heard", "written"),
    [
        (
            "de",
            "Im Jahr neunzehnhundertvierundachtzig hatte eine Million Leute drei Komma eins vier",
            "Im Jahr 1984 hatte eine Million Leute 3,14",
        ),
        ("de", "am einundzwanzigsten Mai und am einundzwanzigsten.", "am 21. Mai und am 21."),
        ("de", "eine Million zweihunderttausend", "1.200.000"),
        ("de-AT", "zwölftausendfünfhundert", "12.500"),
        ("fr", "quatre-vingt dix-neuf pour cent de deux mille dix", "99 pour cent de 2010"),
        ("fr", "zéro six douze trente-quatre cinquante-six", "06 12 34 56"),
        ("es", "mil gracias, treinta y uno de mayo y un millón", "mil gracias, 31 de mayo y un millón"),
        ("fr", "deux virgule cinq millions et le onzième", "2,5 millions et le 11e"),
        ("es", "dos coma cinco millones y dos coma cinco mil", "2,5 millones y 2,5 mil"),
        ("it", "venticinque e sei", "25 e sei"),
        ("nl", "vijfentwintig", "25"),
        ("pt", "vinte e cinco", "25"),
        ("da", "femogtyve", "25"),
        ("ja", "twenty five", "twenty five"),
    ],
)
def test_other_languages_have_their_own_numbers(language: str, heard: str, written: str):
    assert digits(heard, language) == written


def test_without_a_language_numbers_stay():
    assert shown("twenty five", language=None, numerals="digits") == "twenty five"


@pytest.mark.parametrize(
    "text",
    [
        "It was nineteen eighty",
        "I have two thousand and",
        "three point",
        "twenty five per",
        "a hundred",
        "Twenty five.",
    ],
)
def test_a_number_that_may_go_on_stays_as_heard(text: str):
    assert digits(text, open_end=True) == text


def test_a_number_before_the_open_end_is_written():
    assert digits("twenty five dogs and thirty", open_end=True) == "25 dogs and thirty"


def test_a_number_that_grows_changes_its_form_once():
    words = ["in", "nineteen", "eighty", "four", "was"]
    grown = [digits(" ".join(words[:count]), open_end=True) for count in range(1, len(words) + 1)]
    assert grown[:-1] == [" ".join(words[:count]) for count in range(1, len(words))]
    assert grown[-1] == "in 1984 was"
