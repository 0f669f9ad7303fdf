"""A finished segment of several people, parted where one takes over from the other: each is read by themselves.

A recogniser that reads the end of one's sentence and the beginning of another's as one makes a sentence of them. Parted
only where it is sure that somebody else takes over, at the quietest place near it.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np

from lipstream.models.speech.engine import SAMPLE_RATE, Encoding
from lipstream.models.speech.recogniser import Transcript, Utterance
from lipstream.pipeline import micros, seconds
from lipstream.stages.payloads import EncodedSpeech, Float32, SpeakerTurn

LEAST: Final = micros(0.8)
"""How long a turn is, at least, on both sides of a change that is sure: two windows of a voice, microseconds."""
NEAR: Final = 0.4
"""Seconds before and after a change in which the quietest place is sought: one window of a voice to the next."""
PAUSE: Final = 0.4
"""Seconds of silence that stand at a cut, as a pause ends a segment: a recogniser loses the words at a sudden end."""
_FRAME = 320
_SMOOTH = 3


def parts_of(speech: EncodedSpeech) -> list[EncodedSpeech]:
    """The parts of a segment that ends, in order, all but the last one not `last`; itself where nobody takes over.

    Nor is a segment parted whose frames an enrolled user's networks have refined: they were made of all of it.
    """
    if speech.encoding.refined:
        return [speech]
    starts = [speech.turns[at + 1].start for at in _sure(speech.turns)]
    places = [_quietest(speech.samples, round(seconds(start - speech.start) * SAMPLE_RATE)) for start in starts]
    edges = [0, *places, len(speech.samples)]
    if not places or any(one >= other for one, other in pairwise(edges)):
        return [speech]
    return [_part(speech, first, last) for first, last in pairwise(edges)]


def changes(parts: Sequence[EncodedSpeech]) -> tuple[int, ...]:
    """When each part but the first begins: what was read of parts is that of all that change at the same times."""
    return tuple(part.start for part in parts[1:])


def by_itself(part: EncodedSpeech) -> Utterance:
    """A part as it is read by itself.

    Its frames are not among what is read: those of the whole segment know of the other's voice, and of no pause at the
    cut. Who reads frames makes them of the part's own sound.
    """
    return Utterance(part.samples, part.heard, seen=part.encoding.is_seen)


def in_whole(read: Transcript, part: EncodedSpeech, whole: EncodedSpeech) -> Transcript:
    """What was read of a part, with times from the first sample of the whole: none is outside of the part."""
    shift = seconds(part.start - whole.start)
    first = seconds(part.speech_start - whole.start) if part.speech_start > whole.speech_start else shift
    last = seconds(part.speech_end - whole.start) if part.speech_end < whole.speech_end else math.inf

    def within(moment: float) -> float:
        return min(max(moment + shift, first), last)

    words = [dataclasses.replace(word, start=within(word.start), end=within(word.end)) for word in read.words]
    return dataclasses.replace(read, words=tuple(words))


def with_changes(whole: EncodedSpeech, parts: Sequence[EncodedSpeech]) -> EncodedSpeech:
    """A segment whose turns change where it was parted, so that all words of a part are of who speaks there."""
    turns = list(whole.turns)
    for at, part in zip(_sure(turns), parts[1:], strict=False):
        change = part.start + micros(PAUSE)
        turns[at] = dataclasses.replace(turns[at], end=change)
        turns[at + 1] = dataclasses.replace(turns[at + 1], start=change)
    return dataclasses.replace(whole, turns=tuple(turns))


def same_speaker(before: EncodedSpeech, after: EncodedSpeech) -> bool:
    """Whether who ends one goes on in the other, as far as is known."""
    return not before.turns or not after.turns or before.turns[-1].speaker == after.turns[0].speaker


def _sure(turns: Sequence[SpeakerTurn]) -> list[int]:
    """The turns, by their place, behind which it is sure that somebody else takes over."""
    lengths = [turn.end - turn.start for turn in turns]
    return [at for at, pair in enumerate(pairwise(lengths)) if min(pair) >= LEAST]


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
        active_speaker=_judged(speech, first, last, [len(each) / SAMPLE_RATE for each in pauses]),
        prediction=0,
        turns=tuple(turn for turn in speech.turns if min(turn.end, end) - max(turn.start, start) > LEAST // 2),
    )


def _judged(speech: EncodedSpeech, first: int, last: int, pauses: Sequence[float]) -> Float32 | None:
    """Whether the mouth is the voice in some of the samples; in the pauses before and behind them it is not judged."""
    if speech.active_speaker is None:
        return None
    rate = speech.encoding.frame_rate
    before, after = (np.full(round(pause * rate), np.nan, np.float32) for pause in pauses)
    return np.concatenate([before, speech.active_speaker[_span(first, last, rate)], after])


def _span(first: int, last: int, rate: float) -> slice:
    return slice(*(round(edge / SAMPLE_RATE * rate) for edge in (first, last)))


def _frames(encoding: Encoding, first: int, last: int) -> Encoding:
    """The frames of some of the samples."""
    span = _span(first, last, encoding.frame_rate)

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
