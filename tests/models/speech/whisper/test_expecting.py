"""Expected terms that are put into a text which was read without them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lipstream.models.speech.engine import WordSpan
from lipstream.models.speech.expected.terms import Terms
from lipstream.models.speech.expected.trie import TermTrie
from lipstream.models.speech.whisper.expecting import OpenSound, with_terms
from lipstream.models.speech.whisper.network import WhisperDecoder
from tests.models.speech.whisper.conftest import SIZE, small_file
from tests.models.speech.whisper.scripted import END, PROMPT, ScriptedDecoder, rules

SPELLED = (" we", " met", " Lou", " Lo", "ise", ".", " again", "", "", "")
WE, MET, LOU, LO, ISE, POINT, AGAIN = range(7)
LOISE = (LO, ISE)


class Vocabulary:
    """Words begin with a space; a full stop closes one."""

    def text(self, tokens: Sequence[int]) -> str:
        return "".join(SPELLED[token] for token in tokens).strip()

    def words(self, tokens: Sequence[int], language: str | None) -> list[WordSpan]:
        firsts = [at for at, token in enumerate(tokens) if not at or SPELLED[token].startswith(" ")]
        return [
            WordSpan(self.text(tokens[first:last]), first, last)
            for first, last in zip(firsts, [*firsts[1:], len(tokens)], strict=True)
        ]

    def starts_word(self, token: int, language: str | None) -> bool:
        return SPELLED[token].startswith(" ")

    def closes_word(self, token: int) -> bool:
        return token == POINT


def expecting(decoder, tokens, *terms: tuple[int, ...], bonus: float = 4.0, most: int = 10):
    """Put terms, told by their tokens, into a text."""
    spelled = {"".join(SPELLED[token] for token in term).strip(): term for term in terms}
    trie = TermTrie(
        Terms(tuple(spelled), bonus), lambda text: spelled.get(text.strip(), ()), lambda token: SPELLED[token].isalpha()
    )
    text = OpenSound(decoder, None, PROMPT, rules(most=most))
    return with_terms(text, tokens, trie, Vocabulary(), "en")


def decoder(name: float = 0.1, rest: float = 0.9, after: dict[int, float] | None = None) -> ScriptedDecoder:
    """Hears "we met Lou again.", and "Loise" for "Lou" with a probability of `name`, after which it goes on."""
    script = {
        (): {WE: 0.9},
        (WE,): {MET: 0.9},
        (WE, MET): {LOU: 0.8, LO: name},
        (WE, MET, LOU): {AGAIN: 0.9},
        (WE, MET, LOU, AGAIN): {POINT: 0.9},
        (WE, MET, LO): {ISE: 0.9},
        (WE, MET, LO, ISE): after or {AGAIN: rest},
        (WE, MET, LO, ISE, AGAIN): {POINT: 0.9},
    }
    return ScriptedDecoder(script)


PLAIN = [WE, MET, LOU, AGAIN, POINT]
NAMED = [WE, MET, LO, ISE, AGAIN, POINT]


def test_a_name_that_is_likely_there_takes_the_place_of_what_was_heard_and_of_nothing_else():
    assert expecting(decoder(), PLAIN, LOISE).tokens == NAMED


def test_a_name_that_is_not_listed_or_too_unlikely_changes_nothing():
    assert expecting(decoder(), PLAIN, (LOU, ISE)).tokens == PLAIN
    assert expecting(decoder(0.001), PLAIN, LOISE).tokens == PLAIN
    assert expecting(decoder(), PLAIN, LOISE, bonus=1.0).tokens == PLAIN


def test_a_name_after_which_the_rest_does_not_fit_is_not_written():
    assert expecting(decoder(after={WE: 0.99}), PLAIN, LOISE).tokens == PLAIN


def test_a_name_does_not_swallow_the_words_behind_it_although_the_text_is_the_more_probable_for_that():
    # A text that ends with the name is likelier than any that goes on.
    found = expecting(decoder(after={END: 0.6, AGAIN: 0.3}), PLAIN, LOISE)
    assert found.tokens == NAMED


def test_a_name_that_is_there_is_not_written_over_the_word_before_it():
    script = {(): {WE: 0.9}, (WE,): {MET: 0.6, LO: 0.3}, (WE, MET): {LO: 0.9}}
    script |= {(WE, LO): {ISE: 0.9}, (WE, MET, LO): {ISE: 0.9}}
    text = [WE, MET, LO, ISE]
    assert expecting(ScriptedDecoder(script), text, LOISE).tokens == text


def test_signs_behind_a_word_stay():
    script = {(): {LOU: 0.8, LO: 0.1}, (LOU,): {POINT: 0.9}, (LO,): {ISE: 0.9}, (LO, ISE): {POINT: 0.9}}
    assert expecting(ScriptedDecoder(script), [LOU, POINT], LOISE).tokens == [LO, ISE, POINT]


def test_a_name_has_the_probability_that_its_bonus_gives_it_and_no_other_word_has():
    found = expecting(decoder(), PLAIN, LOISE)
    assert [bool(each) for each in found.favoured] == [False, False, True, True, False, False]
    assert found.favoured[2] > 0.5


def test_a_text_does_not_grow_beyond_what_is_allowed():
    assert expecting(decoder(), PLAIN, LOISE, most=5).tokens == PLAIN
    assert expecting(decoder(), PLAIN, LOISE, most=6).tokens == NAMED


def test_nothing_stays_nothing():
    assert expecting(decoder(), [], LOISE) == ([], [])


def test_a_term_that_would_be_longer_than_the_network_reads_is_none(sound):
    network = WhisperDecoder(small_file(), precision="float32")
    text = OpenSound(network, sound, PROMPT, rules(SIZE, SIZE - 1, most=100))
    room = network.most_tokens - len(PROMPT)
    tokens = [1] * text.most
    assert len(tokens) == room - 1
    rows = text.rows(tokens)
    scores = text.after(tokens, [2, 3, 4, 5])
    assert scores.shape == (4, SIZE) and rows.shape == (room, SIZE)
    assert scores[0].any() and not scores[1:].any()
    trie = TermTrie(Terms(("long",), 12.0), lambda _: (1, 2, 3, 4, 5, 6), lambda token: False)
    assert len(with_terms(text, tokens, trie, Letters(), "en").tokens) <= text.most


class Letters(Vocabulary):
    """Every token is a word of a letter."""

    def text(self, tokens: Sequence[int]) -> str:
        return "a" * len(tokens)

    def words(self, tokens: Sequence[int], language: str | None) -> list[WordSpan]:
        return [WordSpan("a", at, at + 1) for at in range(len(tokens))]


@given(st.lists(st.integers(0, 6), max_size=6), st.floats(0.0, 8.0))
def test_what_is_not_replaced_stays_as_it_is(tokens, bonus):
    found = expecting(decoder(0.15), tokens, LOISE, bonus=bonus)
    assert len(found.tokens) == len(found.favoured)
    kept = [token for token, favoured in zip(found.tokens, found.favoured, strict=True) if not favoured]
    rest = iter(tokens)
    assert all(token in rest for token in kept)


@pytest.mark.parametrize("known", [(), (WE,), (WE, MET), (MET,)])
def test_ways_to_go_on_are_worth_what_their_tokens_are_one_by_one(known):
    network = decoder()
    text = OpenSound(network, None, PROMPT, rules())
    text.rows(PLAIN)
    scores = text.rows(known)[-1] if known else text.rows([WE])[0]
    ways = [(LOU, AGAIN, POINT), (LO,), (LO, ISE, AGAIN, POINT, END)]
    expected = [
        sum(network.scores((*PROMPT, *known, *way[:at]))[token] for at, token in enumerate(way)) for way in ways
    ]
    assert text.worths(known, scores, ways) == pytest.approx(expected, abs=1e-4)
