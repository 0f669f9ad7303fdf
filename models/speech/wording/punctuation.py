"""Words and the punctuation round them, the ends of sentences, capitals."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

OPENING = "\"'“‘„‚«‹([{¿¡「『（【《〈"
CLOSING = "\"'”’“‘»›)]}」』）】》〉"
QUOTES = tuple("\"'“”‘’„«»‹›")
SENTENCE_ENDS = ".?!。？！｡؟۔।॥։።"
ELLIPSES = ("...", "…")
# French has spaces before some signs, and within its quotes.
_SPACES = " \u00a0\u202f"
_BEFORE = _SPACES + OPENING + "»›" + "-–—…."
_AFTER = _SPACES + CLOSING + "«‹" + SENTENCE_ENDS + ",;:…-–—、，；：،؛፣"


@dataclass(frozen=True, slots=True)
class Marked:
    """A word, and the punctuation on either side of it.

    Attributes:
        before: what stands before it, such as an opening quote.
        core: the word itself; empty where there is only punctuation, which is then in `before`.
        after: what stands after it, such as a comma.
    """

    before: str
    core: str
    after: str

    @property
    def text(self) -> str:
        """All of it."""
        return self.before + self.core + self.after


def marked(text: str) -> Marked:
    """Take a word and its punctuation apart. Hyphens and apostrophes inside belong to the word."""
    rest = text.lstrip(_BEFORE)
    core = rest.rstrip(_AFTER)
    return Marked(text[: len(text) - len(rest)], core, rest[len(core) :])


def ends_sentence(text: str) -> bool:
    """Whether a word ends a sentence: by . ? or !, closing quotes aside. An ellipsis does not."""
    bare = text.rstrip(CLOSING)
    return bare.endswith(tuple(SENTENCE_ENDS)) and not bare.endswith(ELLIPSES)


def begins_sentence(texts: Sequence[str], index: int) -> bool:
    """Whether a word begins a sentence: it is the first one, or that before it ends one."""
    return index == 0 or ends_sentence(texts[index - 1])


def is_capitalised(text: str) -> bool:
    """Whether a word, punctuation before it aside, begins with a capital."""
    return marked(text).core[:1].isupper()


def capitalised(text: str) -> str:
    """The word with a capital, unless letters in it are capitals already ("iPhone")."""
    parts = marked(text)
    if not parts.core.islower():
        return text
    return parts.before + parts.core[0].upper() + parts.core[1:] + parts.after


def folded(text: str) -> str:
    """A form in which texts are equal that differ in case, in the kind of apostrophe or in how accents are written."""
    return unicodedata.normalize("NFC", text).replace("’", "'").casefold()


def base_language(language: str | None) -> str | None:
    """The language of a code that may name a country too: "en" of "en-GB"; None for none."""
    return language.replace("_", "-").partition("-")[0].lower() if language else None
