"""Where segments that were read together may be corrected one without the other.

A word near a pause may stand in the segment before it by one reading, and in that behind it by the other. If only one
of the two segments is corrected then, the word is there twice, or not at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import Final

from lipstream.models.speech.spacing import plain

_LONGEST_REPEAT: Final = 4
"""Words that may be said twice at a seam, at most."""


def apart(old: Sequence[Sequence[str]], new: Sequence[Sequence[str]]) -> list[range]:
    """The segments, by their places, in groups whose texts are to be taken together, all of them or none.

    Args:
        old: the words of each segment as they stand.
        new: the words of each by another reading of all.
    """
    texts = [[plain(word) for segment in told for word in segment] for told in (old, new)]
    blocks = SequenceMatcher(None, *texts, autojunk=False).get_opcodes()
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
