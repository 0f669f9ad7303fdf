"""The English "I" is a capital."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lipstream.models.speech.engine import TimedWord
from lipstream.models.speech.wording.punctuation import base_language, folded, marked

_FORMS = frozenset({"i", "i'm", "i'll", "i've", "i'd"})


def capital_i(words: Sequence[TimedWord], language: str | None) -> tuple[TimedWord, ...]:
    """English words with "I", "I'm", "I'll", "I've" and "I'd" in capitals; those of other languages as they are."""
    if base_language(language) != "en":
        return tuple(words)
    return tuple(_capital(word) for word in words)


def _capital(word: TimedWord) -> TimedWord:
    parts = marked(word.text)
    if not parts.core.startswith("i") or folded(parts.core) not in _FORMS:
        return word
    return replace(word, text=f"{parts.before}I{parts.core[1:]}{parts.after}")
