"""Words for people: what every text format and the terminal do to text and to times."""

from __future__ import annotations

import unicodedata

_BIDI_CONTROLS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def clean(text: str) -> str:
    """One printable line: white space of any kind becomes one space, control characters go.

    Recognisers do not emit terminal escapes, line breaks or direction overrides, but nothing in their output format
    forbids it, and a reader's terminal or player would obey them.
    """
    spaced = "".join(" " if char.isspace() else char for char in text)
    kept = (char for char in spaced if unicodedata.category(char) not in ("Cc", "Cs") and char not in _BIDI_CONTROLS)
    return " ".join("".join(kept).split())


def timestamp(milliseconds: int, decimal: str = ".", *, hours: bool = True) -> str:
    """`HH:MM:SS.mmm`, as VTT wants it; SRT has a comma for `decimal`.

    Args:
        milliseconds: >= 0.
        decimal: what stands before the milliseconds.
        hours: show the hours also when there are none.
    """
    rest, millis = divmod(milliseconds, 1000)
    rest, secs = divmod(rest, 60)
    hrs, mins = divmod(rest, 60)
    return f"{f'{hrs:02}:' if hours or hrs else ''}{mins:02}:{secs:02}{decimal}{millis:03}"
