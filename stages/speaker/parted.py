"""A finished segment of several people, parted where one takes over from the other: each is read by themselves.

A recogniser that reads the end of one's sentence and the beginning of another's as one makes a sentence of them. Parted
only where it is sure that somebody else takes over, at the quietest place near it.
"""

from __future__ import annotations

import dataclasses
from itertools import pairwise
from typing import Final

import numpy as np

from lipstream.models.speech.engine import SAMPLE_RATE, Encoding
from lipstream.models.speech.recogniser import Transcript
from lipstream.pipeline import micros, seconds
from lipstream.stages.payloads import EncodedSpeech, Float32

LEAST: Final = micros(0.8)
"""How long a turn is, at least, on both sides of a change that is sure: two windows of a voice, microseconds."""
NEAR: Final = 0.4
"""Seconds before and after a change in which the quietest place is sought: one window of a voice to the next."""
PAUSE: Final = 0.4
"""Seconds of silence that stand at a cut, as a pause ends a segment: a recogniser loses the words at a sudden end."""
_FRAME = 320
_SMOOTH = 3


def parts_of(speech: EncodedSpeech) -> list[EncodedSpeech]:
    """The parts of a finished segment in order, all but the last one not `last`; itself where nobody takes over."""
    places = [
        _quietest(speech.samples, round(seconds(after.start - speech.start) * SAMPLE_RATE))
        for before, after in pairwise(speech.turns)
        if min(before.end - before.start, after.end - after.start) >= LEAST
    ]
    edges = [0, *places, len(speech.samples)]
    if not places or any(one >= other for one, other in pairwise(edges)):
        return [speech]
    return [_part(speech, first, last) for first, last in pairwise(edges)]


def in_whole(read: Transcript, part: EncodedSpeech, whole: EncodedSpeech) -> Transcript:
    """What was read of a part, with times from the first sample of the whole."""
    shift = seconds(part.start - whole.start)
    words = [dataclasses.replace(word, start=word.start + shift, end=word.end + shift) for word in read.words]
    return dataclasses.replace(read, words=tuple(words))


def same_speaker(before: EncodedSpeech, after: EncodedSpeech) -> bool:
    """Whether who ends one goes on in the other, as far as is known."""
    return not before.turns or not after.turns or before.turns[-1].speaker == after.turns[0].speaker


def _quietest(samples: Float32, place: int) -> int:
    """The sample near another at which the sound is softest over 60 ms."""
    first = max(0, place - round(NEAR * SAMPLE_RATE))
    near = samples[first : place + round(NEAR * SAMPLE_RATE)]
    frames = near[: len(near) // _FRAME * _FRAME].reshape(-1, _FRAME)
    if len(frames) < _SMOOTH:
        return place
    energy = np.convolve(np.square(frames, dtype=np.float64).sum(axis=1), np.ones(_SMOOTH), mode="valid")
    return first + round((int(np.argmin(energy)) + _SMOOTH / 2) * _FRAME)


def _part(speech: EncodedSpeech, first: int, last: int) -> EncodedSpeech:
    whole = len(speech.samples)
    start = speech.start + micros(first / SAMPLE_RATE)
    end = speech.end if last == whole else speech.start + micros(last / SAMPLE_RATE)
    pauses = [np.zeros(round(PAUSE * SAMPLE_RATE) if cut else 0, np.float32) for cut in (first > 0, last < whole)]
    return dataclasses.replace(
        speech,
        encoding=_frames(speech.encoding, first, last),
        samples=np.concatenate([pauses[0], speech.samples[first:last], pauses[1]]),
        start=start - micros(len(pauses[0]) / SAMPLE_RATE),
        speech_start=max(start, speech.speech_start),
        speech_end=min(end, speech.speech_end),
        end=end + micros(len(pauses[1]) / SAMPLE_RATE),
        last=last == whole and speech.last,
        lip_gate=None,
        active_speaker=None,
        prediction=0,
        turns=tuple(turn for turn in speech.turns if min(turn.end, end) - max(turn.start, start) > LEAST // 2),
    )


def _frames(encoding: Encoding, first: int, last: int) -> Encoding:
    """The frames of some of the samples."""
    span = slice(*(round(edge / SAMPLE_RATE * encoding.frame_rate) for edge in (first, last)))

    def cut(values: Float32 | None) -> Float32 | None:
        return None if values is None else values[span]

    return dataclasses.replace(
        encoding,
        features=encoding.features[span],
        samples=last - first,
        levels=cut(encoding.levels),
        inner=cut(encoding.inner),
        least_confidence=cut(encoding.least_confidence),
    )
