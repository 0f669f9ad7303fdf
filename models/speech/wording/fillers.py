"""Sounds of hesitation: which of the words are no words."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lipstream.models.speech.wording.punctuation import QUOTES, base_language, begins_sentence, ends_sentence, marked

_HUMS = r"h+m+|m{2,}|m+h+m+"
_SOUNDS = {
    "en": rf"u+h+m*|u+m+|er|e+rm+|{_HUMS}",
    "de": rf"ä+h*m*|ö+h*m*|e+hm+|u+hm+|{_HUMS}",
    "fr": rf"h*e+u+h+|he+u+|e+u+hm+|hum+|{_HUMS}",
    "es": rf"e+h+m*|e+m+|{_HUMS}",
    "it": rf"e+hm+|u+h+m*|{_HUMS}",
    "nl": rf"e+u?h+m*|u+h+m*|{_HUMS}",
    "pt": rf"e+hm+|u+h+m*|ã+h+|{_HUMS}",
    "da": rf"ø+h+m*|æ+h+m*|e+hm+|{_HUMS}",
}
"""By language, for letter by letter what is a word in another: "um" is none in English, but one in German."""
LANGUAGES = frozenset(_SOUNDS)
_PATTERNS = {language: re.compile(sounds, re.IGNORECASE) for language, sounds in _SOUNDS.items()}
_ANSWERS = re.compile(_HUMS, re.IGNORECASE)


def hesitations(texts: Sequence[str], language: str | None, open_end: bool = False) -> set[int]:
    """Indices of the words that are sounds of hesitation.

    Not among them: a sound with a question mark ("Hm?", "¿eh?"); one in quotes of its own, in capitals (ER, MM), or
    after a number in digits ("5 mm"); and "hm", "mm" or "mhm" that is a sentence by itself, for that is an answer.

    Args:
        texts: the words.
        language: code of their language; of one not in `LANGUAGES` no sounds are known.
        open_end: the text goes on, so that a sound at its end is not a sentence by itself yet.
    """
    pattern = _PATTERNS.get(base_language(language) or "")
    if pattern is None:
        return set()
    found = {at for at in range(len(texts)) if pattern.fullmatch(marked(texts[at]).core) and _is_hesitation(texts, at)}
    return found - _answers(texts, found, open_end)


def _is_hesitation(texts: Sequence[str], at: int) -> bool:
    parts = marked(texts[at])
    if "?" in parts.after or "¿" in parts.before or (len(parts.core) > 1 and parts.core.isupper()):
        return False
    if parts.before.endswith(QUOTES) and parts.after.startswith(QUOTES):
        return False
    return not (at and texts[at - 1][-1:].isdigit())


def _answers(texts: Sequence[str], sounds: set[int], open_end: bool) -> set[int]:
    """Of sounds, those that make up a whole sentence and can be an answer."""
    answers: set[int] = set()
    sentence: list[int] = []
    for at, text in enumerate(texts):
        sentence = [at] if begins_sentence(texts, at) else [*sentence, at]
        closed = ends_sentence(text) or (at == len(texts) - 1 and not open_end)
        if closed and all(one in sounds and _ANSWERS.fullmatch(marked(texts[one]).core) for one in sentence):
            answers.update(sentence)
    return answers
