"""A recogniser without a network: it writes a word for every syllable it hears."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
from pydantic import BaseModel, Field

from lipstream.models.errors import ModelError
from lipstream.models.speech.engine import (
    SAMPLE_RATE,
    Encoding,
    Float32,
    Hypothesis,
    SpeechEngine,
    TimedWord,
    WordSpan,
)
from lipstream.plugins import OptionError

HOP = SAMPLE_RATE // 100
"""Samples between two frames."""
SMOOTHING = 10
"""Frames over which the loudness is averaged; a syllable takes twice as long."""
REACH = 12
"""Most frames to either side of its loudest moment that a syllable gets."""


class Options(BaseModel, extra="forbid"):
    """What stands under `speech.options`. What pydantic does not accept reaches the user by the name of its key."""

    word: str = "la"
    """What is written for a syllable."""
    rise: float = Field(6.0, gt=0)
    """Decibels by which the sound swells and fades again in a syllable."""


def create(model: str, threads: int, options: Mapping[str, object]) -> SyllableEngine:
    """The entry point: `speech.engine=syllables`."""
    if model:
        raise ModelError(f"the syllables engine has one model only, leave speech.model out (it is {model!r})")
    chosen = Options.model_validate(options)
    if len(chosen.word.split()) != 1:
        # The other way to refuse an option, for what a type cannot tell.
        raise OptionError("word", f"{chosen.word!r} is not allowed, expected one word")
    return SyllableEngine(chosen)


class SyllableEngine(SpeechEngine):
    """Finds syllables as swellings of the sound; a token is the number of the frame in which one is loudest."""

    def __init__(self, options: Options) -> None:
        self._options = options

    def load(self) -> None:
        """There is nothing to load."""

    def encode(self, audio: Float32) -> Encoding:
        """Loudness as (T, 1) decibels, 100 frames a second."""
        frames = np.pad(audio, (0, -len(audio) % HOP if len(audio) else HOP)).reshape(-1, HOP)
        power = np.mean(np.square(frames), axis=1)
        smooth = np.convolve(power, np.hanning(SMOOTHING + 2), "same") / (SMOOTHING / 2)
        decibels = 10 * np.log10(smooth[: len(power)] + 1e-10)
        return Encoding(decibels[:, None].astype(np.float32), SAMPLE_RATE / HOP, len(audio))

    def decode(self, encoding: Encoding, prefix: Sequence[int] = (), draft: Sequence[int] = ()) -> Hypothesis:
        """The syllables after those that were promised. A draft would save no work."""
        found = self._syllables(encoding.features[:, 0])
        behind = {frame: swell for frame, swell in found.items() if not prefix or frame > prefix[-1]}
        tokens = (*prefix, *behind)
        rise = self._options.rise
        probabilities = [found.get(frame, rise) / (found.get(frame, rise) + rise) for frame in tokens]
        return Hypothesis(tokens, tuple(probabilities), " ".join(self._options.word for _ in tokens))

    def words(self, tokens: Sequence[int]) -> list[WordSpan]:
        """A word for each token."""
        return [WordSpan(self._options.word, index, index + 1) for index in range(len(tokens))]

    def align(self, encoding: Encoding, hypothesis: Hypothesis) -> list[TimedWord]:
        """A syllable reaches half-way to its neighbours, and not further than `REACH`."""
        rate = encoding.frame_rate
        middles = [(one + other) / 2 for one, other in pairwise(hypothesis.tokens)]
        edges = list(pairwise([0.0, *middles, encoding.duration * rate]))
        return [
            TimedWord(
                span.text,
                max(start, frame - REACH) / rate,
                min(end, frame + REACH) / rate,
                hypothesis.confidence(span),
            )
            for span, frame, (start, end) in zip(self.words(hypothesis.tokens), hypothesis.tokens, edges, strict=False)
        ]

    def _syllables(self, levels: Float32) -> dict[int, float]:
        """The frames in which a swelling is loudest, and how far it rises and fades, in decibels."""
        found: dict[int, float] = {}
        valley, peak, at = float(levels[0]), float(levels[0]), 0
        for frame, level in enumerate(map(float, levels)):
            if level > peak:
                peak, at = level, frame
            if peak - level >= self._options.rise:
                if peak - valley >= self._options.rise:
                    found[at] = peak - max(valley, level)
                valley = peak = level
            elif level < valley and peak - valley < self._options.rise:
                valley = peak = level
        return found
