"""Where lines of text may break, and breaking them."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from functools import lru_cache

from lipstream.views.drawing.font import ELLIPSIS, Typeface, typeface


def units(text: str) -> list[str]:
    """A text in pieces that belong on one line, each with the white space before it; joined they are the text.

    Between pieces a line may break: at white space, and between the characters of scripts that are written without any
    (Han and kana), but not before their closing marks.
    """
    pieces: list[str] = []
    begun = False
    for char in text:
        if not pieces or (char.isspace() and begun) or (begun and _breaks(pieces[-1][-1], char)):
            pieces.append(char)
            begun = not char.isspace()
        else:
            pieces[-1] += char
            begun = begun or not char.isspace()
    return pieces


def spaceless(before: str, after: str) -> bool:
    """Whether two texts follow each other without a space, as in scripts that have none."""
    return bool(before and after) and _wide(before[-1]) and _wide(after[0])


def _breaks(before: str, char: str) -> bool:
    joins = unicodedata.category(char) in ("Pe", "Pf", "Po", "Mn", "Lm") or unicodedata.category(before) in ("Ps", "Pi")
    return not joins and (_wide(char) or _wide(before))


def _wide(char: str) -> bool:
    # Hangul is wide too, but has spaces between its words.
    return unicodedata.east_asian_width(char) in "WF" and not unicodedata.name(char, "").startswith("HANGUL")


def split_long(piece: str, fits: Callable[[str], bool]) -> list[str]:
    """A piece in parts that fit on a line each; a single character is a part whether it fits or not."""
    parts = []
    rest = piece
    while rest and not fits(rest):
        length = max(1, next((n for n in range(len(rest) - 1, 0, -1) if fits(rest[:n])), 1))
        parts.append(rest[:length])
        rest = rest[length:]
    return [*parts, rest] if rest else parts


@lru_cache(maxsize=256)
def wrapped(text: str, size: int, room: int, most: int) -> tuple[str, ...]:
    """A text in at most so many lines of at most `room` columns; what does not fit gives way to an ellipsis.

    Args:
        text: any text.
        size: of the typeface, in pixels.
        room: columns.
        most: lines, >= 1.
    """
    face = typeface(size)

    def fits(line: str) -> bool:
        return face.width(line.strip()) <= room

    lines: list[str] = []
    for piece in (part for unit in units(" ".join(text.split())) for part in split_long(unit, fits)):
        if lines and fits(lines[-1] + piece):
            lines[-1] += piece
        else:
            lines.append(piece)
    lines = [line.strip() for line in lines]
    if len(lines) > most:
        lines = [*lines[: most - 1], _ended(lines[most - 1], face, room)]
    return tuple(lines)


def _ended(line: str, face: Typeface, room: int) -> str:
    while line and face.width(line + ELLIPSIS) > room:
        line = line[:-1].rstrip()
    return line + ELLIPSIS
