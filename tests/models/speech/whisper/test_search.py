"""Beam search and drafts: on a scripted decoder whose best text is known, and on small random networks."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lipstream.models.speech.interruption import Interrupted, Interruption
from lipstream.models.speech.whisper.network import WhisperDecoder
from lipstream.models.speech.whisper.scores import softmax
from lipstream.models.speech.whisper.search import agreed, beam_search, check
from tests.models.speech.whisper.conftest import SIZE, small_file
from tests.models.speech.whisper.scripted import END, PROMPT, ScriptedDecoder, rules

MISLED = ScriptedDecoder({(): {1: 0.5, 2: 0.4}, (1,): {3: 0.31, 4: 0.3}, (2,): {5: 0.95}})
"""1 seems best, but nothing good follows it."""


def test_a_wider_beam_finds_the_better_text_where_the_best_token_misleads():
    assert beam_search(MISLED, None, PROMPT, rules(), 1) == [1, 3]
    assert beam_search(MISLED, None, PROMPT, rules(), 2) == [2, 5]
    assert agreed(MISLED, None, PROMPT, (), rules()) == [1, 3]


def test_worth_is_by_length_so_that_a_short_text_is_not_better_for_being_short():
    script = {(): {END: 0.34, 1: 0.33}, (1,): {2: 0.99}, (1, 2): {3: 0.99}, (1, 2, 3): {END: 0.99}}
    decoder = ScriptedDecoder(script, end=0.01)
    assert beam_search(decoder, None, PROMPT, rules(), 3) == [1, 2, 3]
    assert beam_search(decoder, None, PROMPT, rules(), 1) == []


def test_poor_short_texts_that_ended_do_not_stop_the_search_for_a_long_one():
    script = {(): {1: 0.8}, (1,): {2: 0.97}, (1, 2): {3: 0.97}, (1, 2, 3): {END: 0.97}}
    assert beam_search(ScriptedDecoder(script), None, PROMPT, rules(), 3) == [1, 2, 3]


def test_nothing_is_a_text_too():
    assert beam_search(ScriptedDecoder({}), None, PROMPT, rules(), 3) == []
    assert agreed(ScriptedDecoder({}), None, PROMPT, (1, 2), rules()) == []


@pytest.mark.parametrize("width", [1, 3])
def test_what_may_never_be_said_is_not(width):
    assert beam_search(MISLED, None, PROMPT, rules(never=[1, 5]), width)[:1] == [2]
    assert 5 not in beam_search(MISLED, None, PROMPT, rules(never=[1, 5]), width)
    assert agreed(MISLED, None, PROMPT, (1, 3), rules(never=[1, 5]))[0] == 2


@pytest.mark.parametrize("width", [1, 3])
def test_what_may_not_be_said_first_may_be_said_later(width):
    decoder = ScriptedDecoder({(): {1: 0.8, 2: 0.1}, (2,): {1: 0.9}})
    assert beam_search(decoder, None, PROMPT, rules(first=[1]), width) == [2, 1]
    assert agreed(decoder, None, PROMPT, (1,), rules(first=[1])) == [2, 1]


@pytest.mark.parametrize("width", [1, 3])
def test_what_is_left_when_nearly_all_is_forbidden(width):
    forbidden = rules(never=range(1, 9), most=4)
    decoder = ScriptedDecoder({(): {0: 0.9}, (0,): {0: 0.9}})
    assert beam_search(decoder, None, PROMPT, forbidden, width) == [0, 0]


@pytest.mark.parametrize("width", [1, 3])
@pytest.mark.parametrize("most", [0, 1, 4])
def test_a_text_without_end_is_cut(width, most):
    endless = ScriptedDecoder({(1,) * length: {1: 0.97, END: 1e-9} for length in range(20)})
    assert beam_search(endless, None, PROMPT, rules(most=most), width) == [1] * most
    assert agreed(endless, None, PROMPT, (1,) * 9, rules(most=most)) == [1] * most


def test_a_text_and_its_prompt_have_room_in_the_decoder():
    endless = ScriptedDecoder({(1,) * length: {1: 0.97, END: 1e-9} for length in range(40)})
    room = endless.most_tokens - len(PROMPT) - 1
    assert beam_search(endless, None, PROMPT, rules(most=100), 1) == [1] * room
    assert agreed(endless, None, PROMPT, (1,) * 30, rules(most=100)) == [1] * room


def test_a_text_that_never_ends_is_better_than_one_that_ended_against_the_odds():
    endless = ScriptedDecoder({(1,) * length: {1: 0.97, END: 0.02} for length in range(20)})
    assert beam_search(endless, None, PROMPT, rules(most=4), 5) == [1] * 4


@pytest.fixture(scope="module", params=range(3))
def network(request) -> WhisperDecoder:
    return WhisperDecoder(small_file(request.param), precision="float32")


ROOM = rules(SIZE, SIZE - 1, never=[4, 5], first=[6], most=12)


def one_by_one(network, sound) -> list[int]:
    """The best token each time, in the plainest way."""
    tokens: list[int] = []
    while len(tokens) < ROOM.most:
        scores = network.open(sound).feed([[*PROMPT, *tokens]])[0, -1]
        best = int((scores + (ROOM.never if tokens else ROOM.at_first)).argmax())
        if best == ROOM.end:
            break
        tokens.append(best)
    return tokens


def test_one_beam_and_no_draft_take_the_best_token_each_time(network, sound):
    expected = one_by_one(network, sound)
    assert len(set(expected)) > 1
    assert beam_search(network, sound, PROMPT, ROOM, 1) == expected
    assert agreed(network, sound, PROMPT, (), ROOM) == expected


def test_five_beams_find_a_text_that_is_not_worse(network, sound):
    def worth(tokens):
        found = check(network, sound, PROMPT, tokens, ROOM)
        ends = [found.end_probability] if len(tokens) < ROOM.most else []
        logs = [math.log(each) for each in (*found.probabilities, *ends)]
        return sum(logs) / len(logs)

    # Not so of every network, but of these.
    assert worth(beam_search(network, sound, PROMPT, ROOM, 5)) >= worth(one_by_one(network, sound)) - 1e-4


@given(data=st.data())
def test_a_draft_changes_nothing(network, sound, data):
    right = one_by_one(network, sound)
    token = st.integers(0, SIZE - 1)
    kept = data.draw(st.integers(0, len(right)))
    draft = right[:kept] + data.draw(st.lists(token, max_size=6)) + right[kept + 1 :]
    assert agreed(network, sound, PROMPT, draft, ROOM) == right


def test_a_right_draft_is_read_in_two_steps(network, sound, monkeypatch):
    fed = []
    step = WhisperDecoder.step
    monkeypatch.setattr(WhisperDecoder, "step", lambda *of: fed.append(len(of[2][0])) or step(*of))
    right = agreed(network, sound, PROMPT, (), ROOM)
    slowly = len(fed)
    del fed[:]
    assert agreed(network, sound, PROMPT, right, ROOM) == right
    assert len(fed) <= 2 < slowly


def test_a_check_gives_each_token_its_probability_and_its_look(network, sound):
    tokens = [3, 1, 2]
    found = check(network, sound, PROMPT, tokens, ROOM)
    looks: list[np.ndarray] = []
    text = network.open(sound)
    text.feed([PROMPT[:1]])
    for at, (before, token) in enumerate(zip([PROMPT[1], *tokens], [*tokens, ROOM.end], strict=True)):
        scores = text.feed([[before]], looks)[0, 0] + (ROOM.never if at else ROOM.at_first)
        chance = float(softmax(scores)[token])
        mine = found.end_probability if at == len(tokens) else found.probabilities[at]
        assert mine == pytest.approx(chance, rel=1e-3, abs=1e-7)
    assert found.tokens == (3, 1, 2)
    assert found.looks.shape == (2, 3, 30)
    assert found.looks == pytest.approx(np.concatenate(looks, 1)[:, :-1], abs=1e-4)


def test_a_check_of_nothing_gives_the_probability_of_silence(network, sound):
    found = check(network, sound, PROMPT, [], ROOM)
    assert (found.tokens, found.probabilities, found.looks.shape) == ((), (), (2, 0, 30))
    scores = network.open(sound).feed([PROMPT])[0, -1] + ROOM.at_first
    assert found.end_probability == pytest.approx(float(softmax(scores)[ROOM.end]), rel=1e-4)


def test_what_may_not_be_said_has_no_probability(network, sound):
    assert check(network, sound, PROMPT, [6, 4, 6], ROOM).probabilities[:2] == (0.0, 0.0)
    assert check(network, sound, PROMPT, [6, 4, 6], ROOM).probabilities[2] > 0.0


def test_a_search_ends_where_somebody_waits_for_another():
    interruption = Interruption()
    assert beam_search(MISLED, None, PROMPT, rules(), 2, interruption) == [2, 5]
    interruption.ask()
    with pytest.raises(Interrupted):
        beam_search(MISLED, None, PROMPT, rules(), 2, interruption)
