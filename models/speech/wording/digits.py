"""Numbers that were said in words, in digits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lipstream.models.speech.wording.edits import Draft, Edit
from lipstream.models.speech.wording.number_style import STYLES
from lipstream.models.speech.wording.pieces import Piece, pieces_of
from lipstream.models.speech.wording.punctuation import base_language
from lipstream.models.speech.wording.said_numbers import Number, numbers_in, open_from


def in_digits(drafts: Sequence[Draft], language: str | None, open_end: bool = False) -> list[Edit]:
    """Edits that write numbers in digits.

    Args:
        drafts: the words; those that are settled stay, and no number goes across them.
        language: code of their language; of one not in `STYLES` nothing is changed.
        open_end: the text goes on: what may be a number that goes on too stays as heard.
    """
    known = base_language(language)
    if known not in STYLES:
        return []
    pieces = pieces_of(drafts)
    end = open_from(pieces, known) if open_end else len(pieces)
    numbers = [number for number in numbers_in(pieces, known) if number.last <= end]
    return [_edit(together, drafts, pieces) for together in _by_word(numbers, pieces)]


def _by_word(numbers: Sequence[Number], pieces: Sequence[Piece]) -> Iterator[list[Number]]:
    """Numbers, together where one begins in the word in which another ends."""
    together: list[Number] = []
    for number in numbers:
        if together and pieces[number.first].word > pieces[together[-1].last - 1].word:
            yield together
            together = []
        together.append(number)
    if together:
        yield together


def _edit(numbers: Sequence[Number], drafts: Sequence[Draft], pieces: Sequence[Piece]) -> Edit:
    first, last = pieces[numbers[0].first], pieces[numbers[-1].last - 1]
    text, at = "", 0
    for number in numbers:
        begins, ends = pieces[number.first], pieces[number.last - 1]
        text += drafts[begins.word].text[at : begins.start] + number.text
        at = ends.end
    rest = drafts[last.word].text[at:]
    # The point of a German ordinal is the full stop too.
    text += rest.removeprefix(".") if text.endswith(".") else rest
    return Edit(first.word, last.word + 1, (text,))
