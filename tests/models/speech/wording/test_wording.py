"""What holds whatever is asked: times, identity, what must not change, text that grows."""

from __future__ import annotations

import sys
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lipstream.models.errors import ModelError
from lipstream.models.speech.engine import TimedWord
from lipstream.models.speech.wording import Wording, WordingOptions
from tests.models.speech.wording.texts import NATIVE, NUMBERS, PLAIN, SAID_NUMBERS, SOUNDS, said, shown, timed_words

HINT = "is not installed (pip install '.[dev]')"
REPLACED = {"dogs": "cats", "the people": "folk", "he": "", "went": "did go there", "of": "***", "first": "No. 1"}
LANGUAGES = st.sampled_from(["en", "de", "fr", "es", "EN-gb", "ja", None])
EVERY = timed_words([*PLAIN, *SAID_NUMBERS, *NUMBERS, *SOUNDS])


@st.composite
def options(draw: st.DrawFn) -> WordingOptions:
    numerals = draw(st.sampled_from(["as_heard", "digits", "words"]))
    pytest.importorskip("text_to_num", reason=f"text2num {HINT}")
    pytest.importorskip("unicode_rbnf", reason=f"unicode-rbnf {HINT}")
    return WordingOptions(numerals, draw(st.sampled_from(["keep", "drop"])), draw(st.sampled_from([{}, REPLACED])))


@given(EVERY, LANGUAGES, st.booleans())
def test_nothing_asked_changes_nothing(words: list[TimedWord], language: str | None, open_end: bool):
    assert Wording().apply(words, language, open_end=open_end) == tuple(words)


@given(options(), EVERY, LANGUAGES, st.booleans())
def test_times_stay_in_order_within_those_heard(
    asked: WordingOptions, words: list[TimedWord], language: str | None, open_end: bool
):
    written = Wording(asked).apply(words, language, open_end=open_end)
    assert all(word.start <= word.end for word in written)
    assert all(before.end <= after.start for before, after in pairwise(written))
    assert all(words[0].start <= word.start and word.end <= words[-1].end for word in written)
    assert all(word.text and word.text == "".join(word.text.split()) for word in written)
    assert {word.confidence for word in written} <= {word.confidence for word in words}


@given(options(), timed_words(["dog", "The", "haus", "and", "per", "o", "cent"]), LANGUAGES, st.booleans())
def test_words_that_no_rule_knows_stay_as_they_are(
    asked: WordingOptions, words: list[TimedWord], language: str | None, open_end: bool
):
    plain = [word for word in words if not any(letter.isdigit() or letter == "%" for letter in word.text)]
    plain = [word for word in plain if word.text.strip('"(¿,.?)') not in ("o", "cent")]
    assert Wording(asked).apply(plain, language, open_end=open_end) == tuple(plain)


@given(options(), EVERY, EVERY, LANGUAGES)
def test_what_was_written_before_a_plain_word_stays_as_the_text_grows(
    asked: WordingOptions, words: list[TimedWord], more: list[TimedWord], language: str | None
):
    """A number or a filler at the end may not be decided yet; all before a word that is neither is."""
    begun = [*words, TimedWord("xylophones", 100.0, 101.0, 0.5)]
    whole = [*begun, *(TimedWord(word.text, word.start + 101, word.end + 101, word.confidence) for word in more)]
    early = Wording(asked).apply(begun, language, open_end=True)
    late = Wording(asked).apply(whole, language)
    # The comma or full stop of the last word depends on what follows.
    assert late[: len(early) - 1] == early[:-1]
    assert late[len(early) - 1].text.startswith(early[-1].text)


@given(st.data(), st.sampled_from(sorted(NATIVE)))
def test_numbers_of_other_languages_stay_as_the_text_grows(data: st.DataObject, language: str):
    pytest.importorskip("text_to_num", reason=f"text2num {HINT}")
    words = data.draw(timed_words(NATIVE[language]))
    closed = [*words, TimedWord("xylophones", 100.0, 101.0, 0.5)]
    more = [TimedWord("fin", 101.0, 101.0, 0.5), *(TimedWord(text, 102.0, 102.0, 0.5) for text in NATIVE[language])]
    wording = Wording(WordingOptions(numerals="digits"))
    early = wording.apply(closed, language, open_end=True)
    assert wording.apply([*closed, *more], language)[: len(early)] == early


@given(EVERY, LANGUAGES)
def test_fillers_dropped_leave_the_other_words(words: list[TimedWord], language: str | None):
    def letters(word: TimedWord) -> str:
        return "".join(filter(str.isalnum, word.text)).casefold()

    sounds = {sound.casefold() for sound in SOUNDS}
    written = Wording(WordingOptions(fillers="drop")).apply(words, language)
    assert [letters(word) for word in written if letters(word) not in sounds] == [
        letters(word) for word in words if letters(word) not in sounds
    ]
    assert {(word.start, word.end, word.confidence) for word in written} <= {
        (word.start, word.end, word.confidence) for word in words
    }


def test_words_that_become_one_span_all_with_the_lowest_confidence():
    (word,) = Wording(WordingOptions(replace={"lip stream": "Lipstream"})).apply(said("lip stream"), None)
    assert word == TimedWord("Lipstream", 0.0, 0.9, 0.89)


def test_one_word_that_becomes_several_shares_its_time_by_length():
    written = Wording(WordingOptions(replace={"gonna": "going to"})).apply([TimedWord("gonna,", 1.0, 2.0, 0.7)], None)
    assert [(word.text, word.confidence) for word in written] == [("going", 0.7), ("to,", 0.7)]
    assert [time for word in written for time in (word.start, word.end)] == pytest.approx([1, 1.625, 1.625, 2])


def test_as_many_words_keep_their_own_times():
    written = Wording(WordingOptions(replace={"new york": "old york"})).apply(said("new york"), None)
    assert [(word.start, word.end, word.confidence) for word in written] == [(0, 0.4, 0.9), (0.5, 0.9, 0.89)]


def test_what_the_user_wrote_is_not_made_a_number_or_dropped():
    pytest.importorskip("text_to_num", reason=f"text2num {HINT}")
    names = {"twenty one pilots": "twenty one pilots", "ahem": "um", "mhm": "yes"}
    text = "I like twenty one pilots and twenty one dogs ahem mhm so"
    assert (
        shown(text, numerals="digits", fillers="drop", replace=names)
        == "I like twenty one pilots and 21 dogs um yes so"
    )


def test_no_number_goes_across_what_the_user_wrote():
    pytest.importorskip("text_to_num", reason=f"text2num {HINT}")
    assert shown("twenty um five dogs", numerals="digits", replace={"um": "-"}) == "20 - five dogs"


def test_a_filler_in_a_number_is_passed_over():
    pytest.importorskip("text_to_num", reason=f"text2num {HINT}")
    assert shown("twenty, uh, five dogs", numerals="digits", fillers="drop") == "25 dogs"


@pytest.mark.parametrize(
    ("numerals", "module", "package"),
    [("digits", "text_to_num", "text2num"), ("words", "unicode_rbnf", "unicode-rbnf")],
)
def test_a_missing_library_is_named_in_one_line(
    numerals: str, module: str, package: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ModelError) as error:
        Wording(WordingOptions(numerals=numerals))
    assert str(error.value) == f"speech.numerals={numerals} needs {package}: pip install 'lipstream[numerals]'"
    Wording(WordingOptions(fillers="drop"))
