"""From token times to timed words that keep their order and their place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from lipstream.models.speech.engine import Float32, Hypothesis, TimedWord, WordSpan

SHORTEST_WORD: Final = 0.02
"""Seconds a word lasts at least, where the audio has room for it."""


def timed_words(
    spans: Sequence[WordSpan], token_times: Float32, hypothesis: Hypothesis, duration: float
) -> list[TimedWord]:
    """Give each word its time and confidence.

    The words come in order, do not overlap, lie inside [0, duration], and last at least SHORTEST_WORD, or an equal
    share of the audio when there are too many words for that.

    Args:
        spans: the words of the hypothesis.
        token_times: (N, 2) start and end of each token in seconds.
        hypothesis: the N tokens and their probabilities.
        duration: length of the audio in seconds.
    """
    starts = [float(token_times[span.first, 0]) for span in spans]
    ends = [float(token_times[span.last - 1, 1]) for span in spans]
    _make_room(starts, ends, duration)
    return [
        TimedWord(span.text, start, end, hypothesis.confidence(span))
        for span, start, end in zip(spans, starts, ends, strict=True)
    ]


def _make_room(starts: list[float], ends: list[float], duration: float) -> None:
    """Move times, in place, as little as needed: later where words collide, then earlier where the end is passed."""
    shortest = min(SHORTEST_WORD, duration / max(1, len(starts)))
    floor = 0.0
    for index in range(len(starts)):
        starts[index] = max(starts[index], floor)
        ends[index] = floor = max(ends[index], starts[index] + shortest)
    ceiling = duration
    for index in reversed(range(len(starts))):
        ends[index] = min(ends[index], ceiling)
        starts[index] = ceiling = max(0.0, min(starts[index], ends[index] - shortest))
