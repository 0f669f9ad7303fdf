"""Words cut at hyphens into pieces, as numbers are said: "twenty-five-year-old" is four."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from lipstream.models.speech.wording.edits import Draft

_LETTERS = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")


@dataclass(frozen=True, slots=True)
class Piece:
    """Letters within a word.

    Attributes:
        text: the letters, in lower case; empty for what can be no part of a number.
        word: index of the word.
        start: index of the first character in it.
        end: index after the last character.
        apart: punctuation other than a hyphen stands between it and the piece before, or a word that is settled.
    """

    text: str
    word: int
    start: int
    end: int
    apart: bool


def pieces_of(drafts: Sequence[Draft]) -> list[Piece]:
    """All pieces, in order. Digits, signs and what is settled make pieces without text."""
    pieces: list[Piece] = []
    gap = ""
    for index, draft in enumerate(drafts):
        at = 0
        for found in _LETTERS.finditer(draft.text):
            gap += draft.text[at : found.start()]
            at = found.end()
            text = "" if draft.settled or not found[0].replace("'", "").replace("’", "").isalpha() else found[0].lower()
            pieces.append(Piece(text, index, found.start(), at, bool(gap.strip(" -"))))
            gap = ""
        gap += draft.text[at:]
        if at == 0:
            pieces.append(Piece("", index, 0, len(draft.text), True))
            gap = ""
        gap += " "
    return pieces
