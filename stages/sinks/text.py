"""Words for people: what every text format and the terminal do to text and to times."""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Mapping

from lipstream.stages.printable import BIDI_CONTROLS, acts


def clean(text: str) -> str:
    """One printable line: white space of any kind becomes one space, control characters go.

    Recognisers do not emit terminal escapes, line breaks or direction overrides, but nothing in their output format
    forbids it, and a reader's terminal or player would obey them.
    """
    spaced = "".join(" " if char.isspace() else char for char in text)
    kept = (char for char in spaced if unicodedata.category(char) not in ("Cc", "Cs") and char not in BIDI_CONTROLS)
    return " ".join("".join(kept).split())


_TAG_OPENING = re.compile(r"<(?=[A-Za-z/!?])")
_STYLE_OPENING = re.compile(r"\{(?=\\|[A-Za-z]:)")
_ARROW = re.compile("-{2,}>")


def without_markup(text: str) -> str:
    r"""Text for a format without escapes (SRT), in which players still obey HTML tags, `{\an8}` and arrows.

    What could open a tag becomes a character that looks like it.
    """
    return _ARROW.sub("->", _STYLE_OPENING.sub("(", _TAG_OPENING.sub("\u2039", text)))


_FORMULA = re.compile(r"[\s\"'\u201c\u2018]*[=+\-@\uff1d\uff0b\uff0d\uff20]")


def cell(text: str) -> str:
    """One cell of a table: a spreadsheet must not take it for a formula.

    A text that begins like one gets an apostrophe in front, which spreadsheets take as "this is text" (OWASP, "CSV
    Injection"). Quotation marks are looked through, because a spreadsheet takes them off before it looks.
    """
    cleaned = clean(text)
    return f"'{cleaned}" if _FORMULA.match(cleaned) else cleaned


def json_text(value: object) -> str:
    """JSON on one line, as Unicode but for characters a terminal would obey, which are escaped as JSON allows.

    JSON knows no number that is not finite: null stands for one.
    """
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    except ValueError:
        text = json.dumps(_finite(value), ensure_ascii=False, allow_nan=False)
    return text if text.isprintable() else "".join(map(_json_char, text))


def _finite(value: object) -> object:
    """The value with None for numbers that are not finite."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(each) for key, each in value.items()}
    return [_finite(each) for each in value] if isinstance(value, (list, tuple)) else value


def _json_char(char: str) -> str:
    # Half a surrogate pair has no place in JSON; encoding replaces it.
    return f"\\u{ord(char):04x}" if acts(char) and not "\ud800" <= char <= "\udfff" else char


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
