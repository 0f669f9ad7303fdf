"""The terms to be expected as a prefix trie over tokens, and what it adds to the scores of a beam search.

Shallow fusion with an automaton of phrases: Zhao et al., "Shallow-Fusion End-to-End Contextual Biasing", Interspeech
2019, and Pundak et al., "Deep Context", arXiv 1808.02480. A term under way is given part of its bonus with each token,
so that it lives long enough to be finished; one that breaks off loses all it was given. Matches that overlap are
followed as Aho and Corasick do (Communications of the ACM 18(6), 1975).
"""

from __future__ import annotations

import unicodedata
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from lipstream.models.speech.expected.terms import Terms

_UNSPACED_SCRIPTS = ("CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "MYANMAR", "KHMER")


@dataclass(slots=True, eq=False)
class TermNode:
    """A place in the trie: the tokens of a term so far.

    Attributes:
        following: the nodes one token on.
        term: the phrase that ends here, if one does.
        credit: part of the bonus that a text which got here is given.
        shorter: the node of the longest end of these tokens that begins a term too; None at the root.
    """

    following: dict[int, TermNode] = field(default_factory=dict)
    term: str | None = None
    credit: float = 0.0
    shorter: TermNode | None = None


@dataclass(frozen=True, slots=True)
class TermState:
    """What a text so far has to do with the terms. Small and immutable, one for each hypothesis.

    Attributes:
        node: the match under way.
        earned: nats for whole terms before it.
        held: nats for the match.
        kept: nats that stay if the match breaks off: a shorter term within it is whole.
        last: the term that ended just before the match began.
    """

    node: TermNode
    earned: float = 0.0
    held: float = 0.0
    kept: float = 0.0
    last: str | None = None

    @property
    def given(self) -> float:
        """Nats that the text holds now; a beam ranks texts by their log-probability and this."""
        return self.earned + self.held


class TermTrie:
    """The tokens of all terms, in the ways the vocabulary may write them. Immutable once made.

    Attributes:
        bonus: what a whole term is worth, in nats.
        opening: the root at the beginning of a text, where the first word may lack its space.
        root: the root anywhere else.
        continues_word: whether a token goes on with the word before it.
        start: the state of an empty text.
    """

    def __init__(
        self, terms: Terms, encode: Callable[[str], Sequence[int]], continues_word: Callable[[int], bool]
    ) -> None:
        """Write each term as given and with a capital, with a space before it and, at the beginning, without.

        Args:
            terms: what is to be expected.
            encode: text to tokens as the recogniser writes them; a word that follows another begins with a space.
            continues_word: whether a token goes on with the word before it: no space, a letter or digit first; never
                in scripts without spaces.
        """
        self.bonus = terms.bonus
        self.continues_word = continues_word
        self.root = TermNode()
        self.opening = TermNode(shorter=self.root)
        for phrase in terms.phrases:
            for spelling in dict.fromkeys((phrase, phrase[0].upper() + phrase[1:])):
                spaced, bare = tuple(encode(" " + spelling)), tuple(encode(spelling))
                self._add(self.opening, spaced, phrase)
                self._add(self.opening, bare, phrase)
                self._add(self.root, bare if _is_unspaced(spelling) else spaced, phrase)
        self._link()
        self.start = TermState(self.opening)

    def written(self, tokens: Sequence[int]) -> int:
        """How many different terms a whole text has."""
        state, found = self.start, set()
        for token in (*tokens, None):
            if state.node.term is not None and (token is None or not self.continues_word(token)):
                found.add(state.node.term)
            if token is not None:
                state = self.advance(state, token)
        return len(found)

    def bonuses(self, state: TermState) -> Mapping[int, float]:
        """Nats that tokens which begin or continue a term add to the text; any other token adds `otherwise`."""
        return {token: self.advance(state, token).given - state.given for token in _next_tokens(state.node)}

    def otherwise(self, state: TermState) -> float:
        """Nats that any other token adds: never above 0, it takes back what a term that breaks off was given.

        A token that goes on with the last word of a whole term ("Kim", "Kimberley") breaks it off as well, which only
        `advance` tells: rank by `TermState.given` once the tokens are chosen.
        """
        return 0.0 if state.node.term is not None else state.kept - state.held

    def advance(self, state: TermState, token: int) -> TermState:
        """The state after one more token; at the end of a text, after the end token."""
        node = state.node
        whole = node.term is not None and not self.continues_word(token)
        following = node.following.get(token)
        if following is not None:
            return self._entered(following, state.earned, state.held if whole else state.kept, state.last)
        if whole:  # Nothing that overlaps it is a term as well.
            return self._entered(self.root.following.get(token, self.root), state.earned + state.held, 0.0, node.term)
        while following is None and node.shorter is not None:
            node = node.shorter
            following = node.following.get(token)
        return self._entered(following or self.root, state.earned + state.kept, 0.0, None)

    def _entered(self, node: TermNode, earned: float, kept: float, last: str | None) -> TermState:
        if node is self.root:
            return TermState(node, earned)
        # A term said again at once brings nothing: else a beam would earn its bonus by saying it for ever.
        again = node.term is not None and node.term == last
        return TermState(node, earned, kept if again else max(node.credit, kept), kept, last)

    def _add(self, root: TermNode, tokens: Sequence[int], phrase: str) -> None:
        node = root
        for count, token in enumerate(tokens, 1):
            node = node.following.setdefault(token, TermNode())
            node.credit = max(node.credit, self.bonus * count / len(tokens))
        if node is not root:
            node.term = phrase

    def _link(self) -> None:
        """Tell each node the longest end of its tokens that begins a term too."""
        waiting = deque((self.root, self.opening))
        while waiting:
            node = waiting.popleft()
            for token, following in node.following.items():
                shorter = node.shorter
                while shorter is not None and token not in shorter.following:
                    shorter = shorter.shorter
                following.shorter = self.root if shorter is None else shorter.following[token]
                waiting.append(following)


def _next_tokens(node: TermNode) -> Iterator[int]:
    """Tokens that go on with a match, or with an end of it."""
    seen: TermNode | None = node
    while seen is not None:
        yield from seen.following
        seen = seen.shorter


def _is_unspaced(text: str) -> bool:
    return unicodedata.name(text[0], "").startswith(_UNSPACED_SCRIPTS)
