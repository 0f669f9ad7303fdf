"""Search for the most probable text: beam search, and a check of a whole text at once.

Beam search as in Whisper's published code (decoding.py): a text's worth is its log-probability divided by its length.
There it stops once enough texts have ended. Where the network is sure of a long text, such texts are soon a handful of
poor short ones; so here it goes on as long as one under way is better than all that have ended.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from lipstream.models.speech.engine import Float32, mean_log
from lipstream.models.speech.interruption import Interruption
from lipstream.models.speech.whisper.network import OpenText, Sound, WhisperDecoder
from lipstream.models.speech.whisper.scores import best_of, log_softmax, softmax


@dataclass(frozen=True, slots=True, eq=False)
class Rules:
    """What may be said.

    Attributes:
        end: the token that ends a text.
        never: (V,) 0, or -inf for tokens that may not be chosen.
        at_first: (V,) the same for the first token.
        most: tokens of a text at most.
    """

    end: int
    never: Float32
    at_first: Float32
    most: int


@dataclass(frozen=True, slots=True, eq=False)
class Read:
    """A text, checked in one pass.

    Attributes:
        tokens: N of them, without prompt and end.
        probabilities: of each, in [0, 1].
        end_probability: of the end behind them.
        looks: (h, N, T) where the alignment heads looked for each.
    """

    tokens: tuple[int, ...]
    probabilities: tuple[float, ...]
    end_probability: float
    looks: Float32

    def first(self, count: int) -> Read:
        """No more than the first tokens of it."""
        return replace(
            self, tokens=self.tokens[:count], probabilities=self.probabilities[:count], looks=self.looks[:, :count]
        )

    def at_least(self, probabilities: Sequence[float]) -> Read:
        """The same with each token as probable as told, or more."""
        return replace(self, probabilities=tuple(map(max, self.probabilities, probabilities)))

    def behind(self, count: int) -> Read:
        """Without the first tokens of it."""
        return replace(
            self, tokens=self.tokens[count:], probabilities=self.probabilities[count:], looks=self.looks[:, count:]
        )

    @property
    def mean_log_probability(self) -> float:
        """By the token."""
        return mean_log((*self.probabilities, self.end_probability))


def beam_search(
    decoder: WhisperDecoder,
    sound: Sound,
    prompt: Sequence[int],
    rules: Rules,
    width: int,
    interruption: Interruption | None = None,
) -> list[int]:
    """The best text that was found; empty if that is to say nothing.

    Args:
        decoder: the network.
        sound: what is read.
        prompt: what comes before the text.
        rules: what may be said.
        width: texts pursued side by side; 1 takes the best token each time.
        interruption: ends the search.

    Raises:
        Interrupted: it was ended.
    """
    text = decoder.open(sound)
    scores = text.feed([list(prompt)])[:, -1] + rules.at_first
    return _Beams(text, rules, width, len(prompt)).run(scores, interruption)


class _Ended(NamedTuple):
    worth: float
    """Log-probability, that of the end included."""
    tokens: list[int]

    @property
    def rank(self) -> float:
        """Worth by the token."""
        return self.worth / (len(self.tokens) + 1)


class _Beams:
    def __init__(self, text: OpenText, rules: Rules, width: int, prompt: int) -> None:
        self._text, self._rules, self._width = text, rules, width
        self._most = min(rules.most, text.decoder.most_tokens - prompt - 1)
        self._alive: list[list[int]] = [[]]
        self._worth = np.zeros(1, np.float32)
        self._ended: list[_Ended] = []

    def run(self, scores: Float32, interruption: Interruption | None) -> list[int]:
        while self._extend(scores):
            if interruption is not None:
                interruption.check()
            newest = [[tokens[-1]] for tokens in self._alive]
            scores = self._text.feed(newest)[:, -1] + self._rules.never
        if not self._ended:
            return self._alive[0] if self._alive else []
        return max(self._ended, key=lambda each: each.rank).tokens

    def _extend(self, scores: Float32) -> bool:
        """One more token for each of the best; whether to go on."""
        if len(self._alive[0]) >= self._most:
            self._ended += [
                # As if they ended here: they are longer by no more than the end.
                _Ended(value * (len(tokens) + 1) / max(1, len(tokens)), tokens)
                for value, tokens in zip(self._worth.tolist(), self._alive, strict=True)
            ]
            return False
        worth = log_softmax(scores) + self._worth[:, None]
        flat = worth.reshape(-1)
        alive: list[list[int]] = []
        places, kept = [], []
        for index in best_of(flat, 2 * self._width):
            value = float(flat[index])
            if len(alive) == self._width or value == -math.inf:
                break  # Ends behind these are not among the best; what may not be said is none.
            row, token = divmod(index, worth.shape[1])
            if token == self._rules.end:
                self._ended.append(_Ended(value, self._alive[row]))
            else:
                alive.append([*self._alive[row], token])
                places.append(row)
                kept.append(value)
        if not alive or (self._width == 1 and self._ended):
            return False
        self._alive, self._worth = alive, np.array(kept, np.float32)
        self._text.choose(places)
        return not self._is_over()

    def _is_over(self) -> bool:
        """Whether enough texts have ended, and none under way is better than the best of them."""
        if len(self._ended) < self._width:
            return False
        under_way = float(self._worth[0]) / len(self._alive[0])
        return max(each.rank for each in self._ended) >= under_way


def check(decoder: WhisperDecoder, sound: Sound, prompt: Sequence[int], tokens: Sequence[int], rules: Rules) -> Read:
    """How probable each token of a text is, and where in the sound it was read."""
    looks: list[Float32] = []
    text = decoder.open(sound)
    scores = text.feed([[*prompt, *tokens]], looks)[0, len(prompt) - 1 :]
    scores[0] += rules.at_first
    scores[1:] += rules.never
    probabilities = softmax(scores)
    chosen = probabilities[np.arange(len(tokens)), np.array(tokens, np.intp)].tolist()
    where = np.concatenate(looks)[:, len(prompt) - 1 : -1]
    return Read(tuple(tokens), tuple(chosen), float(probabilities[-1, rules.end]), where)


def agreed(
    decoder: WhisperDecoder, sound: Sound, prompt: Sequence[int], draft: Sequence[int], rules: Rules
) -> list[int]:
    """The text that the best token each time gives; a draft of it saves most of the steps."""
    text = decoder.open(sound)
    most = min(rules.most, decoder.most_tokens - len(prompt) - 1)
    tokens: list[int] = []
    guess = [token for token in draft if token < rules.end][:most]
    scores = text.feed([[*prompt, *guess]])[0, len(prompt) - 1 :]
    while True:
        for at, row in enumerate(scores):
            best = int((row + (rules.never if tokens else rules.at_first)).argmax())
            if best == rules.end or len(tokens) >= most:
                return tokens
            tokens.append(best)
            if at >= len(guess) or guess[at] != best:
                break
        text.crop(len(prompt) + len(tokens) - 1)
        guess = []
        scores = text.feed([tokens[-1:]])[0]
