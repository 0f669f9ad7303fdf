"""Breaking the words of a cue into lines of about the same length, at phrases."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import accumulate

from lipstream.stages.sinks.subtitles.phrases import BOUND
from lipstream.stages.sinks.subtitles.pieces import Piece

_PARTED = 0.7
"""What parting words counts between two lines, between two cues being 1: both are seen at once."""


def width(pieces: Sequence[Piece]) -> int:
    """Columns that pieces take on one line."""
    return sum(piece.columns + len(piece.space) for piece in pieces) - (len(pieces[0].space) if pieces else 0)


def least_lines(pieces: Sequence[Piece], max_chars: int) -> int:
    """How many lines pieces take at least: each filled as far as it goes."""
    lines, used = 1, 0
    for index, piece in enumerate(pieces):
        needed = piece.columns + (len(piece.space) if index else 0)
        if index and used + needed > max_chars:
            lines, used, needed = lines + 1, 0, piece.columns
        used += needed
    return lines


def broken(pieces: Sequence[Piece], max_chars: int, max_lines: int) -> tuple[float, tuple[int, ...]]:
    """Where the lines begin, and what the breaks cost: as few lines as can be, as even as phrases allow.

    One line more is taken rather than part what belongs together.

    Args:
        pieces: words that take no more lines, as `least_lines` says.
        max_chars: columns of a line.
        max_lines: lines there may be.
    """
    fewest = least_lines(pieces, max_chars)
    cost, begins = _in_lines(pieces, max_chars, fewest)
    if cost >= _PARTED * BOUND and fewest < min(max_lines, len(pieces)):
        return min((cost, begins), _in_lines(pieces, max_chars, fewest + 1))
    return cost, begins


def _in_lines(pieces: Sequence[Piece], max_chars: int, count: int) -> tuple[float, tuple[int, ...]]:
    if count == 1:
        return 0.0, (0,)
    ends = [0, *accumulate(piece.columns + len(piece.space) for piece in pieces)]
    even = width(pieces) / count

    def length(first: int, after: int) -> int:
        return ends[after] - ends[first] - len(pieces[first].space)

    @cache
    def best(first: int, left: int) -> tuple[float, tuple[int, ...]]:
        """The least cost of the pieces from `first` on in `left` lines, and where those begin."""
        if left == 1:
            rest = length(first, len(pieces))
            return (_uneven(rest, even, max_chars) if rest <= max_chars else float("inf")), (first,)
        options: list[tuple[float, tuple[int, ...]]] = [(float("inf"), (first,))]
        for after in range(first + 1, len(pieces) - left + 2):
            if length(first, after) > max_chars:
                break
            cost, begins = best(after, left - 1)
            cost += _uneven(length(first, after), even, max_chars) + _PARTED * pieces[after].cut
            options.append((cost, (first, *begins)))
        return min(options)

    return best(0, count)


def _uneven(length: int, even: float, max_chars: int) -> float:
    return 4.0 * ((length - even) / max_chars) ** 2
