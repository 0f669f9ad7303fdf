"""Sounds of hesitation: which are dropped, and what becomes of the sentence."""

from __future__ import annotations

import pytest

from tests.models.speech.wording.texts import shown


@pytest.mark.parametrize(
    ("language", "heard", "written"),
    [
        ("en", "Um, the dog", "The dog"),
        ("en", "I, um, think, uh. Then", "I think. Then"),
        ("en", "I, um, I think", "I, I think"),
        ("en", "I was, um... going", "I was going"),
        ("en", "Mhm, so it is. Um. Yes.", "So it is. Yes."),
        ("en", '"Um, yes," he said', '"Yes," he said'),
        ("en", 'he said "yes, uh." Then', 'he said "yes." Then'),
        ("en", "Uh, iPhone or, uhm, ummm", "iPhone or"),
        ("en", "Uh, uh. um", ""),
        ("de", "Äh, um zwei, ähm, kommt er.", "Um zwei kommt er."),
        ("fr", "Euh, je ne sais pas, euh.", "Je ne sais pas."),
        ("es", "Eh, bueno, em, no", "Bueno no"),
        ("da", "Øh, ja", "Ja"),
    ],
)
def test_fillers_are_dropped_and_the_sentence_holds(language: str, heard: str, written: str):
    assert shown(heard, language=language, fillers="drop") == written


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "I like it, you know, so to err is human"),
        ("en", "The ER is 5 mm away, uh-huh"),
        ("en", "Hm?"),
        ("en", 'He said "um" twice'),
        ("de", "Er kommt um zwei, eh klar"),
        ("es", "Es bueno, ¿eh?"),
        ("it", "Eh sì"),
        ("pt", "Em casa"),
        ("ja", "um"),
        (None, "um"),
    ],
)
def test_words_are_no_fillers(language: str | None, text: str):
    assert shown(text, language=language, fillers="drop") == text


@pytest.mark.parametrize("text", ["Mhm.", "Is it? Hm. Yes", "Mhm, mhm.", "Mm"])
def test_an_answer_is_no_filler(text: str):
    assert shown(text, fillers="drop") == text


def test_a_sound_at_the_open_end_is_not_taken_for_an_answer():
    assert shown("Is it? Mhm", fillers="drop", open_end=True) == "Is it?"
    assert shown("Is it? Mhm.", fillers="drop", open_end=True) == "Is it? Mhm."
