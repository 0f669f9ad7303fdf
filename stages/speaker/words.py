"""Who says each word, from who speaks when."""

from __future__ import annotations

from collections.abc import Sequence

from lipstream.events import Word
from lipstream.models.voice.diarization import Heard


def said_by(word: Word, heard: Sequence[tuple[Heard, int]]) -> int:
    """The speaker of the window whose middle is nearest to that of a word."""
    middle = (word.start + word.end) / 2
    return min(heard, key=lambda each: abs((each[0].start + each[0].end) / 2 - middle))[1]


def renumbered(labels: Sequence[int], told: Sequence[int], weights: Sequence[float]) -> list[int]:
    """Labels with the numbers they were told under: each number goes to the label that has most of it.

    Args:
        labels: from 0.
        told: numbers from 1.
        weights: how much each counts.

    Returns:
        Numbers; a label to which none is left has a new one.
    """
    shared: dict[tuple[int, int], float] = {}
    for label, number, weight in zip(labels, told, weights, strict=True):
        shared[label, number] = shared.get((label, number), 0.0) + weight
    names: dict[int, int] = {}
    for label, number in sorted(shared, key=lambda pair: (-shared[pair], pair)):
        if label not in names and number not in names.values():
            names[label] = number
    following = max(told, default=0)
    for label in labels:
        if label not in names:
            following += 1
            names[label] = following
    return [names[label] for label in labels]
