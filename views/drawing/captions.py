"""Captions in two lines that never jump."""

from __future__ import annotations

import unicodedata
from collections import deque
from dataclasses import dataclass
from difflib import SequenceMatcher

from lipstream.models.speech.spacing import left_open
from lipstream.views.drawing.font import ems
from lipstream.views.drawing.scene import CaptionLine
from lipstream.views.drawing.wrap import spaceless, units

COLUMN_EMS = 22.0
"""Width of a line in ems, in any picture: about 40 letters, as broadcasters have it."""
LINES = 2


@dataclass(slots=True)
class _Sentence:
    """A finished text on the lines.

    Attributes:
        segment: its number.
        face: of `TranscriptFinal`.
        text: all of it.
        start: where it begins among the text that is kept; below 0 where its beginning has scrolled away.
        corrected: the text is the corrected one.
    """

    segment: int
    face: int | None
    text: str
    start: int
    corrected: bool = False


class CaptionRoll:
    """Lays the text of a run out in lines, of which the last two are shown.

    A word of stable text stays on its line, at its place, whatever follows it; lines move only when they scroll up
    because a third has begun, and then not down again. A new segment goes on where the last one ended. Unstable text
    keeps its place as long as what is before it does not change. Where a finished text is corrected, what stands before
    the first word that changes stays at its place.
    """

    def __init__(self) -> None:
        self._past = ""
        self._sentences: deque[_Sentence] = deque()
        self._open = "", ""
        self._closed = 0
        self._text = ""
        self._settled = 0
        self._breaks = [0]
        self._top = 0

    @property
    def lines(self) -> tuple[CaptionLine, ...]:
        """What is to be shown: at most two lines, the older first."""
        shown = []
        ends = [*self._breaks[1:], len(self._text)]
        for start, end in zip(self._breaks[self._top :], ends[self._top :], strict=True):
            split = min(max(start, self._settled), end)
            stable, unstable = self._text[start:split], self._text[split:end].rstrip()
            shown.append(CaptionLine(stable if unstable else stable.rstrip(), unstable))
        return tuple(shown) if self._text else ()

    def partial(self, segment: int, stable: str, unstable: str) -> None:
        """Take a segment's text so far, as in `TranscriptPartial`; one of a finished segment is late and ignored."""
        if segment > self._closed:
            self._open = _plain(stable), _plain(unstable)
            self._lay_out_all()

    def final(self, segment: int, text: str, joint: str = "", face: int | None = None) -> None:
        """Take a finished segment's text; an empty one takes away what was shown of it.

        Args:
            segment: its number.
            text: its text.
            joint: see `TranscriptFinal`.
            face: likewise.
        """
        self._closed, self._open = max(self._closed, segment), ("", "")
        if joint and self._sentences and not self._sentences[-1].corrected and left_open(self._past):
            self._past += joint
            self._sentences[-1].text += joint
        if text := _one_line(text):
            self._past = self._joined(text, "")
            self._sentences.append(_Sentence(segment, face, text, len(self._past) - len(text)))
        self._lay_out_all()
        self._forget()

    def corrected(self, segment: int, text: str, face: int | None = None) -> None:
        """Take the corrected text of a finished segment; what has scrolled away is not shown again.

        Args:
            segment: its number.
            text: its text.
            face: that of the final.
        """
        found = next((each for each in self._sentences if (each.segment, each.face) == (segment, face)), None)
        if found is None:
            return
        text = _one_line(text)
        gone = max(0, -found.start)
        shown = text[_counterpart(found.text, text, gone) :].lstrip() if gone else text
        start, end = found.start + gone, found.start + len(found.text)
        behind = self._past[end:]
        if not start and not shown:
            # No line begins with a space.
            end += len(behind) - len(behind.lstrip())
        self._past = self._past[:start] + shown + self._past[end:]
        moved = start + len(shown) - end
        for each in self._sentences:
            each.start += moved if each.start >= end else 0
        found.text, found.start, found.corrected = text, start + len(shown) - len(text), True
        self._lay_out_all()

    def drop(self, segment: int) -> None:
        """Take away what is shown of segments before this one that have not become final: they ended without text."""
        if segment > self._closed + 1:
            self.final(segment - 1, "")

    def clear(self) -> None:
        """Begin with an empty first line."""
        self._past, self._text, self._settled, self._breaks, self._top = "", "", 0, [0], 0
        self._sentences.clear()
        self._open = "", ""

    def _joined(self, stable: str, unstable: str) -> str:
        """The stable text of all segments; a space parts them where the script has spaces."""
        begun = stable.lstrip() or unstable.lstrip()
        space = "" if not self._past or not begun or spaceless(self._past, begun) else " "
        return self._past + space + stable.lstrip()

    def _lay_out_all(self) -> None:
        self._lay_out(self._joined(*self._open), self._open[1])

    def _lay_out(self, stable: str, unstable: str) -> None:
        text = stable + (unstable if stable.strip() and not stable.endswith(" ") else unstable.lstrip())
        kept = _common(self._text[: self._settled], text)
        breaks = [0, *(start for start in self._breaks[1:] if start < kept)]
        end = breaks[-1]
        for piece in units(text[end:]):
            begin, end = end + len(piece) - len(piece.lstrip()), end + len(piece)
            if _fits(text[breaks[-1] : end]) or end <= kept:
                continue
            # The beginning of a word that was shown here as stable stays.
            begin = kept if breaks[-1] <= begin < kept else begin
            if begin > breaks[-1]:
                breaks.append(begin)
            breaks += _cuts(text, breaks[-1], end)
        self._text, self._settled, self._breaks = text, len(stable), breaks
        self._top = min(max(self._top, len(breaks) - LINES), len(breaks) - 1)

    def _forget(self) -> None:
        """Keep no text of lines that have scrolled away."""
        gone = self._breaks[self._top]
        self._past, self._text = self._past[gone:], self._text[gone:]
        for each in self._sentences:
            each.start -= gone
        while self._sentences and self._sentences[0].start + len(self._sentences[0].text) <= 0:
            self._sentences.popleft()
        self._settled = max(0, self._settled - gone)
        self._breaks = [start - gone for start in self._breaks[self._top :]]
        self._top = 0


def _cuts(text: str, start: int, end: int) -> list[int]:
    """Where to cut a word that is longer than a line."""
    cuts = []
    while not _fits(text[start:end]):
        start += max(1, next((n for n in range(end - start - 1, 0, -1) if _fits(text[start : start + n])), 1))
        cuts.append(start)
    return cuts


def _common(one: str, other: str) -> int:
    """How many letters two texts have in common at their beginnings."""
    pairs = zip(one, other, strict=False)
    return next((at for at, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))


def _counterpart(was: str, now: str, place: int) -> int:
    """Where in a text the words begin that stand for those of another text from a place on."""
    if was[:place] == now[:place]:
        return place
    before, words = len(units(was[:place].rstrip())), units(now)
    for _, first, last, begin, end in SequenceMatcher(None, units(was), words, autojunk=False).get_opcodes():
        if first <= before < last:
            return len("".join(words[: min(begin + before - first, end)]))
    return len(now)


def _fits(line: str) -> bool:
    return ems(line.strip()) <= COLUMN_EMS


def _one_line(text: str) -> str:
    return " ".join(_plain(text).split())


def _plain(text: str) -> str:
    """The text without characters that act instead of being shown; white space of any kind as spaces."""
    kept = (char for char in text if unicodedata.category(char) not in ("Cf", "Cs"))
    return "".join(char if char.isprintable() else " " for char in kept)
