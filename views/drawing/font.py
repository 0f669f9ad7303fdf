"""Text as coverage masks: the same letters and the same widths on every system.

OpenCV's own fonts have ASCII only, so all text is drawn through Pillow, with fonts that come in packages: DejaVu Sans
(Latin, Greek, Cyrillic, Armenian, Georgian, many symbols), and for what that lacks Noto Sans CJK (Han in its Japanese
forms, kana, Hangul). Other scripts and emoji show as boxes. Text is set from left to right only: the words of Hebrew
and Arabic, which DejaVu Sans has, come out in the wrong order.
"""

from __future__ import annotations

import importlib.util
import unicodedata
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

UInt8 = npt.NDArray[np.uint8]

ELLIPSIS = "…"

_FONTS = (
    ("matplotlib", "mpl-data/fonts/ttf/DejaVuSans.ttf"),
    ("noto_cjk_sans_otc", "NotoSansCJK-Regular.ttc"),
)
# No font has a letter here: drawing it shows what a font draws for those it lacks.
_NOWHERE = "\U0010ffff"
_PROBE_SIZE = 16
_REFERENCE = 64
_ABOVE, _BELOW, _BESIDE = 1.06, 0.28, 0.12


class Typeface:
    """The fonts at one size.

    Args:
        size: in pixels per em, >= 1.

    Attributes:
        size: as given.
        ascent: rows of a mask above the baseline.
        height: rows of a mask.
        bleed: columns of a mask on either side of the text, for letters that reach out of their cell.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.ascent = round(size * _ABOVE)
        self.height = self.ascent + round(size * _BELOW)
        self.bleed = max(1, round(size * _BESIDE))
        self._canvas = ImageDraw.Draw(Image.new("L", (1, 1)))

    def width(self, text: str) -> int:
        """Columns a text takes, without bleed; 0 for an empty one."""
        return _width(self.size, text)

    def mask(self, text: str) -> UInt8:
        """A line of text as coverage: (height, width + 2 * bleed) uint8, 255 is ink. Read-only."""
        image = Image.new("L", (self.width(text) + 2 * self.bleed, self.height))
        canvas = ImageDraw.Draw(image)
        at = float(self.bleed)
        for font, run in _runs(_shown(text)):
            face = _font(font, self.size)
            canvas.text((at, self.ascent), run, fill=255, font=face, anchor="ls")
            at += face.getlength(run)
        return np.asarray(image)

    def shortened(self, text: str, room: int) -> str:
        """The text, cut and ended by an ellipsis if it takes more than `room` columns."""
        if self.width(text) <= room:
            return text
        low, high = 0, len(text)
        while low < high:
            middle = (low + high + 1) // 2
            fits = self.width(text[:middle].rstrip() + ELLIPSIS) <= room
            low, high = (middle, high) if fits else (low, middle - 1)
        return text[:low].rstrip() + ELLIPSIS if low else ""


@lru_cache(maxsize=16)
def typeface(size: int) -> Typeface:
    """The typeface of a size, made once."""
    return Typeface(size)


def ems(text: str) -> float:
    """The width of a text in ems: at no size in particular, but for the rounding of small ones."""
    return _width(_REFERENCE, text) / _REFERENCE


def is_drawable(text: str) -> bool:
    """Whether there is a font for every letter of a text; for others a box is drawn."""
    return all(_found_font(char) is not None for char in _shown(text) if char.isalpha())


def font_folder() -> Path:
    """Where the first font lies."""
    return _paths()[0].parent


@lru_cache(maxsize=4096)
def _width(size: int, text: str) -> int:
    # Rounded up, so that a word never runs into the next.
    return int(np.ceil(sum(_font(font, size).getlength(run) for font, run in _runs(_shown(text)))))


def _shown(text: str) -> str:
    """One line, accents joined with their letters, nothing that acts instead of being shown."""
    composed = unicodedata.normalize("NFC", text)
    return "".join(char if char.isprintable() else " " for char in composed if not "\ud800" <= char <= "\udfff")


def _runs(text: str) -> list[tuple[int, str]]:
    """The text in pieces, each with the number of the font that has it."""
    runs: list[tuple[int, str]] = []
    for char in text:
        font = _font_of(char)
        if runs and (font == runs[-1][0] or unicodedata.combining(char)):
            runs[-1] = runs[-1][0], runs[-1][1] + char
        else:
            runs.append((font, char))
    return runs


def _font_of(char: str) -> int:
    """The first font that has a character; the first of all if none has."""
    return _found_font(char) or 0


@lru_cache(maxsize=8192)
def _found_font(char: str) -> int | None:
    for number in range(len(_paths())):
        face = _font(number, _PROBE_SIZE)
        if char == " " or bytes(face.getmask(char)) != bytes(face.getmask(_NOWHERE)):
            return number
    return None


@lru_cache(maxsize=32)
def _font(number: int, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(_paths()[number]), size)


@lru_cache(maxsize=1)
def _paths() -> tuple[Path, ...]:
    """The fonts that are there, without importing the packages they come in."""
    found = []
    for package, name in _FONTS:
        spec = importlib.util.find_spec(package)
        if spec is not None and spec.origin is not None and (path := Path(spec.origin).parent / name).is_file():
            found.append(path)
    if not found:
        raise OSError(f"no font to draw text with: {_FONTS[0][0]} should have brought {_FONTS[0][1]}; install it again")
    return tuple(found)
