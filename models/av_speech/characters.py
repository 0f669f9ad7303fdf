"""Text as the classes that lip reading is pretrained on: letters, apostrophe and space (CTC, Graves et al. 2006)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Final

BLANK: Final = 0
_LETTERS: Final = " abcdefghijklmnopqrstuvwxyz'"
CLASSES: Final = 1 + len(_LETTERS)
_INDEX: Final = {letter: index + 1 for index, letter in enumerate(_LETTERS)}
_SPELLED: Final = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def spell(text: str) -> list[int]:
    """Class indices of a text; digits are spelled out one by one, other signs separate words."""
    letters = "".join(f" {_SPELLED[int(each)]} " if each in "0123456789" else each for each in text.lower())
    known = "".join(each if each in _INDEX else " " for each in letters.replace("’", "'"))
    return [_INDEX[letter] for letter in " ".join(known.split())]


def read(classes: Sequence[int]) -> str:
    """The text of the best class of each step: repeats merged, blanks left out."""
    letters = [_LETTERS[index - 1] for index, _ in groupby(classes) if index != BLANK]
    return " ".join("".join(letters).split())
