"""Cutting a finished segment into subtitle cues that can be read in time.

Limits and line breaks follow the Netflix Timed Text Style Guide, General Requirements (two lines of 42 characters,
5/6 s to 7 s a cue, out-times at most 12 frames past the sound, lines broken after punctuation and before conjunctions
and prepositions) and the BBC Subtitle Guidelines (break at natural points: sentence, clause, phrase).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from lipstream.events import TranscriptFinal, Word
from lipstream.models.speech.spacing import space_of
from lipstream.stages.sinks.text import clean

MAX_LINE = 42
"""Most characters in a line."""
MAX_MS = 7000
"""Longest cue, in milliseconds."""
MIN_MS = 833
"""A cue this short (5/6 s) lingers, if there is room before the next."""
LINGER_MS = 500
"""Longest time a cue stays on after its last word."""

_SENTENCE_END = tuple(".?!…")
_CLAUSE_END = tuple(",;:—–")
_QUOTES = "\"'”’)]"
_CONJUNCTIONS = "and but or nor so yet because although though while when where which who that if than unless until as"
_PREPOSITIONS = "in on at by for from of to with into onto over under about after before between through without"
_BEFORE = frozenset(f"{_CONJUNCTIONS} {_PREPOSITIONS}".split())


@dataclass(frozen=True, slots=True)
class Cue:
    """One subtitle.

    Attributes:
        start: milliseconds.
        end: milliseconds, > start.
        lines: one or two lines of at most 42 characters.
    """

    start: int
    end: int
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Piece:
    """A word as it goes into cues; times in milliseconds."""

    text: str
    start: int
    end: int


def split_cues(final: TranscriptFinal, not_before: int = 0) -> list[Cue]:
    """Cut a segment at its word times into cues that neither overlap nor go back in time.

    Args:
        final: the segment.
        not_before: end of the cue before it, in milliseconds.

    Returns:
        The cues; together they hold every word once, in order. None if the segment has no text.
    """
    pieces = _pieces(final)
    cues: list[Cue] = []
    for first, last in _best_cuts(pieces):
        start = max(pieces[first].start, not_before)
        spoken = max(pieces[last - 1].end, start + 1)
        wanted = max(spoken, min(pieces[first].start + MIN_MS, spoken + LINGER_MS))
        if last < len(pieces):
            wanted = min(wanted, max(spoken, pieces[last].start))
        end = min(wanted, start + MAX_MS)
        texts = [piece.text for piece in pieces[first:last]]
        cues.append(Cue(start, end, _lines(texts, space_of(final.language))))
        not_before = end
    return cues


def _pieces(final: TranscriptFinal) -> list[_Piece]:
    pieces: list[_Piece] = []
    reached = 0
    for word in final.words or _evenly_timed(final):
        start = max(reached, round(word.start * 1000))
        end = max(start, round(word.end * 1000))
        text = clean(word.word)
        # No speech has words longer than a line; what has is cut so that the limits hold.
        parts = [text[at : at + MAX_LINE] for at in range(0, len(text), MAX_LINE)]
        step = (end - start) / max(1, len(parts))
        for index, part in enumerate(parts):
            pieces.append(_Piece(part, round(start + index * step), round(start + (index + 1) * step)))
        reached = start
    return pieces


def _evenly_timed(final: TranscriptFinal) -> list[Word]:
    """Words with made-up times, for a recogniser that gives none."""
    words = final.text.split()
    step = max(0.0, final.end - final.start) / max(1, len(words))
    return [
        Word(word=word, start=final.start + index * step, end=final.start + (index + 1) * step, confidence=0.0)
        for index, word in enumerate(words)
    ]


def _best_cuts(pieces: Sequence[_Piece]) -> list[tuple[int, int]]:
    """Ranges of pieces, one a cue, at the least total cost: shortest path over the places to cut."""
    best: list[tuple[float, int]] = [(0.0, 0)]
    for last in range(1, len(pieces) + 1):
        options: list[tuple[float, int]] = []
        length = -1
        for first in range(last - 1, -1, -1):
            length += len(pieces[first].text) + 1
            alone = first == last - 1
            too_long = pieces[last - 1].end - pieces[first].start > MAX_MS
            if not alone and (length > 2 * MAX_LINE + 1 or too_long):
                break
            if alone or _break_line([piece.text for piece in pieces[first:last]]) is not None:
                options.append((best[first][0] + _cost(pieces, first, last, length), first))
        best.append(min(options))
    cuts = []
    last = len(pieces)
    while last > 0:
        first = best[last][1]
        cuts.append((first, last))
        last = first
    return cuts[::-1]


def _cost(pieces: Sequence[_Piece], first: int, last: int, length: int) -> float:
    """How bad a cue is: each costs 1, so that few are made; cuts inside a phrase and half-empty cues cost more."""
    cost = 1.0 + 0.5 * (1 - length / (2 * MAX_LINE)) ** 2
    if last == len(pieces):
        return cost
    text = pieces[last - 1].text.rstrip(_QUOTES)
    if text.endswith(_SENTENCE_END):
        return cost
    pause = (pieces[last].start - pieces[last - 1].end) / 1000
    phrase = 0.7 if text.endswith(_CLAUSE_END) else 2.0
    return cost + max(0.0, phrase - 2 * pause)


def _lines(words: Sequence[str], space: str) -> tuple[str, ...]:
    at = _break_line(words)
    assert at is not None
    lines = (space.join(words[:at]), space.join(words[at:]))
    return lines if lines[1] else lines[:1]


def _break_line(words: Sequence[str]) -> int | None:
    """Where the second line begins (after the last word: there is one line); None if two lines cannot hold them."""
    lengths = [len(word) + 1 for word in words]
    total = sum(lengths) - 1
    if total <= MAX_LINE:
        return len(words)
    best: tuple[float, int] | None = None
    first = -1
    for at, (left, right) in enumerate(pairwise(words), start=1):
        first += lengths[at - 1]
        second = total - first - 1
        if first > MAX_LINE or second > MAX_LINE:
            continue
        cost = abs(first - second) / MAX_LINE
        if left.rstrip(_QUOTES).endswith(_SENTENCE_END + _CLAUSE_END):
            cost -= 0.6
        elif right.lower() in _BEFORE:
            cost -= 0.3
        best = min(best or (cost, at), (cost, at))
    return best[1] if best else None
