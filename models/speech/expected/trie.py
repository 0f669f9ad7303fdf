"""The terms to be expected as a prefix trie over tokens."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from lipstream.models.speech.expected.terms import Terms

_UNSPACED_SCRIPTS = ("CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "MYANMAR", "KHMER")


@dataclass(slots=True, eq=False)
class TermNode:
    """A place in the trie: the tokens of a term so far.

    Attributes:
        following: the nodes one token on.
        term: the phrase that ends here, if one does.
    """

    following: dict[int, TermNode] = field(default_factory=dict)
    term: str | None = None


class TermTrie:
    """The tokens of all terms, in the ways the vocabulary may write them. Immutable once made.

    Attributes:
        bonus: what a whole term is worth, in nats.
        opening: the root at the beginning of a text, where the first word may lack its space.
        root: the root anywhere else.
        continues_word: whether a token goes on with the word before it.
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
        self.opening = TermNode()
        for phrase in terms.phrases:
            for spelling in dict.fromkeys((phrase, phrase[0].upper() + phrase[1:])):
                spaced, bare = tuple(encode(" " + spelling)), tuple(encode(spelling))
                self._add(self.opening, spaced, phrase)
                self._add(self.opening, bare, phrase)
                self._add(self.root, bare if _is_unspaced(spelling) else spaced, phrase)

    def _add(self, root: TermNode, tokens: Sequence[int], phrase: str) -> None:
        node = root
        for token in tokens:
            node = node.following.setdefault(token, TermNode())
        if node is not root:
            node.term = phrase


def _is_unspaced(text: str) -> bool:
    return unicodedata.name(text[0], "").startswith(_UNSPACED_SCRIPTS)
