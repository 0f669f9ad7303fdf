"""Names and messages on a terminal: nothing in them is obeyed."""

from __future__ import annotations

import unicodedata

BIDI_CONTROLS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that change the direction in which text is shown."""


def printable(text: str) -> str:
    r"""One line in which every character can be seen: those that act stand as Python escapes (`\x1b`, `\u202e`).

    For names of files and devices and for messages, where leaving a character out would hide which one is meant.
    """
    return "".join(_escaped(char) if acts(char) else char for char in text)


def acts(char: str) -> bool:
    """Whether a character does something to a terminal instead of being shown."""
    return unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") or char in BIDI_CONTROLS


def _escaped(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")
