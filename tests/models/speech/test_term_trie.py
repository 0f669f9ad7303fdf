"""Expected terms by their tokens."""

from __future__ import annotations

from lipstream.models.speech.expected.terms import Terms
from lipstream.models.speech.expected.trie import TermNode, TermTrie

LETTERS = " .abcdABC東京都"


def trie(*phrases: str) -> TermTrie:
    """Over a vocabulary of letters, in which a space is a token of its own."""
    return TermTrie(Terms(phrases), lambda text: [LETTERS.index(each) for each in text], lambda token: token > 1)


def term(root: TermNode, text: str) -> str | None:
    """The term that ends with the text; nothing if none does, or none begins so."""
    node: TermNode | None = root
    for each in text:
        node = node.following.get(LETTERS.index(each)) if node is not None else None
    return None if node is None else node.term


def test_a_term_follows_a_space_and_may_have_a_capital():
    made = trie("ab")
    assert term(made.root, " ab") == term(made.root, " Ab") == "ab"
    assert term(made.root, " aB") is None and term(made.root, " a") is None


def test_a_term_without_its_space_counts_at_the_beginning_alone():
    made = trie("ab")
    assert term(made.opening, "ab") == term(made.opening, "Ab") == term(made.opening, " ab") == "ab"
    assert term(made.root, "ab") is None


def test_a_term_within_a_longer_one_is_a_term_too():
    made = trie("ab", "ab cd")
    assert (term(made.root, " ab"), term(made.root, " ab c"), term(made.root, " ab cd")) == ("ab", None, "ab cd")


def test_words_of_scripts_without_spaces_are_terms_anywhere():
    assert term(trie("東京").root, "東京") == "東京"


def test_a_phrase_without_tokens_is_no_term():
    made = TermTrie(Terms(("ab",)), lambda text: [], lambda token: False)
    assert made.root.term is None and made.opening.term is None
