"""Stretches of a sound that a text passed over.

Whisper now and then leaves out a sentence. In the word times that shows as a word which lasts for seconds: the path
through the sound must give the frames of the sentence to somebody.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from lipstream.models.speech.alignment import speech_by_level
from lipstream.models.speech.engine import Float32, TimedWord
from lipstream.models.speech.spacing import plain

LONGEST_WORD: Final = 1.4
"""Seconds that a word lasts at most, but for a drawn out one."""
_USUAL_WORD: Final = 0.5
"""Seconds that are left to a word which lasts longer."""
_SHORTEST: Final = 1.0
"""Seconds of a stretch that is worth a look."""
_VOICED: Final = 0.6
"""Share of it that must be as loud as speech."""


def unread(
    words: Sequence[TimedWord], places: Sequence[float], levels: Float32, frame_rate: float
) -> list[tuple[float, float]]:
    """Start and end in seconds of stretches in which something was said that is not in the text.

    Args:
        words: the text, in order.
        places: for each word the mean moment at which the network looked when it wrote it, seconds.
        levels: (T,) sound level of each frame in decibels.
        frame_rate: frames a second.
    """
    speech = speech_by_level(levels) > 0.5
    found = []
    edge = 0.0
    for word, place in zip(words, places, strict=True):
        start, end = word.start, word.end
        if end - start > LONGEST_WORD:
            if place > (start + end) / 2:
                start = end - _USUAL_WORD
            else:
                end = start + _USUAL_WORD
        found.append((edge, start))
        edge = end
    found.append((edge, len(levels) / frame_rate))
    return [
        (start, end) for start, end in found if end - start >= _SHORTEST and _is_voiced(speech, start, end, frame_rate)
    ]


def _is_voiced(speech: npt.NDArray[np.bool_], start: float, end: float, frame_rate: float) -> bool:
    frames = speech[round(start * frame_rate) : round(end * frame_rate)]
    return bool(len(frames)) and float(frames.mean()) >= _VOICED


def trimmed(words: Sequence[TimedWord], gaps: Sequence[tuple[float, float]]) -> list[TimedWord]:
    """The words without the time of stretches that are not theirs."""
    kept = []
    for word in words:
        start, end = word.start, word.end
        for first, last in gaps:
            if first <= start < last < end:
                start = last
            elif start < first < end <= last:
                end = first
        kept.append(TimedWord(word.text, start, end, word.confidence))
    return kept


def put_in(words: Sequence[TimedWord], found: Sequence[TimedWord]) -> list[TimedWord]:
    """Words of a text with those that were read in a gap of it, in order.

    What the text has already beside the gap is not said twice: where a word ends and a gap begins is not exact.
    """
    place = sum(word.start < found[0].start for word in words)
    before, after = list(words[:place]), list(words[place:])
    said, rest, read = ([plain(word.text) for word in words] for words in (before, after, found))
    first = next((size for size in range(min(len(read), len(said)), 0, -1) if said[-size:] == read[:size]), 0)
    left = len(read) - first
    last = next((size for size in range(min(left, len(rest)), 0, -1) if rest[:size] == read[len(read) - size :]), 0)
    return [*before, *found[first : len(found) - last], *after]
