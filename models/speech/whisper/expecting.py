"""Expected terms put into a text that was read without them.

A beam that leans towards terms loses its way: what a bonus keeps alive pushes better texts out, and the words around a
term change with it. So the text is read as if nothing were expected, and then a term is tried in place of some of its
words, wherever the network finds it likely enough there. All other words stay as they are. What it is worth is in
docs/experiments/terms.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from lipstream.models.speech.engine import Float32
from lipstream.models.speech.expected.lookahead import FoundTerm, TermFinder
from lipstream.models.speech.expected.trie import TermTrie
from lipstream.models.speech.whisper.network import Sound, WhisperDecoder
from lipstream.models.speech.whisper.scores import log_softmax
from lipstream.models.speech.whisper.search import Rules
from lipstream.models.speech.whisper.tokens import WhisperTokens

_MOST: Final = 4 / 3
"""What a term may lack in probability, in parts of its bonus, where it costs the text little."""
_SHORTEST: Final = 0.5
_LONGEST: Final = 1.5
_LETTERS: Final = 2
"""Letters of the words that a term may replace, in parts of its own; and so many more."""
_BEHIND: Final = 8
"""Tokens behind the replaced words by which the text is judged that goes on from the term."""


class Expecting(NamedTuple):
    """A text with terms.

    Attributes:
        tokens: of the text, without prompt and end.
        favoured: of each token the probability with the bonus of its term; 0 where it is of none.
    """

    tokens: list[int]
    favoured: list[float]


def with_terms(
    text: OpenSound, tokens: Sequence[int], terms: TermTrie, vocabulary: WhisperTokens, language: str | None
) -> Expecting:
    """Put terms into a text that the network finds likely in place of what is there.

    Args:
        text: how probable texts of the sound are.
        tokens: the text.
        terms: words and phrases to be expected.
        vocabulary: what the tokens stand for.
        language: of the text.
    """
    return _Putting(text, terms, vocabulary, language).run(list(tokens))


class OpenSound:
    """How probable texts of a sound are, and how they may go on; what was fed last need not be fed again.

    Attributes:
        rules: what may be said.
        most: tokens of a text at most.
    """

    def __init__(self, decoder: WhisperDecoder, sound: Sound, prompt: Sequence[int], rules: Rules) -> None:
        """Feed the prompt.

        Args:
            decoder: the network.
            sound: what is read.
            prompt: what comes before a text.
            rules: what may be said.
        """
        self.rules = rules
        self.most = min(rules.most, decoder.most_tokens - len(prompt) - 1)
        self._prompt = len(prompt)
        self._room = decoder.most_tokens - len(prompt)
        self._open = decoder.open(sound)
        self._tokens: list[int] = []
        self._first = self._open.feed([list(prompt)])[0, -1:] + rules.at_first

    def rows(self, tokens: Sequence[int]) -> Float32:
        """(1 + N, V) scores of the first of N tokens, and after each."""
        return np.concatenate([self._first, self.after((), tokens)])

    def after(self, known: Sequence[int], more: Sequence[int]) -> Float32:
        """(n, V) scores of the token after each of n tokens that follow the `known` ones.

        Behind the longest text that the network reads every token is as likely, so that no term is.
        """
        self._rewind(known)
        fitting = more[: max(1, self._room - len(known))]
        scores = self._open.feed([list(fitting)])[0] + self.rules.never
        self._tokens += fitting
        lacking = len(more) - len(fitting)
        return np.pad(scores, ((0, lacking), (0, 0)))

    def worths(self, known: Sequence[int], scores: Float32, ways: Sequence[Sequence[int]]) -> list[float]:
        """Log-probabilities of ways to go on behind `known`, whose next token has (V,) `scores`."""
        self._rewind(known)
        longest = max(map(len, ways))
        fed = np.array([[*way, *[self.rules.end] * (longest - len(way))] for way in ways])
        found = self._open.branched(len(ways)).feed(fed[:, :-1]) + self.rules.never if longest > 1 else None
        first = log_softmax(scores)
        worths = []
        for row, way in enumerate(ways):
            worth = float(first[way[0]])
            if found is not None and len(way) > 1:
                chances = log_softmax(found[row, : len(way) - 1])
                worth += float(chances[np.arange(len(way) - 1), fed[row, 1 : len(way)]].sum())
            worths.append(worth)
        return worths

    def _rewind(self, known: Sequence[int]) -> None:
        most = min(len(known), len(self._tokens))
        same = next((at for at in range(most) if self._tokens[at] != known[at]), most)
        self._open.crop(self._prompt + same)
        if same < len(known):
            self._open.feed([list(known[same:])])
        self._tokens = list(known)


class _Putting:
    """Puts terms into one text, from its beginning to its end."""

    def __init__(self, text: OpenSound, terms: TermTrie, vocabulary: WhisperTokens, language: str | None) -> None:
        self._text, self._terms = text, terms
        self._vocabulary, self._language = vocabulary, language
        self._finder = TermFinder(terms, text.rules.end, text.after, _MOST * terms.bonus)

    def run(self, tokens: list[int]) -> Expecting:
        favoured = [0.0] * len(tokens)
        if not tokens:
            return Expecting(tokens, favoured)
        rows, at = self._text.rows(tokens), 0
        starts, ends = self._borders(tokens)
        while at < len(tokens):
            found = self._finder.find(tokens[:at], rows[at:], tokens[at:]) if at in starts else None
            last = None if found is None else self._replaced(tokens, at, found, rows[at], ends)
            if found is None or last is None:
                at += 1
                continue
            tokens = [*tokens[:at], *found.tokens, *tokens[last:]]
            favoured = [*favoured[:at], *found.probabilities, *favoured[last:]]
            self._finder.wrote(found)
            rows = self._text.rows(tokens)
            at += len(found.tokens)
            starts, ends = self._borders(tokens)
        return Expecting(tokens, favoured)

    def _borders(self, tokens: Sequence[int]) -> tuple[set[int], list[int]]:
        """Where words begin, and where what is replaced may end: behind a word, or before the sign that closes it."""
        starts = [span.first for span in self._vocabulary.words(tokens, self._language)]
        # A term may stand behind the sign that opens a quotation.
        starts += [at for at, token in enumerate(tokens) if self._vocabulary.starts_word(token, self._language)]
        signs = [at for at, token in enumerate(tokens) if self._vocabulary.closes_word(token)]
        return set(starts), sorted({*starts, *signs, len(tokens)})

    def _replaced(
        self, tokens: Sequence[int], at: int, found: FoundTerm, scores: Float32, borders: Sequence[int]
    ) -> int | None:
        """Up to where a term takes the place of the text; None if it is not to be written."""
        ends = self._ends(tokens, at, found, borders)
        ends = [end for end in ends if len(tokens) - (end - at) + len(found.tokens) <= self._text.most]
        if not ends:
            return None
        judged = ends[-1] + _BEHIND
        rest = [*tokens[:judged], *([self._text.rules.end] if judged >= len(tokens) else [])]
        ways = [rest[at:], *([*found.tokens, *rest[end:]] for end in ends)]
        plain, *others = self._text.worths(tokens[:at], scores, ways)
        # By the token: what leaves words out would be the more probable for that.
        worths = [each * len(ways[0]) / len(way) for each, way in zip(others, ways[1:], strict=True)]
        best = max(range(len(worths)), key=worths.__getitem__)
        lost = plain - worths[best]
        return ends[best] if found.spent + lost <= 2 * self._terms.bonus else None

    def _ends(self, tokens: Sequence[int], at: int, found: FoundTerm, borders: Sequence[int]) -> list[int]:
        """Up to where there is about as much text as the term has, and not the term itself."""
        own, ends = _letters(found.term), []
        for end in borders:
            if end <= at:
                continue
            letters = _letters(self._vocabulary.text(tokens[at:end]))
            if letters > _LONGEST * own + _LETTERS:
                break
            if _has(tokens[at:end], found.tokens):
                return []
            if letters >= _SHORTEST * own:
                ends.append(end)
        return ends


def _letters(text: str) -> int:
    return sum(map(str.isalnum, text))


def _has(tokens: Sequence[int], part: Sequence[int]) -> bool:
    return any(tuple(tokens[at : at + len(part)]) == tuple(part) for at in range(len(tokens) - len(part) + 1))
