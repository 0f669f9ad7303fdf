"""Timed words for the tests, and what becomes of them."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import strategies as st

from lipstream.models.speech.engine import TimedWord
from lipstream.models.speech.wording import Fillers, Numerals, Wording, WordingOptions

PLAIN = ["dogs", "the", "of", "is", "He", "people", "went"]
SAID_NUMBERS = [
    "one",
    "two",
    "five",
    "nine",
    "ten",
    "nineteen",
    "twenty",
    "eighty",
    "four",
    "hundred",
    "thousand",
    "million",
    "point",
    "oh",
    "a",
    "third",
    "first",
]
NUMBERS = ["2", "10", "1984", "3.14", "99%", "%", "1,000", "21st", "007", "5:30", "$20"]
NATIVE = {
    "de": ["ein", "eine", "Million", "fünf", "zwanzig", "elften", "hundert", "tausend", "und", "Komma", "Leute"],
    "fr": ["un", "cinq", "vingt", "cent", "mille", "millions", "et", "virgule", "quatre-vingt", "onzième", "gens"],
    "es": ["uno", "cinco", "treinta", "y", "coma", "cien", "mil", "millones", "once", "segundo", "gente"],
}
"""Number words of other languages, what may stand in them, and one word that may not."""
SOUNDS = ["um", "Uh", "er", "mhm", "Hm"]


def said(text: str) -> list[TimedWord]:
    """A word every half a second, 0.4 s long, each a little less sure than that before."""
    return [TimedWord(word, 0.5 * at, 0.5 * at + 0.4, 0.9 - 0.01 * at) for at, word in enumerate(text.split())]


def shown(
    text: str,
    *,
    language: str | None = "en",
    numerals: Numerals = "as_heard",
    fillers: Fillers = "keep",
    replace: Mapping[str, str] | None = None,
    open_end: bool = False,
) -> str:
    """The text that is shown for a text that was recognised."""
    wording = Wording(WordingOptions(numerals, fillers, replace or {}))
    return " ".join(word.text for word in wording.apply(said(text), language, open_end=open_end))


def timed_words(texts: list[str]) -> st.SearchStrategy[list[TimedWord]]:
    """Words in order, not overlapping: some of the texts, with and without punctuation, and any at all."""
    text = st.builds(
        lambda before, word, after: before + word + after,
        st.sampled_from(["", "", "", '"', "(", "¿"]),
        st.one_of(st.sampled_from(texts), st.sampled_from(texts), st.text("ab'-.%5é", min_size=1, max_size=5)),
        st.sampled_from(["", "", "", ",", ".", "?", "...", '."', ")"]),
    )
    step = st.floats(0, 2, allow_nan=False)
    return st.lists(st.tuples(text, step, step, st.floats(0, 1)), max_size=12).map(_laid_out)


def _laid_out(parts: list[tuple[str, float, float, float]]) -> list[TimedWord]:
    words: list[TimedWord] = []
    now = 0.0
    for text, pause, length, confidence in parts:
        start = now + pause
        now = start + length
        words.append(TimedWord(text, start, now, confidence))
    return words
