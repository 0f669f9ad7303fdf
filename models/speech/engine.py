"""The contract every speech recogniser fulfils: encode, decode, align.

A recogniser is split at its encoder output so that a fusion stage can stand between the two halves and so that the
frames, already paid for, can serve other tasks.
"""

from __future__ import annotations

import math
import sys
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lipstream.models.speech.expected.terms import Terms

Float32 = npt.NDArray[np.float32]

SAMPLE_RATE = 16_000
"""Sample rate in Hz of all audio given to an engine."""

_MOSTLY = 0.5
TINY = sys.float_info.min
"""Stands for a probability that underflowed to 0 where its logarithm is taken."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """Encoder output for one stretch of audio.

    Attributes:
        features: (T, D) float32 encoder frames. Fusion may replace them; shape and rate stay.
        frame_rate: frames per second of `features`.
        samples: number of 16 kHz samples that were encoded.
        levels: (T,) float32 sound level of each frame in decibels, where the engine's alignment uses it.
        inner: (T, C) float32 frames of inner layers of the encoder, side by side, where the engine gives them: how
            words are said, for tasks beside recognition.
        least_confidence: (T,) float32 confidence under which a word heard in each frame is better left out; None leaves
            all. See `asks`.
        refined: the networks of an enrolled user have changed the frames, with lips or without.
        others: share of the loudness that belongs to others who speak while an enrolled user does, in [0, 1]; None
            where that was not judged, or where the mouth in view is not the user's.
    """

    features: Float32
    frame_rate: float
    samples: int
    levels: Float32 | None = None
    inner: Float32 | None = None
    least_confidence: Float32 | None = None
    refined: bool = False
    others: float | None = None

    @property
    def duration(self) -> float:
        """Length of the encoded audio in seconds."""
        return self.samples / SAMPLE_RATE

    @property
    def is_seen(self) -> bool:
        """Whether somebody is seen to speak in most of it, among other voices: where a confidence is asked for."""
        return self.least_confidence is not None and float(np.mean(self.least_confidence > 0)) >= _MOSTLY

    def asks(self, start: float, end: float) -> float:
        """The confidence that a word from `start` to `end` seconds must have: that of half of its frames or more."""
        if self.least_confidence is None or not len(self.least_confidence):
            return 0.0
        first = min(int(start * self.frame_rate), len(self.least_confidence) - 1)
        return float(np.median(self.least_confidence[first : max(first + 1, math.ceil(end * self.frame_rate))]))


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """One decoding result.

    Attributes:
        tokens: text token ids, without start, end or control tokens.
        probabilities: softmax probability of each token when it was chosen, in [0, 1]; same length as `tokens`.
        text: the detokenised text, stripped.
    """

    tokens: tuple[int, ...]
    probabilities: tuple[float, ...]
    text: str

    @property
    def mean_log_probability(self) -> float:
        """Mean natural logarithm of the tokens' probabilities; 0 for no tokens."""
        return mean_log(self.probabilities) if self.probabilities else 0.0

    def confidence(self, word: WordSpan) -> float:
        """In [0, 1], the geometric mean of the probabilities of a word's tokens; 0 for no tokens."""
        mine = self.probabilities[word.first : word.last]
        return math.exp(mean_log(mine)) if mine else 0.0


@dataclass(frozen=True, slots=True)
class WordSpan:
    """One word of a hypothesis: `tokens[first:last]` spell it.

    Attributes:
        text: the word with its punctuation, without surrounding spaces.
        first: index of its first token.
        last: index after its last token.
    """

    text: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class TimedWord:
    """One recognised word.

    Attributes:
        text: the word with its punctuation, without surrounding spaces.
        start: seconds from the first encoded sample.
        end: seconds from the first encoded sample; `end >= start`.
        confidence: in [0, 1], the geometric mean of its tokens' probabilities.
    """

    text: str
    start: float
    end: float
    confidence: float


class SpeechEngine(ABC):
    """A speech recogniser. The constructor never fails and loads nothing; `load` does the work.

    An engine is used from several threads: one may call `encode` while others call `encode` or `decode`. `decode` is
    not called concurrently with itself.
    """

    @abstractmethod
    def load(self) -> None:
        """Load the networks. Idempotent.

        Raises:
            ModelError: a model file is missing or unusable; the message says which and what to do.
        """

    def check(self) -> None:  # noqa: B027 - optional for a subclass
        """See that `load` will not fail: the files are there, and what they should be. No network is loaded.

        An engine without it is refused only when it is loaded, which in a recording is when somebody speaks.

        Raises:
            ModelError: as `load`.
        """

    def load_decoder(self) -> None:  # noqa: B027 - optional for a subclass
        """Load what `decode`, `words` and `align` need besides, for an engine whose `load` leaves that. Idempotent.

        Who does not call it, because only frames are wanted as a rule, has it loaded by the first of those calls.

        Raises:
            ModelError: as `load`.
        """

    @abstractmethod
    def encode(self, audio: Float32) -> Encoding:
        """Encode (N,) float32 audio at 16 kHz in [-1, 1]. Shorter than the engine's minimum is padded with silence."""

    @abstractmethod
    def decode(self, encoding: Encoding, prefix: Sequence[int] = (), draft: Sequence[int] = ()) -> Hypothesis:
        """Greedy decoding.

        Args:
            encoding: frames from `encode`, possibly refined by fusion.
            prefix: tokens the result must begin with (text already promised to the reader).
            draft: a guess at the whole result, usually the previous hypothesis on a shorter stretch of the same
                audio. It only saves work: the result equals decoding without it.

        Returns:
            The hypothesis; its tokens begin with `prefix`.
        """

    def decode_expecting(self, encoding: Encoding, terms: Terms, draft: Sequence[int] = ()) -> Hypothesis:
        """Decode with words and phrases to expect; an engine that cannot use them leaves them."""
        return self.decode(encoding, draft=draft)

    @abstractmethod
    def words(self, tokens: Sequence[int]) -> list[WordSpan]:
        """Split tokens into words, in order; every token belongs to exactly one word."""

    @abstractmethod
    def align(self, encoding: Encoding, hypothesis: Hypothesis) -> list[TimedWord]:
        """Time each word of the hypothesis, in order, non-overlapping, inside [0, encoding.duration]."""


def mean_log(probabilities: Sequence[float]) -> float:
    """Mean natural logarithm of probabilities, at least one; e to the power of it is their geometric mean."""
    return math.fsum(math.log(max(each, TINY)) for each in probabilities) / len(probabilities)
