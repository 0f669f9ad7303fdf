"""What stands between the words of a language, and what of a word tells it from another."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

UNSPACED: Final = frozenset(("zh", "ja", "th", "lo", "my", "yue"))
"""Languages written without spaces, in which each character counts as a word."""


SIGNS: Final = ".?!,;:…。？！、，"
"""Signs at the end of a part of a sentence; text that ends with none was left open."""
_CLOSING: Final = "\"'”’“»›)]}」 "
"""What may stand behind such a sign."""


def left_open(text: str) -> bool:
    """Whether a text has no sign at its end, so that what comes next decides which one belongs there."""
    return not text.rstrip(_CLOSING).endswith(tuple(SIGNS))


def space_of(language: str | None) -> str:
    """What stands between two words of a language."""
    return "" if language in UNSPACED else " "


def joined(words: Sequence[str], languages: Sequence[str | None]) -> str:
    """The text of words that may be of several languages: no space between two that need none.

    Args:
        words: in order.
        languages: code of the language of each.
    """
    spaces = [" " if space_of(one) or space_of(other) else "" for one, other in pairwise(languages)]
    return "".join(space + word for space, word in zip(["", *spaces], words, strict=False))


def plain(word: str) -> str:
    """The letters and digits of a word, by which it is the same whatever signs and capitals it is written with."""
    return "".join(filter(str.isalnum, word)).casefold()
