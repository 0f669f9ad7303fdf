"""Numbers that are said in words: where they are, and what they come to.

text2num (allo-media, MIT) reads them. What it takes for two numbers and people for one, and the other way round, is
settled here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from lipstream.models.errors import ModelError
from lipstream.models.speech.wording.number_style import LOOSE, MILLIONS, POINTS, STYLES
from lipstream.models.speech.wording.pieces import Piece

SMALL = 10
"""Whole numbers under this stay words where they stand alone, and so do ordinals."""
_TEENS = {
    "thirteen": 13,
    "fourteen": 14,
    "fifteen": 15,
    "sixteen": 16,
    "seventeen": 17,
    "eighteen": 18,
    "nineteen": 19,
    "twenty": 20,
}
"""What an English year may begin with."""
_DECADES = {
    "twenties": 20,
    "thirties": 30,
    "forties": 40,
    "fifties": 50,
    "sixties": 60,
    "seventies": 70,
    "eighties": 80,
    "nineties": 90,
}
_SCALES = {10.0**exponent for exponent in (6, 9, 12, 15, 18)}
_LEAST_GROUPED = 5
"""Digits from which on a number is written in groups; years have four."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number in digits, and the pieces it is said with.

    Attributes:
        first: index of the first piece.
        last: index after the last piece.
        text: the number as it is written.
        value: what it comes to.
        ordinal: "21st" and the like.
    """

    first: int
    last: int
    text: str
    value: float
    ordinal: bool = False

    @property
    def whole(self) -> bool:
        """Whether it is a plain whole number, without leading zeros."""
        return not self.ordinal and self.text == str(int(self.value))

    @property
    def small(self) -> bool:
        """Whether it is better left in words."""
        return self.value < SMALL and (self.ordinal or self.whole)


class _Token:
    """A piece as text2num wants it."""

    def __init__(self, text: str, apart: bool) -> None:
        self._text = text
        self._apart = apart

    def text(self) -> str:
        # A token without text would be passed over, and numbers joined across it.
        return self._text or "x"

    def nt_separated(self, _previous: object) -> bool:
        return self._apart

    def not_a_number_part(self) -> bool:
        return not self._text


def check_installed() -> None:
    """Raises ModelError: text2num is not installed."""
    try:
        import text_to_num  # noqa: F401
    except ImportError as error:
        raise ModelError("speech.numerals=digits needs text2num: pip install 'lipstream[numerals]'") from error


def numbers_in(pieces: Sequence[Piece], language: str) -> list[Number]:
    """The numbers to be written in digits, in order, not overlapping.

    Args:
        pieces: what was said.
        language: one of `STYLES`.
    """
    return [
        written
        for row in _rows(pieces, language)
        for number in _clear(row, pieces, language)
        if (written := _written(number, pieces, language)) is not None
    ]


def open_from(pieces: Sequence[Piece], language: str) -> int:
    """Index of the first piece of what may be a number that goes on behind the end; their count if none may be."""
    in_numbers = {at for row in _rows(pieces, language) for one in row for at in range(one.first, one.last)}
    at = len(pieces)
    while at and (at - 1 in in_numbers or pieces[at - 1].text in STYLES[language].joints | LOOSE | MILLIONS):
        at -= 1
    return at


def _rows(pieces: Sequence[Piece], language: str) -> Iterator[list[Number]]:
    """Numbers that are said one directly after the other; an ordinal ends a row ("the eleventh two thousand one")."""
    row: list[Number] = []
    for number in _found(pieces, language):
        if row and (number.first != row[-1].last or pieces[number.first].apart or row[-1].ordinal):
            yield row
            row = []
        row.append(number)
    if row:
        yield row


def _found(pieces: Sequence[Piece], language: str) -> Iterator[Number]:
    """All numbers, but for "hundred", "million" and the like by themselves or after a decimal ("2,5 millions")."""
    spoken = [_spoken(pieces, at, language) for at in range(len(pieces))]
    while scales := [at for number in _read(spoken, pieces, language) for at in _scaled(number, pieces, language)]:
        for at in scales:
            spoken[at] = ""
    for number in _read(spoken, pieces, language):
        if number.last - number.first > 1 or pieces[number.first].text not in LOOSE | MILLIONS:
            yield number


def _read(spoken: Sequence[str], pieces: Sequence[Piece], language: str) -> Iterator[Number]:
    from text_to_num import find_numbers

    tokens = [_Token(text, piece.apart) for text, piece in zip(spoken, pieces, strict=True)]
    for one in find_numbers(tokens, language, threshold=0):
        # The French write 11e.
        text = one.text.removesuffix("ème") + "e" if one.text.endswith("ème") else one.text
        yield Number(one.start, one.end, text, one.value, one.is_ordinal)


def _scaled(number: Number, pieces: Sequence[Piece], language: str) -> list[int]:
    """Index of the first piece behind the decimal point of a number that is no digit: "millions"; empty for none."""
    if STYLES[language].point not in number.text or number.ordinal:
        return []
    texts = [piece.text for piece in pieces[number.first : number.last]]
    point = next((at for at, text in enumerate(texts) if text in POINTS), len(texts))
    return [number.first + at for at in range(point, len(texts)) if texts[at] in LOOSE | MILLIONS][:1]


def _spoken(pieces: Sequence[Piece], at: int, language: str) -> str:
    """A piece as text2num is to read it; empty for what is no part of a number here."""
    piece = pieces[at]
    if language == "en" and piece.text in ("o", "oh"):
        follows_teen = at and not piece.apart and pieces[at - 1].text in _TEENS
        return "o" if follows_teen else ""
    if language == "en" and (piece.text in ("tens", "hundreds", "thousands") or piece.text.endswith("ths")):
        return ""
    return piece.text


def _clear(row: Sequence[Number], pieces: Sequence[Piece], language: str) -> list[Number]:
    """Of a row the numbers that are surely meant as such."""
    if language == "en" and (year := _year(row)) is not None:
        return [year, *_clear(row[2:], pieces, language)]
    if len(row) == 1:
        kept = _decade(row[0], pieces) if language == "en" else row[0]
        return [] if kept.small and not _percent(kept, pieces, language) else [kept]
    # Two may be a time, a fraction, a guess ("six thirty", "two thirds", "ten fifteen"); more are counted or dialled.
    return [] if len(row) == 2 else list(row)


def _year(row: Sequence[Number]) -> Number | None:
    """The year that an English row begins with, said in two halves: "nineteen eighty four", "nineteen oh five"."""
    if (
        len(row) < 2
        or not row[0].whole
        or row[0].value not in _TEENS.values()
        or row[1].ordinal
        or len(row[1].text) != 2
    ):
        return None
    century, rest = int(row[0].value), int(row[1].value)
    recent = century >= 19
    guess = not recent and 0 < rest - century <= 10
    counted = len(row) > 2 and (not recent or rest == century + 1)
    if guess or counted or (row[0].last - row[0].first) != 1:
        return None
    return Number(row[0].first, row[1].last, row[0].text + row[1].text, century * 100 + rest)


def _decade(number: Number, pieces: Sequence[Piece]) -> Number:
    """An English number with "eighties" or "hundreds" behind it, as in "nineteen eighties"."""
    end = number.last
    if end == len(pieces) or pieces[end].apart or pieces[end - 1].text not in _TEENS or end - number.first != 1:
        return number
    if (word := pieces[end].text) in _DECADES:
        return Number(number.first, end + 1, f"{number.text}{_DECADES[word]}s", number.value * 100 + _DECADES[word])
    if word == "hundreds":
        return Number(number.first, end + 1, f"{number.text}00s", number.value * 100)
    return number


def _percent(number: Number, pieces: Sequence[Piece], language: str) -> int:
    """How many pieces behind an English number say "percent"."""
    if language != "en" or number.ordinal or (number.first and pieces[number.first - 1].text == "point"):
        return 0
    behind = [] if number.last == len(pieces) or pieces[number.last].apart else pieces[number.last : number.last + 2]
    texts = [piece.text for piece in behind]
    if texts[:1] == ["percent"]:
        return 1
    return 2 if texts == ["per", "cent"] and not behind[1].apart else 0


def _written(number: Number, pieces: Sequence[Piece], language: str) -> Number | None:
    """The number as it is written: "25 million", "12,500", "99%"; None if it is better left in words."""
    first, last, text = number.first, number.last, number.text
    if number.whole and pieces[last - 1].text in MILLIONS and (count := _millions(number, pieces, language)):
        if count == "1":
            return None
        last, text = last - 1, count
    elif number.whole and len(text) >= _LEAST_GROUPED and (group := STYLES[language].group):
        text = f"{int(number.value):,}".replace(",", group)
    if first and pieces[first].text in LOOSE | MILLIONS and not pieces[first].apart:
        first -= pieces[first - 1].text in STYLES[language].articles
    if percent := _percent(number, pieces, language):
        last, text = last + percent, f"{text}%"
    return replace(number, first=first, last=last, text=text)


def _millions(number: Number, pieces: Sequence[Piece], language: str) -> str:
    """How many of the millions, billions and so on that are its last piece; empty if it is no plain count of them."""
    before = pieces[number.first : number.last - 1]
    counts = list(_read([piece.text for piece in before], before, language))
    if len(counts) != 1 or counts[0].last - counts[0].first != len(before) or not counts[0].value:
        return ""
    return counts[0].text if number.value / counts[0].value in _SCALES else ""
