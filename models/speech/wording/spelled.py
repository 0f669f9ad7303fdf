"""Numbers that were written in digits, in words.

The rules are the Unicode consortium's (CLDR, rule-based number format), carried out by unicode-rbnf (MIT).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING

from lipstream.models.errors import ModelError
from lipstream.models.speech.wording.edits import Draft, Edit
from lipstream.models.speech.wording.number_style import STYLES, NumberStyle
from lipstream.models.speech.wording.punctuation import OPENING, base_language, begins_sentence, capitalised, marked

if TYPE_CHECKING:
    from unicode_rbnf import RbnfEngine

_MOST_DIGITS = 6
"""Digits that a number without groups has at most; a longer one is dialled, not counted."""
_YEARS = range(1100, 2100)


def check_installed() -> None:
    """Raises ModelError: unicode-rbnf is not installed."""
    try:
        import unicode_rbnf  # noqa: F401
    except ImportError as error:
        raise ModelError("speech.numerals=words needs unicode-rbnf: pip install 'lipstream[numerals]'") from error


def in_words(drafts: Sequence[Draft], language: str | None, open_end: bool = False) -> list[Edit]:
    """Edits that spell numbers out: whole ones, decimals, per cent, English ordinals.

    All else with digits stays: times, codes, money, leading zeros; and numbers one after the other.

    Args:
        drafts: the words; those that are settled stay.
        language: code of their language; of one not in `STYLES` nothing is changed.
        open_end: the text goes on: numbers at its end stay as heard.
    """
    known = base_language(language)
    if known not in STYLES:
        return []
    texts = [draft.text for draft in drafts]
    end = len(texts)
    while open_end and end and _numeric(texts[end - 1]):
        end -= 1
    edits: list[Edit] = []
    for at in range(end):
        width = 2 if at + 1 < end and texts[at + 1].startswith("%") and not drafts[at + 1].settled else 1
        if drafts[at].settled or not _numeric(texts[at]) or _in_a_row(texts, at, at + width):
            continue
        joined = "".join(texts[at : at + width])
        if (spelled := _spelled(joined, known, last=at + width == len(texts))) is not None:
            words = (capitalised(spelled) if begins_sentence(texts, at) else spelled).split()
            edits.append(Edit(at, at + width, tuple(words)))
    return edits


def _numeric(text: str) -> bool:
    return any(letter.isdigit() for letter in text) or text == "%"


def _in_a_row(texts: Sequence[str], first: int, last: int) -> bool:
    """Whether another number stands directly before or after some words, with no punctuation between."""
    before = first > 0 and _numeric(texts[first - 1]) and not marked(texts[first - 1]).after
    return before or (last < len(texts) and _numeric(texts[last]) and not marked(texts[last - 1]).after)


@lru_cache(maxsize=len(STYLES))
def _pattern(language: str) -> re.Pattern[str]:
    style = STYLES[language]
    group = re.escape(style.group) if style.group else "(?!)"
    ordinal = "|(?P<ordinal>st|nd|rd|th)" if language == "en" else ""
    return re.compile(
        rf"(?P<whole>[1-9]\d{{0,2}}(?:{group}\d{{3}})+|0|[1-9]\d{{0,{_MOST_DIGITS - 1}}})"
        rf"(?:{re.escape(style.point)}(?P<part>\d+))?(?:(?P<percent>%){ordinal})?",
        re.ASCII,
    )


def _spelled(text: str, language: str, last: bool) -> str | None:
    """A word in which a number is spelled out; None if it is none, or not surely.

    Args:
        text: the word with its punctuation.
        language: one of `STYLES`.
        last: nothing follows.
    """
    style, parts = STYLES[language], marked(text)
    found = _pattern(language).fullmatch(parts.core)
    if found is None or parts.before.strip(OPENING):
        return None
    if style.ordinal_dot and parts.after.startswith(".") and not last:
        return None
    digits, grouped = re.sub(r"\D", "", found["whole"]), not found["whole"].isdigit()
    # Many a language has several words for one.
    if language != "en" and digits == "1" and found["part"] is None:
        return None
    if found.groupdict().get("ordinal"):
        said = "" if found["part"] else _ordinal(digits, parts.core)
    elif found["part"] is None and found["percent"] is None and not grouped:
        said = _number(digits, language, style)
    else:
        said = _cardinal(digits, language)
    if not said:
        return None
    if found["part"] is not None:
        said = " ".join([said, style.point_word, *(_cardinal(digit, language) for digit in found["part"])])
    if found["percent"]:
        said = f"{said} {style.percent}"
    return parts.before + said + parts.after


def _number(digits: str, language: str, style: NumberStyle) -> str:
    from unicode_rbnf import FormatPurpose

    if style.year_words and int(digits) in _YEARS:
        return str(_engine(language).format_number(int(digits), FormatPurpose.YEAR).text)
    return _cardinal(digits, language)


def _cardinal(digits: str, language: str) -> str:
    from unicode_rbnf import FormatPurpose

    # CLDR marks where a long German number may be broken.
    return str(_engine(language).format_number(Decimal(digits), FormatPurpose.CARDINAL).text).replace("\u00ad", "")


def _ordinal(digits: str, written: str) -> str:
    """An English ordinal; empty for "22th"."""
    from unicode_rbnf import FormatPurpose

    tens, ones = int(digits) // 10 % 10, int(digits) % 10
    ending = "th" if tens == 1 else {1: "st", 2: "nd", 3: "rd"}.get(ones, "th")
    if not written.endswith(ending):
        return ""
    return str(_engine("en").format_number(int(digits), FormatPurpose.ORDINAL).text)


@lru_cache(maxsize=len(STYLES))
def _engine(language: str) -> RbnfEngine:
    from unicode_rbnf import RbnfEngine

    return RbnfEngine.for_language(language)
