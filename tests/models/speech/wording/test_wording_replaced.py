"""Words and phrases the user wants otherwise, and the capital of the English "I"."""

from __future__ import annotations

import pytest

from lipstream.models.speech.engine import TimedWord
from lipstream.models.speech.wording import Wording, WordingOptions, capital_i
from tests.models.speech.wording.texts import said, shown


@pytest.mark.parametrize(
    ("replace", "heard", "written"),
    [
        ({"lip stream": "Lipstream"}, "Lip stream, is lip stream.", "Lipstream, is Lipstream."),
        ({"lip stream": "Lipstream"}, "lip, stream", "lip, stream"),
        ({"damn": "***"}, "Damn! the damned DAMN", "***! the damned ***"),
        ({"colour": "color"}, 'Colour is "colour".', 'Color is "color".'),
        ({"i phone": "iPhone"}, "I phone works", "iPhone works"),
        ({"heck": ""}, "Heck no. What the heck. Heck.", "No. What the."),
        ({"you know": ""}, "It was, you know, fine", "It was fine"),
        ({"U.S.": "US"}, "the U.S. is in the U.S.", "the US is in the US."),
        ({"new york": "NY", "new york city": "NYC"}, "New York City or new york", "NYC or NY"),
        ({"don't": "do not"}, "Don’t go", "Do not go"),
        ({"a": "b", "b": "c"}, "a b", "b c"),
        ({"كلب": "***"}, "هذا كلب، كلب؟", "هذا ***، ***؟"),
        ({"कुत्ता": "***"}, "यह कुत्ता।", "यह ***।"),
        ({"کتا": ""}, "یہ ہے کتا۔", "یہ ہے۔"),
        ({"リップ": "Lip"}, "「リップ」、 リップ；", "「Lip」、 Lip；"),
        ({"élan": "zeal"}, "e\u0301lan", "zeal"),
    ],
)
def test_words_are_replaced(replace: dict[str, str], heard: str, written: str):
    assert shown(heard, language=None, replace=replace) == written


def test_a_word_is_found_beside_the_spaces_that_french_has_before_its_signs():
    words = [TimedWord(text, 0.0, 0.4, 0.9) for text in ("« Merde »", "dit-il.", "Merde\u202f!", "Euh...", "non ?")]
    heard = Wording(WordingOptions(replace={"merde": "M***"}, fillers="drop")).apply(words, "fr")
    assert [word.text for word in heard] == ["« M*** »", "dit-il.", "M***\u202f!", "Non ?"]


@pytest.mark.parametrize("replace", [{"": "x"}, {" ... ": "x"}, {"A b": "x", "a  B": "y"}])
def test_keys_that_mean_nothing_are_refused(replace: dict[str, str]):
    with pytest.raises(ValueError, match="to be replaced"):
        Wording(WordingOptions(replace=replace))


def test_the_english_i_is_a_capital():
    words = capital_i(said("i think i'm (i) i’ll, i'd. i've hi i.e. I"), "en-GB")
    assert " ".join(word.text for word in words) == "I think I'm (I) I’ll, I'd. I've hi i.e. I"
    assert words[0] == TimedWord("I", 0.0, 0.4, 0.9)


@pytest.mark.parametrize("language", ["it", None])
def test_the_i_of_other_languages_stays(language: str | None):
    assert capital_i(said("i libri"), language) == tuple(said("i libri"))
