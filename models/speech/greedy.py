"""Greedy decoding with a forced prefix, a speculative draft and expected terms, for any network with a cache.

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
from lipstream.models.speech.expected.lookahead import TermFinder
from lipstream.models.speech.expected.trie import TermTrie

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

    def append_next(
        self, scores: Float32, guess: Sequence[int], stop: Stop, finder: TermFinder | None
    ) -> tuple[int, ...]:
        """Append what comes next, unless the text ends: an expected term, or the best token; return it.

        Args:
            scores: (1 + n, V), of the next token and after each of n guessed ones.
            guess: the n tokens.
            stop: when the text ends.
            finder: finds expected terms.
        """
        found = None if finder is None else finder.find(self.tokens, scores, guess)
        if finder is not None and found is not None and len(self.tokens) + len(found.tokens) <= stop.limit:
            finder.wrote(found)
            for token, probability in zip(found.tokens, found.probabilities, strict=True):
                if not self.ended:
                    self._append(token, probability, stop)
            return found.tokens
        best = int(scores[0].argmax())
        if best == stop.token or len(self.tokens) >= stop.limit:
            self.ended = True
            return (stop.token,)
        self._append(best, softmax_at(scores[0], best), stop)
        return (best,)

    def _append(self, token: int, probability: float, stop: Stop) -> None:
        self.tokens.append(token)
        self.probabilities.append(probability)
        kept = stop.keep(self.tokens)
        if kept < len(self.tokens):
            self.ended = True
            del self.tokens[kept:], self.probabilities[kept:]


class _Fed:
    """A network, and the tokens in its cache."""

    def __init__(self, scorer: TokenScorer, start: int) -> None:
        self._scorer = scorer
        self._tokens = [start]
        # The start token goes alone: an int8 network scales a whole call by its largest activation, and with the start
        # token among the rest Moonshine's margins between tokens were found to be a third further off.
        self.first = scorer.feed([start])
        """(1, V) scores of the first token of a text."""

    def after(self, known: Sequence[int], more: Sequence[int]) -> Float32:
        """(n, V) scores of the token after each of n tokens that follow the `known` ones."""
        wanted = [self._tokens[0], *known, *more]
        most = min(len(self._tokens), len(known) + 1)
        same = next((at for at in range(most) if self._tokens[at] != wanted[at]), most)
        if same < len(self._tokens):
            self._scorer.crop(same)
        scores = self._scorer.feed(wanted[same:])
        self._tokens = wanted
        return scores[-len(more) :]


def greedy_decode(
    scorer: TokenScorer,
    start: int,
    prefix: Sequence[int],
    draft: Sequence[int],
    stop: Stop,
    terms: TermTrie | None = None,
) -> tuple[list[int], list[float]]:
    """The most probable token after each, until the text ends; and the tokens' probabilities.

    Args:
        scorer: the network, with nothing fed to it yet.
        start: the start token.
        prefix: tokens the text must begin with.
        draft: a guess at the whole text, prefix included; it only saves calls.
        stop: when the text ends.
        terms: phrases that are written where their bonus makes up for what the network thinks of them, see
            `lookahead`. None begins inside the prefix.
    """
    text = _Text()
    fed = _Fed(scorer, start)
    finder = None if terms is None else TermFinder(terms, stop.token, fed.after)
    scores = fed.first
    at = len(prefix)
    guess = draft[at : stop.limit]
    if prefix or guess:
        scores = np.concatenate([scores, fed.after((), [*prefix, *guess])])
    for row, token in zip(scores, prefix, strict=False):
        text.append(token, row)
    scores = scores[at:]
    while True:
        agreed = _append_agreed(text, scores, guess, stop, finder)
        if text.ended:
            return text.tokens, text.probabilities
        at, guess = _next_guess(draft[: stop.limit], at + agreed, text.tokens[-1])
        scores = fed.after(text.tokens[:-1], [text.tokens[-1], *guess])


def _append_agreed(text: _Text, scores: Float32, guess: Sequence[int], stop: Stop, finder: TermFinder | None) -> int:
    """Append what comes next as far as the guess agrees, and what comes after; return how far it agreed."""
    agreed = 0
    while True:
        chosen = text.append_next(scores[agreed:], guess[agreed:], stop, finder)
        if text.ended or chosen != tuple(guess[agreed : agreed + len(chosen)]):
            return agreed
        agreed += len(chosen)


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
