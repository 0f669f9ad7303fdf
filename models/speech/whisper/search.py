"""Search for the most probable text: beam search, and a check of a whole text at once.

Beam search as in Whisper's published code (decoding.py): a text's worth is its log-probability divided by its length.
There it stops once enough texts have ended. Where the network is sure of a long text, such texts are soon a handful of
poor short ones; so here it goes on as long as one under way is better than all that have ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import Tensor

from lipstream.models.speech.engine import Float32, mean_log
from lipstream.models.speech.expected.trie import TermState, TermTrie
from lipstream.models.speech.whisper.network import OpenText, Sound, WhisperDecoder


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
    never: Tensor
    at_first: Tensor
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

    def behind(self, count: int) -> Read:
        """Without the first tokens of it."""
        return replace(
            self, tokens=self.tokens[count:], probabilities=self.probabilities[count:], looks=self.looks[:, count:]
        )

    @property
    def mean_log_probability(self) -> float:
        """By the token."""
        return mean_log((*self.probabilities, self.end_probability))

    @property
    def log_probability(self) -> float:
        """Of the whole text, its end included."""
        return self.mean_log_probability * (len(self.tokens) + 1)


@torch.inference_mode()
def beam_search(
    decoder: WhisperDecoder,
    sound: Sound,
    prompt: Sequence[int],
    rules: Rules,
    width: int,
    terms: TermTrie | None = None,
) -> list[int]:
    """The best text that was found; empty if that is to say nothing.

    Args:
        decoder: the network.
        sound: what is read.
        prompt: what comes before the text.
        rules: what may be said.
        width: texts pursued side by side; 1 takes the best token each time.
        terms: words and phrases to be expected.
    """
    text = decoder.open(sound)
    scores = text.feed(torch.tensor([list(prompt)]))[:, -1] + rules.at_first
    return _Beams(text, rules, width, len(prompt), terms).run(scores)


class _Ended(NamedTuple):
    worth: float
    """Log-probability, that of the end included."""
    given: float
    """What expected terms add."""
    tokens: list[int]

    def rank(self, longest: int) -> float:
        """Worth by the token; what terms add counts as in a text of the longest length, or short texts would gain."""
        return self.worth / (len(self.tokens) + 1) + self.given / (longest + 1)


class _Beams:
    def __init__(self, text: OpenText, rules: Rules, width: int, prompt: int, terms: TermTrie | None) -> None:
        self._text, self._rules, self._width = text, rules, width
        self._most = min(rules.most, text.decoder.most_tokens - prompt - 1)
        self._alive: list[list[int]] = [[]]
        self._worth = torch.zeros(1)
        self._ended: list[_Ended] = []
        self._leaning = None if terms is None else _Leaning(terms)

    def run(self, scores: Tensor) -> list[int]:
        while self._extend(scores):
            newest = torch.tensor([[tokens[-1]] for tokens in self._alive])
            scores = self._text.feed(newest)[:, -1] + self._rules.never
        if not self._ended:
            return self._alive[0] if self._alive else []
        longest = max(len(each.tokens) for each in self._ended)
        return max(self._ended, key=lambda each: each.rank(longest)).tokens

    def _extend(self, scores: Tensor) -> bool:
        """One more token for each of the best; whether to go on."""
        if len(self._alive[0]) >= self._most:
            self._ended += [
                # As if they ended here: they are longer by no more than the end.
                _Ended(value * (len(tokens) + 1) / max(1, len(tokens)), self._given(row), tokens)
                for row, (value, tokens) in enumerate(zip(self._worth.tolist(), self._alive, strict=True))
            ]
            return False
        worth = scores.log_softmax(-1) + self._worth[:, None]
        ranked = worth if self._leaning is None else self._leaning.ranked(worth)
        best = ranked.view(-1).topk(2 * self._width)
        alive: list[list[int]] = []
        places, kept = [], []
        for value, index in zip(best.values.tolist(), best.indices.tolist(), strict=True):
            if len(alive) == self._width or value == -torch.inf:
                break  # Ends behind these are not among the best; what may not be said is none.
            row, token = divmod(index, worth.shape[1])
            plain = float(worth[row, token])
            if token == self._rules.end:
                self._ended.append(_Ended(plain, value - plain, self._alive[row]))
            else:
                alive.append([*self._alive[row], token])
                places.append(row)
                kept.append(plain)
        if not alive or (self._width == 1 and self._ended):
            return False
        if self._leaning is not None:
            self._leaning.choose([(row, tokens[-1]) for row, tokens in zip(places, alive, strict=True)])
        self._alive, self._worth = alive, torch.tensor(kept)
        self._text.choose(places)
        return not self._is_over()

    def _is_over(self) -> bool:
        """Whether enough texts have ended, and none under way is better than the best of them."""
        if len(self._ended) < self._width:
            return False
        length = len(self._alive[0])
        under_way = float(self._worth[0]) / length + self._given(0) / (length + 1)
        return max(each.rank(length) for each in self._ended) >= under_way

    def _given(self, row: int) -> float:
        return 0.0 if self._leaning is None else self._leaning.given(row)


class _Leaning:
    """What expected terms add to the worth of the texts of a beam, side by side."""

    def __init__(self, terms: TermTrie) -> None:
        self._terms = terms
        self._states: list[TermState] = [terms.start]
        self._known: dict[tuple[object, ...], tuple[float, Tensor, Tensor]] = {}

    def ranked(self, worth: Tensor) -> Tensor:
        """(B, V) log-probabilities with what the terms add to each."""
        ranked = worth.clone()
        for row, state in enumerate(self._states):
            otherwise, tokens, gains = self._added(state)
            ranked[row] += state.given + otherwise
            ranked[row, tokens] += gains - otherwise
        return ranked

    def given(self, row: int) -> float:
        """What a text holds now."""
        return self._states[row].given

    def choose(self, chosen: Sequence[tuple[int, int]]) -> None:
        """Go on with these: the row of a text, and the token behind it."""
        self._states = [self._terms.advance(self._states[row], token) for row, token in chosen]

    def _added(self, state: TermState) -> tuple[float, Tensor, Tensor]:
        key = (id(state.node), state.held, state.kept, state.last)
        if key not in self._known:
            gains = self._terms.bonuses(state)
            tokens = torch.tensor(list(gains), dtype=torch.long)
            self._known[key] = self._terms.otherwise(state), tokens, torch.tensor(list(gains.values()))
        return self._known[key]


@torch.inference_mode()
def check(decoder: WhisperDecoder, sound: Sound, prompt: Sequence[int], tokens: Sequence[int], rules: Rules) -> Read:
    """How probable each token of a text is, and where in the sound it was read."""
    looks: list[Tensor] = []
    text = decoder.open(sound)
    scores = text.feed(torch.tensor([[*prompt, *tokens]]), looks)[0, len(prompt) - 1 :]
    scores[0] += rules.at_first
    scores[1:] += rules.never
    probabilities = scores.softmax(-1)
    chosen = probabilities[torch.arange(len(tokens)), torch.tensor(list(tokens), dtype=torch.long)].tolist()
    where = torch.cat(looks)[:, len(prompt) - 1 : -1].numpy()
    return Read(tuple(tokens), tuple(chosen), float(probabilities[-1, rules.end]), where)


@torch.inference_mode()
def agreed(
    decoder: WhisperDecoder, sound: Sound, prompt: Sequence[int], draft: Sequence[int], rules: Rules
) -> list[int]:
    """The text that the best token each time gives; a draft of it saves most of the steps."""
    text = decoder.open(sound)
    most = min(rules.most, decoder.most_tokens - len(prompt) - 1)
    tokens: list[int] = []
    guess = [token for token in draft if token < rules.end][:most]
    scores = text.feed(torch.tensor([[*prompt, *guess]]))[0, len(prompt) - 1 :]
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
        scores = text.feed(torch.tensor([tokens[-1:]]))[0]
