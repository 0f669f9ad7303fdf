"""How much room text takes, whatever its script, and where it may be cut if it must."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from functools import lru_cache


@lru_cache(maxsize=8192)
def columns(text: str) -> int:
    """Columns of a text: two for a wide character (UAX #11), none for one that only changes the one before it."""
    return sum(map(_columns_of, text))


@lru_cache(maxsize=8192)
def _columns_of(char: str) -> int:
    if unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def is_wide(char: str) -> bool:
    """Whether a character is of a script that is written without spaces: Han or kana, not Hangul."""
    return unicodedata.east_asian_width(char) in "WF" and not unicodedata.name(char, "").startswith("HANGUL")


def clusters(text: str) -> Iterator[str]:
    """The characters of a text, each with the marks that belong to it."""
    cluster = ""
    for char in text:
        if cluster and _columns_of(char) > 0 and not cluster.endswith("\u200d"):
            yield cluster
            cluster = ""
        cluster += char
    if cluster:
        yield cluster


def chopped(text: str, most: int) -> list[str]:
    """A text in parts of at most `most` columns each."""
    parts: list[str] = []
    room = 0
    for cluster in clusters(text):
        wide = columns(cluster)
        if wide > room or not parts:
            parts.append("")
            room = most
        parts[-1] += cluster
        room -= wide
    return parts
