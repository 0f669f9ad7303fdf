"""Where the words of segments that were read together belong, and which of them may be corrected one without another.

A word near a pause may stand in the segment before it by one reading, and in that behind it by the other. Who read each
segment by itself knows better which it is: what reads both has the word's time, which may be drawn out over the pause.
Where it cannot be told, and only one of the two segments were corrected, the word would be there twice, or not at all.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from difflib import SequenceMatcher
from itertools import accumulate
from typing import Final

from lipstream.models.speech.engine import TimedWord
from lipstream.models.speech.spacing import plain

_MOST_MOVED: Final = 2
"""Words that are moved over a pause at most: more are no matter of where a word begins."""
_LONGEST_REPEAT: Final = 4
"""Words that may be said twice at a seam, at most."""


def as_before(old: Sequence[Sequence[TimedWord]], new: Sequence[Sequence[TimedWord]]) -> list[list[TimedWord]]:
    """The words of another reading, each on the side of a pause on which it was heard by itself.

    Args:
        old: the words of each segment as they stand; times from its first sample.
        new: the words of each by another reading of all; likewise.
    """
    words = [list(each) for each in new]
    blocks = _matcher(*([[word.text for word in each] for each in told] for told in (old, new))).get_matching_blocks()
    known = {block.b + at: block.a + at for block in blocks for at in range(block.size)}
    stands = [word for each in old for word in each]
    heres, theres = ([0, *accumulate(map(len, told))] for told in (old, new))
    for seam in range(1, len(old)):
        here, there = heres[seam], theres[seam]
        # All words that are the same stay on their side: between the last one before the pause and the first behind it.
        least = max((mine + 1 for mine, other in known.items() if other < here), default=0)
        most = min((mine for mine, other in known.items() if other >= here), default=theres[-1])
        wanted = min(max(there, least), most)
        left, right = words[seam - 1], words[seam]
        count = abs(wanted - there)
        stood = [stands[known[at]] if at in known else None for at in range(min(wanted, there), max(wanted, there))]
        # No segment is left without a word.
        if not 0 < count <= _MOST_MOVED or count >= len(left if wanted < there else right):
            continue
        if wanted < there:
            right[:0] = _placed(left[-count:], stood, 0.0, right[0].start if right else math.inf)
            del left[-count:]
        else:
            left += _placed(right[:count], stood, left[-1].end if left else 0.0, math.inf)
            del right[:count]
    return words


def _placed(
    words: Sequence[TimedWord], stood: Sequence[TimedWord | None], earliest: float, latest: float
) -> list[TimedWord]:
    """Words at the times at which they stood; those that did not, behind the one before."""
    found = []
    for word, at in zip(words, stood, strict=True):
        start, end = (earliest, earliest) if at is None else (at.start, at.end)
        start, end = (min(max(moment, earliest), latest) for moment in (start, end))
        found.append(replace(word, start=start, end=end))
        earliest = end
    return found


def apart(old: Sequence[Sequence[str]], new: Sequence[Sequence[str]]) -> list[range]:
    """The segments, by their places, in groups whose texts are to be taken together, all of them or none.

    Args:
        old: the words of each segment as they stand.
        new: the words of each by another reading of all.
    """
    blocks = _matcher(old, new).get_opcodes()
    edges, here, there = [0], 0, 0
    for at in range(len(old) - 1):
        here, there = here + len(old[at]), there + len(new[at])
        moved = any(not _is_beside(block, here, there) for block in blocks)
        if not moved and not _is_doubled(old[at], new[at], old[at + 1], new[at + 1]):
            edges.append(at + 1)
    return [range(first, last) for first, last in zip(edges, [*edges[1:], len(old)], strict=True)]


def _is_beside(block: tuple[str, int, int, int, int], here: int, there: int) -> bool:
    """Whether what is the same, or stands for each other, is on the same side of a seam in both texts."""
    kind, first, last, begin, end = block
    if (last <= here and end <= there) or (first >= here and begin >= there):
        return True
    if kind == "equal":
        return here - first == there - begin
    # Something new, or something left out, on both sides of the pause.
    return first == last == here or begin == end == there


def _is_doubled(
    old_left: Sequence[str], new_left: Sequence[str], old_right: Sequence[str], new_right: Sequence[str]
) -> bool:
    """Whether words come twice at a seam if one side is corrected, and did not before."""
    before = repeated(old_left, old_right)
    return repeated(new_left, old_right) > before or repeated(old_left, new_right) > before


def repeated(left: Sequence[str], right: Sequence[str]) -> int:
    """How many words at the end of one text are those at the beginning of the other."""
    ends, begins = [plain(word) for word in left], [plain(word) for word in right]
    most = min(len(ends), len(begins), _LONGEST_REPEAT)
    return next((size for size in range(most, 0, -1) if ends[-size:] == begins[:size]), 0)


def _matcher(old: Sequence[Sequence[str]], new: Sequence[Sequence[str]]) -> SequenceMatcher[str]:
    before, after = ([plain(word) for segment in told for word in segment] for told in (old, new))
    return SequenceMatcher(None, before, after, autojunk=False)
