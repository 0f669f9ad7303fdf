"""Text that is still forming, as rows of a terminal in which no word moves before its row does."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rich.cells import cell_len
from rich.text import Text

MOST_ROWS = 4
"""Rows for the forming text; of more the last are shown."""
_LEAST_ROOM = 16
"""Columns; with fewer beside the time, the time is left out."""
_WORD = re.compile(r"\S+|\s+")
_CUT = "…"


def forming_rows(
    text: str, unstable: int, stamp: str, width: int, label: str = "", styles: tuple[str, str] = ("cyan", "dim italic")
) -> list[Text]:
    """Text broken into rows at its words, from its beginning on: what is added changes no row but the last.

    Args:
        text: without control characters.
        unstable: how many of its last characters may still change; they are dim.
        stamp: the time before it, with a space behind.
        width: columns there are.
        label: small print behind the text, where there is room for it.
        styles: of stamp and label.

    Returns:
        At most `MOST_ROWS` rows, none wider than `width`; where the beginning is left out, a sign stands for it.
    """
    if width - cell_len(stamp) < _LEAST_ROOM:
        stamp = ""
    indent = cell_len(stamp)
    spans = list(_broken(text, max(1, width - indent)))
    shown = spans[-MOST_ROWS:]
    cut = len(shown) < len(spans)
    dim_from = len(text) - unstable
    rows = []
    for number, (start, end) in enumerate(shown):
        row = Text(no_wrap=True)
        if number:
            row.append(" " * indent)
        elif stamp:
            row.append(stamp[:-1] + (_CUT if cut else stamp[-1]), styles[0])
        firm = min(max(start, dim_from), end)
        row.append(text[start:firm])
        row.append(text[firm:end], "dim")
        rows.append(row)
    if rows and label and rows[-1].cell_len + cell_len(label) <= width:
        rows[-1].append(label, styles[1])
    return rows


def _broken(text: str, room: int) -> Iterator[tuple[int, int]]:
    """Begin and end of each row; the spaces at which rows part belong to none."""
    begin = end = 0
    used = 0
    for match in _WORD.finditer(text):
        word, start = match[0], match.start()
        if word.isspace():
            used += cell_len(word)
            continue
        if end > begin and used + cell_len(word) > room:
            yield begin, end
            begin, used = start, 0
        elif end == begin:
            begin, used = start, 0
        # A word that no row has room for, or a script without spaces.
        for at, char in enumerate(word, start):
            size = cell_len(char)
            if used + size > room and at > begin:
                yield begin, at
                begin, used = at, 0
            used += size
        end = match.end()
    if end > begin:
        yield begin, end
