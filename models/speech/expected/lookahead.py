"""Terms to be expected in greedy decoding: a term is tried as a whole before its first token is taken.

A greedy text has one hypothesis, so it cannot give back what a broken off match has cost, as a beam search does by
letting another text win. It can look ahead instead, because a call of a small decoder costs about as much for ten
tokens as for one: where a term could begin, its tokens are fed, and their log-probabilities summed. A term whose sum
and bonus together are not below 0 is written, anything else never was. The sum tells names that are said from those
that are not: once the right beginning is forced the network agrees with the rest, with a wrong one it does not. It is
the probability itself that counts, and not that of the network's own choice beside it: a network that does not know
what it hears finds many names hardly less probable than its guess (docs/experiments/terms.md).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from lipstream.models.speech.engine import Float32
from lipstream.models.speech.expected.trie import TermNode, TermTrie

_MOST_TRIES: Final = 4
"""Beginnings of terms that are followed at one place, the likeliest first."""


@dataclass(frozen=True, slots=True)
class FoundTerm:
    """A term to be written.

    Attributes:
        term: the phrase.
        tokens: its tokens.
        probabilities: of each token when the part of the bonus that was not spent yet is added to its score.
        spent: the nats of its bonus that it needs: minus the logarithm of its probability.
        plain: the network likes each of the tokens best by itself.
    """

    term: str
    tokens: tuple[int, ...]
    probabilities: tuple[float, ...]
    spent: float
    plain: bool


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a term may begin: the tokens before, the guess at those after, and (1 + guess, V) scores along it."""

    known: Sequence[int]
    guess: Sequence[int]
    rows: Float32


@dataclass(frozen=True, slots=True)
class _Path:
    tokens: tuple[int, ...] = ()
    probabilities: tuple[float, ...] = ()
    spent: float = 0.0
    plain: bool = True

    def with_token(self, token: int, scores: Float32, bonus: float) -> _Path:
        loss = _log_total(scores) - float(scores[token])
        return _Path(
            (*self.tokens, token),
            (*self.probabilities, _favoured(loss, bonus - self.spent)),
            self.spent + loss,
            self.plain and token == scores.argmax(),
        )


class TermFinder:
    """Finds the terms of one text under way."""

    def __init__(
        self,
        trie: TermTrie,
        end: int,
        after: Callable[[Sequence[int], Sequence[int]], Float32],
        most: float | None = None,
    ) -> None:
        """Prepare a finder.

        Args:
            trie: the terms.
            end: the token that ends a text.
            after: given the tokens so far and n more, (n, V) scores of the token after each of the latter.
            most: nats that a term may lack at most; its bonus if not given.
        """
        self._trie = trie
        self._end = end
        self._after = after
        self._most = trie.bonus if most is None else most
        self._firsts = {root: np.array(list(root.following), np.int64) for root in (trie.opening, trie.root)}
        # A term that was written halves its bonus for the rest of the text, lest it be repeated without end.
        self._times = Counter[str]()

    def find(self, known: Sequence[int], rows: Float32, guess: Sequence[int]) -> FoundTerm | None:
        """The term that is to be written after `known` instead of what the network likes best, if there is one.

        Args:
            known: the tokens so far.
            rows: (1 + n, V) scores of the next token, and after each of `guess`.
            guess: n tokens that may follow; where a term goes along with them no call is needed.
        """
        place = _Place(known, guess, rows)
        root = self._trie.root if known else self._trie.opening
        found = [term for first in self._beginnings(root, rows[0]) if (term := self._follow(root, first, place))]
        best = min(found, key=lambda each: each.spent, default=None)
        if best is None or best.plain:
            return None
        if best.spent > self._most / 2 ** self._times[best.term]:
            return None
        return best

    def wrote(self, found: FoundTerm) -> None:
        """Note that a term was written."""
        self._times[found.term] += 1

    def _beginnings(self, root: TermNode, scores: Float32) -> list[int]:
        """First tokens of terms that may be worth a try, the likeliest first.

        None where the text would end: a term is never said in addition. None that would cut a word short.
        """
        best = int(scores.argmax())
        if best == self._end:
            return []
        firsts = self._firsts[root]
        near: list[int] = firsts[scores[firsts] >= _log_total(scores) - self._trie.bonus].tolist()
        continues = self._trie.continues_word
        if near and continues(best):
            near = [each for each in near if continues(each)]
        return sorted(near, key=lambda each: -float(scores[each]))[:_MOST_TRIES]

    def _follow(self, root: TermNode, first: int, place: _Place) -> FoundTerm | None:
        """The longest term with this first token that stays within the bonus."""
        found: FoundTerm | None = None
        node, token, scores = root, first, place.rows[0]
        path = _Path()
        while True:
            node = node.following[token]
            path = path.with_token(token, scores, self._trie.bonus)
            chain = _chain(node)
            rows = self._scores(place, path.tokens, chain)
            for token, scores in zip(chain, rows, strict=False):
                node = node.following[token]
                path = path.with_token(token, scores, self._trie.bonus)
            if path.spent > self._most:
                return found
            scores = rows[-1]
            if node.term is not None and not self._trie.continues_word(int(scores.argmax())):
                found = FoundTerm(node.term, path.tokens, path.probabilities, path.spent, path.plain)
            if not node.following:
                return found
            here = scores
            token = max(node.following, key=lambda each: float(here[each]))

    def _scores(self, place: _Place, path: tuple[int, ...], chain: Sequence[int]) -> Float32:
        """(1 + n, V) scores after a path and after each of the n tokens that follow it."""
        whole = [*path, *chain]
        if whole == list(place.guess[: len(whole)]):
            return place.rows[len(path) : len(whole) + 1]
        return self._after(place.known, whole)[len(path) - 1 :]


def _chain(node: TermNode) -> list[int]:
    """The tokens after a node up to where a term ends or the trie forks."""
    chain = []
    while node.term is None and len(node.following) == 1:
        ((token, node),) = node.following.items()
        chain.append(token)
    return chain


def _log_total(scores: Float32) -> float:
    """What (V,) scores (logits) lack to be log-probabilities."""
    best = float(scores.max())
    return best + math.log(float(np.exp(scores - best).sum(dtype=np.float64)))


def _favoured(loss: float, bonus: float) -> float:
    """A probability of exp(-loss) after `bonus` was added to the score of the one token."""
    gain = math.exp(max(bonus, 0.0) - loss)
    return gain / (gain - math.expm1(-loss))
