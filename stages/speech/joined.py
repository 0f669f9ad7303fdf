"""Neighbouring speech of a recording, read as one: a recogniser that sees the whole sentence reads it better.

Voice activity cuts at pauses, and a pause is not the end of a sentence; joining what it cut is WhisperX's cut and merge
(Bain et al. 2023, arXiv 2303.00747). The words are given back to the segments they were spoken in.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Final

import numpy as np

from lipstream.models.speech.engine import SAMPLE_RATE, Float32, TimedWord
from lipstream.pipeline import seconds
from lipstream.stages.payloads import EncodedSpeech
from lipstream.stages.speaker.parted import same_speaker

LONGEST_PAUSE: Final = 2.0
"""Seconds without speech over which nothing is joined: somebody else begins, or something else."""


class JoinedSpeech:
    """Finished segments that wait to be read together.

    Args:
        longest: seconds of sound that are read at once.
    """

    def __init__(self, longest: float) -> None:
        self._longest = longest
        self._segments: list[EncodedSpeech] = []

    def takes(self, speech: EncodedSpeech) -> bool:
        """Whether a segment can be joined to those that wait: speech of the same person, as far as is known."""
        if not self._segments:
            return True
        if not same_speaker(self._segments[-1], speech):
            return False
        pause = seconds(speech.speech_start - self._segments[-1].speech_end)
        length = sum(_length(each) for each in self._segments) + _length(speech)
        return pause <= LONGEST_PAUSE and length <= self._longest

    def add(self, speech: EncodedSpeech) -> None:
        """Add a finished segment."""
        self._segments.append(speech)

    @property
    def ended(self) -> int | None:
        """When the last of those that wait was over, microseconds; None where none waits."""
        return self._segments[-1].speech_end if self._segments else None

    def take(self) -> list[EncodedSpeech]:
        """Those that wait; none waits any more."""
        segments, self._segments = self._segments, []
        return segments


def sound_of(segments: Sequence[EncodedSpeech]) -> Float32:
    """(N,) float32: their sound, one after the other; the pauses between them are left out."""
    return np.concatenate([each.samples for each in segments])


def divided(words: Sequence[TimedWord], segments: Sequence[EncodedSpeech]) -> list[list[TimedWord]]:
    """The words of each segment, with times from its own first sample."""
    edges = np.cumsum([0.0, *(_length(each) for each in segments)])
    voiced = [_voiced(each, float(edge)) for each, edge in zip(segments, edges, strict=False)]
    found: list[list[TimedWord]] = [[] for _ in segments]
    place = 0
    for word in words:
        middle = (word.start + word.end) / 2
        # A word that is drawn out over the pause behind it is of the segment in which its sound is. Words keep order.
        heard = [min(word.end, end) - max(word.start, start) for start, end in voiced]
        best = max(range(len(segments)), key=lambda index: heard[index])
        if heard[best] <= 0:
            best = min(int(np.searchsorted(edges, middle, side="right")) - 1, len(segments) - 1)
        place = max(place, best)
        begin, length = float(edges[place]), _length(segments[place])
        start, end = (min(max(moment - begin, 0.0), length) for moment in (word.start, word.end))
        found[place].append(dataclasses.replace(word, start=start, end=end))
    return found


def _voiced(speech: EncodedSpeech, edge: float) -> tuple[float, float]:
    """From the first to the last voiced moment of a segment that begins at `edge`, seconds."""
    start, end = seconds(speech.speech_start - speech.start), seconds(speech.speech_end - speech.start)
    return edge + start, edge + end


def _length(speech: EncodedSpeech) -> float:
    return len(speech.samples) / SAMPLE_RATE
