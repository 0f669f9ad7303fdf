"""The words of finished segments as they go into cues."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from lipstream.events import TranscriptFinal, Word
from lipstream.models.speech.spacing import UNSPACED, space_of
from lipstream.stages.sinks.subtitles.phrases import BOUND, cut_cost, ends_sentence
from lipstream.stages.sinks.subtitles.speakers import Callers
from lipstream.stages.sinks.subtitles.width import chopped, clusters, columns, is_wide
from lipstream.stages.sinks.text import clean


@dataclass(frozen=True, slots=True)
class Piece:
    """A word, or a part of one that is longer than a line.

    Attributes:
        text: what is shown of it.
        space: what stands before it where it does not begin a line.
        start: milliseconds.
        end: milliseconds, >= start.
        cut: what it costs to begin a line or a cue with it, in `phrases`' units.
        voice: who says it; None where that is not known.
        turn: somebody else begins to speak here.
        sentence: whether a sentence begins here.
        columns: room it takes.
    """

    text: str
    space: str
    start: int
    end: int
    cut: float
    voice: str | None
    turn: bool
    sentence: bool
    columns: int


class Pieces:
    """Makes pieces of segments, one after the other; their times never go back.

    Args:
        max_chars: columns of a line.

    Attributes:
        callers: what speakers are called.
    """

    def __init__(self, max_chars: int) -> None:
        self._most = max_chars
        self._reached = 0
        self._before = ""
        self._opens = True
        self._voice: str | None = None
        self.callers = Callers()

    def of(self, final: TranscriptFinal) -> list[Piece]:
        """The pieces of a segment; together they are its text."""
        self.callers.take(final)
        pieces: list[Piece] = []
        for space, word in _spaced(final):
            voice = self.callers.of(final, word)
            turn = voice is not None and self._voice is not None and voice != self._voice
            self._voice = voice or self._voice
            start = max(self._reached, _millis(word.start))
            end = max(start, _millis(word.end))
            self._reached = start
            parts = chopped(word.word, self._most)
            step = (end - start) / max(1, len(parts))
            for index, part in enumerate(parts):
                cut = self._cost(part, BOUND if index else space, final.language)
                at = (round(start + index * step), round(start + (index + 1) * step))
                sentence = not self._before or ends_sentence(self._before)
                pieces.append(
                    Piece(part, "" if index else space, *at, cut, voice, turn and not index, sentence, columns(part))
                )
                self._opens = sentence
                self._before = part
        return pieces

    def _cost(self, part: str, space: str | float, language: str | None) -> float:
        if isinstance(space, float):
            return space
        return cut_cost(self._before, part, space, language, self._opens) if self._before else 0.0


def _spaced(final: TranscriptFinal) -> Iterator[tuple[str, Word]]:
    """The words, cleaned, each with what stands before it in the text."""
    text, at, first = clean(final.text), 0, True
    usual = space_of(final.language)
    for word in _timed(final):
        shown = clean(word.word)
        if not shown:
            continue
        found = text.find(shown, at)
        between = text[at:found] if found >= 0 else None
        if between is not None and not between.strip():
            # The text knows better than the language: Japanese has spaces round what is not Japanese.
            space, at = between, found + len(shown)
        else:
            space = usual
            at = found + len(shown) if between is not None and found - at < len(shown) + 2 else at
        if first:
            space, first = usual, False
        yield space, replace(word, word=shown)


def _millis(seconds: float) -> int:
    # By way of what the JSON has, so that cues cut anew from it are the same.
    return round(round(seconds, 3) * 1000)


def _timed(final: TranscriptFinal) -> tuple[Word, ...]:
    """The words; with made-up times for a recogniser that gives none."""
    if final.words:
        return final.words
    texts = clean(final.text).split()
    if final.language in UNSPACED:
        texts = [part for text in texts for part in _parts(text)]
    total = sum(map(len, texts))
    length, reached = max(0.0, final.end - final.start), 0
    words = []
    for text in texts:
        start = final.start + length * reached / max(1, total)
        reached += len(text)
        end = final.start + length * reached / max(1, total)
        words.append(Word(word=text, start=start, end=end, confidence=0.0))
    return tuple(words)


def _parts(text: str) -> list[str]:
    """A text without spaces in what may stand for words: each wide character, and what is between them."""
    parts: list[str] = []
    for cluster in clusters(text):
        if parts and not is_wide(cluster[0]) and not is_wide(parts[-1][0]):
            parts[-1] += cluster
        else:
            parts.append(cluster)
    return parts
