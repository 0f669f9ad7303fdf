"""The end of a segment, foreseen: what the pause that may end it will be like is known before it is over."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lipstream.models.speech.engine import Encoding
from lipstream.stages.payloads import SAMPLE_RATE, Float32, SpeechChunk

_EARLY = 0.5
"""Share of the pause that would end a segment after which the end is foreseen."""
_NEWEST = round(0.1 * SAMPLE_RATE)
"""Samples of a pause that stand for the rest of it."""
_BLOCK = 320
_UNEVEN = 3.0
"""Times the amplitude of its quietest moment from which on a pause may have the end of a word in it."""
_LOUDER = 1.5
"""Times the amplitude of the pause from which on something was said after all."""
_INAUDIBLE = 1e-4
"""Root mean square, full scale 1, that is silence beside anything."""


@dataclass(frozen=True, slots=True, eq=False)
class EndpointPrediction:
    """A segment as it will be if its pause ends it.

    Attributes:
        speech_end: last voiced moment, microseconds.
        heard: number of samples that were there.
        samples: (N,) those, and the rest of the pause.
        encoding: of `samples`; None if the network failed.
        number: see `EncodedSpeech.prediction`.
    """

    speech_end: int
    heard: int
    samples: Float32
    encoding: Encoding | None
    number: int

    def is_of(self, chunk: SpeechChunk) -> bool:
        """Whether a chunk lies in the same pause."""
        return self.speech_end == chunk.speech_end

    def holds(self, sound: Float32) -> bool:
        """Whether the (N,) sound of the segment is as foreseen: nothing louder followed.

        What voice activity takes for silence may be the weak end of a word.
        """
        if self.encoding is None:
            return False
        before = sound[max(0, self.heard - _NEWEST) : self.heard]
        return bool(_levels(sound[self.heard :]).max(initial=0) <= max(_INAUDIBLE, _LOUDER * _levels(before).max()))


def may_end(chunk: SpeechChunk) -> bool:
    """Whether the silence at the end of a chunk is long enough to foresee the end of the segment."""
    return _EARLY * chunk.pause <= chunk.silence < chunk.pause


def is_level(sound: Float32) -> bool:
    """Whether the newest part of (N,) sound is fit to stand for the rest of a pause: as loud at all times."""
    levels = _levels(sound[-_NEWEST:])
    return bool(levels.max() <= max(_INAUDIBLE, _UNEVEN * levels.min()))


def prolonged(samples: Float32, missing: int) -> Float32:
    """Sound that ends in a pause, with `missing` samples more of it: the newest of the pause, back and forth.

    Not zeros, and not less: the recogniser is used to the noise of the room going on for a while behind the last word.
    """
    pause = np.pad(samples[-_NEWEST:], (0, max(0, missing)), mode="symmetric")
    return np.concatenate([samples[:-_NEWEST], pause])


def _levels(samples: Float32) -> Float32:
    """Root mean squares of blocks of 20 ms; what is left over, or all if it is less, is a block too."""
    edges = range(0, len(samples), _BLOCK)
    return np.array([np.sqrt(np.square(samples[at : at + _BLOCK]).mean()) for at in edges], dtype=np.float32)
