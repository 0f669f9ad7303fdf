"""Greedy decoding with a forced prefix and a speculative draft, for any network with a key-value cache.

A call of a small decoder costs about as much for one token as for ten, so tokens that are known or guessed go through
it together. That gives a prefix its probabilities, and tells how far a draft is what the network would have said
itself: the greedy form of Leviathan et al., "Fast Inference from Transformers via Speculative Decoding",
arXiv 2211.17192. Where the draft was wrong its remainder serves as the next guess, once the text is back in step with
it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

import numpy as np

from lipstream.models.speech.engine import Float32

_RESYNC_WINDOW: Final = 4
"""How many tokens of the draft may be skipped to get back in step with it after a wrong guess."""


class TokenScorer(Protocol):
    """A text under way: the network and its cache."""

    def feed(self, tokens: Sequence[int]) -> Float32:
        """Append n tokens; (n, V) scores (logits) of the token after each."""

    def crop(self, length: int) -> None:
        """Forget all but the first `length` tokens, the start token counted."""


@dataclass(frozen=True, slots=True)
class Stop:
    """When a text ends.

    Attributes:
        token: the token that ends a text.
        limit: largest number of tokens.
        keep: given the tokens so far, after each one, how many of them to keep; fewer than there are ends the text.
    """

    token: int
    limit: int
    keep: Callable[[Sequence[int]], int]


@dataclass(slots=True)
class _Text:
    tokens: list[int] = field(default_factory=list)
    probabilities: list[float] = field(default_factory=list)
    ended: bool = False

    def append(self, token: int, scores: Float32) -> None:
        self.tokens.append(token)
        self.probabilities.append(softmax_at(scores, token))

    def append_best(self, scores: Float32, stop: Stop) -> int:
        """Append the best token, unless the text ends; return it."""
        best = int(scores.argmax())
        if best == stop.token or len(self.tokens) >= stop.limit:
            self.ended = True
            return stop.token
        self.append(best, scores)
        kept = stop.keep(self.tokens)
        if kept < len(self.tokens):
            self.ended = True
            del self.tokens[kept:], self.probabilities[kept:]
        return best


def greedy_decode(
    scorer: TokenScorer, start: int, prefix: Sequence[int], draft: Sequence[int], stop: Stop
) -> tuple[list[int], list[float]]:
    """The most probable token after each, until the text ends; and the tokens' probabilities.

    Args:
        scorer: the network, with nothing fed to it yet.
        start: the start token.
        prefix: tokens the text must begin with.
        draft: a guess at the whole text, prefix included; it only saves calls.
        stop: when the text ends.
    """
    text = _Text()
    # The start token goes alone: an int8 network scales a whole call by its largest activation, and with the start
    # token among the rest Moonshine's margins between tokens were found to be a third further off.
    scores = scorer.feed([start])
    at = len(prefix)
    guess = draft[at : stop.limit]
    if prefix or guess:
        scores = np.concatenate([scores, scorer.feed([*prefix, *guess])])
    for row, token in zip(scores, prefix, strict=False):
        text.append(token, row)
    scores = scores[at:]
    while True:
        agreed = _append_agreed(text, scores, guess, stop)
        if text.ended:
            return text.tokens, text.probabilities
        at, guess = _next_guess(draft[: stop.limit], at + agreed, text.tokens[-1])
        scorer.crop(len(text.tokens))
        scores = scorer.feed([text.tokens[-1], *guess])


def _append_agreed(text: _Text, scores: Float32, guess: Sequence[int], stop: Stop) -> int:
    """Append the best tokens as far as the guess agrees, and the one after; return how far it agreed."""
    for agreed, guessed in enumerate(guess):
        if text.append_best(scores[agreed], stop) != guessed:
            return agreed
        if text.ended:
            return agreed
    text.append_best(scores[len(guess)], stop)
    return len(guess)


def _next_guess(draft: Sequence[int], at: int, token: int) -> tuple[int, Sequence[int]]:
    """Where the draft goes on after `token`, which was chosen where the draft had position `at`; and what follows."""
    window = draft[at : at + _RESYNC_WINDOW]
    if token not in window:
        return at, ()
    at += list(window).index(token) + 1
    return at, draft[at:]


def softmax_at(scores: Float32, token: int) -> float:
    """The probability that (V,) scores (logits) give one token."""
    best = scores.max()
    return float(np.exp(scores[token] - best) / np.exp(scores - best).sum(dtype=np.float64))
