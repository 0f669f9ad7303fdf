"""A scripted recogniser for tests."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from models.speech.engine import SAMPLE_RATE, Encoding, Hypothesis, SpeechEngine, TimedWord, WordSpan

VOCABULARY = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


class CountingEngine(SpeechEngine):
    """Hears the word "n" wherever the samples have the value n / 10; each run of equal values is a word.

    The last word of what it has heard so far is misheard as "zero", as a recogniser mishears a word cut short.

    Args:
        fail_on: numbers of the calls of `decode`, from 1, that raise.
    """

    def __init__(self, fail_on: Sequence[int] = ()) -> None:
        self.encoded: list[int] = []
        self.decoded = 0
        self.drafts: list[tuple[int, ...]] = []
        self._fail_on = set(fail_on)

    def load(self) -> None: ...

    def encode(self, audio):
        self.encoded.append(len(audio))
        frames = audio[: len(audio) // 320 * 320].reshape(-1, 320)[:, :1]
        return Encoding(np.ascontiguousarray(frames, dtype=np.float32), 50.0, len(audio))

    def decode(self, encoding, prefix=(), draft=()):
        self.decoded += 1
        self.drafts.append(tuple(draft))
        if self.decoded in self._fail_on:
            raise RuntimeError("scripted failure")
        values = np.rint(encoding.features[:, 0] * 10).astype(int)
        runs = [int(v) for i, v in enumerate(values) if i == 0 or v != values[i - 1]]
        heard = [v for v in runs if v > 0]
        if heard and runs[-1] > 0:
            heard[-1] = 0
        tokens = tuple(prefix) + tuple(heard[len(prefix) :])
        return Hypothesis(tokens, (0.9,) * len(tokens), " ".join(VOCABULARY[t] for t in tokens))

    def words(self, tokens):
        return [WordSpan(VOCABULARY[t], i, i + 1) for i, t in enumerate(tokens)]

    def align(self, encoding, hypothesis):
        step = encoding.duration / max(1, len(hypothesis.tokens))
        return [TimedWord(VOCABULARY[t], i * step, (i + 1) * step, 0.9) for i, t in enumerate(hypothesis.tokens)]


def spoken(words: Sequence[int], seconds_each: float = 0.32, tail: float = 0.4) -> np.ndarray:
    """Sound in which `CountingEngine` hears these numbers."""
    pieces = [np.full(round(seconds_each * SAMPLE_RATE), word / 10, np.float32) for word in words]
    return np.concatenate([*pieces, np.zeros(round(tail * SAMPLE_RATE), np.float32)])
