"""Captions in lines that never jump."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lipstream.views.drawing.captions import COLUMN_EMS, CaptionRoll
from lipstream.views.drawing.font import ems
from lipstream.views.drawing.scene import CaptionLine

LETTERS = "abcdefgmMW,.é漢字は"
WORD = st.text(LETTERS, min_size=1, max_size=12)
LONG = "It was the best of times, it was the worst of times, it was the age of wisdom, it was the age of foolishness"


def text(lines: tuple[CaptionLine, ...]) -> list[str]:
    return [line.stable + line.unstable for line in lines]


def run(seed: int) -> list[tuple[int, str, str, bool]]:
    """What recognition says, in small steps: stable text grows, also by parts of words, with guesses behind it."""
    chance = random.Random(seed)
    steps = []
    for segment in range(1, chance.randint(2, 4)):
        said = " ".join("".join(chance.choices(LETTERS, k=chance.randint(1, 12))) for _ in range(chance.randint(1, 15)))
        end = 0
        while end < len(said):
            guess = chance.choice([said[end : end + 5], " ab", "fgh i", ""])
            steps.append((segment, said[:end], guess, False))
            end += chance.randint(0, 5)
        steps.append((segment, said, "", True))
    return steps


SEEDS = st.integers(0, 1_000_000)


@settings(deadline=None, max_examples=60)
@given(SEEDS)
def test_stable_text_never_moves_but_one_line_up_when_a_third_begins(seed: int):
    roll = CaptionRoll()
    before: tuple[CaptionLine, ...] = ()
    for segment, stable, unstable, finished in run(seed):
        if finished:
            roll.final(segment, stable)
        else:
            roll.partial(segment, stable, unstable)
        now = roll.lines
        assert len(now) <= 2
        scrolled = len(before) == len(now) == 2 and continues(before[1:], now)
        assert scrolled or continues(before, now), (before, now)
        before = now


def continues(before: tuple[CaptionLine, ...], now: tuple[CaptionLine, ...]) -> bool:
    """Whether what was stable is where it was."""
    wanted = [line.stable.rstrip() for line in before]
    shown = [line.stable for line in now] + [""] * len(wanted)
    return all(there.startswith(was) for was, there in zip(wanted, shown, strict=False))


@settings(deadline=None, max_examples=40)
@given(SEEDS)
def test_every_line_fits(seed: int):
    roll = CaptionRoll()
    for segment, stable, unstable, _ in run(seed):
        roll.partial(segment, stable, unstable)
        assert all(ems(line.strip()) <= COLUMN_EMS for line in text(roll.lines))


@settings(deadline=None, max_examples=40)
@given(st.lists(WORD, min_size=1, max_size=30).map(" ".join))
def test_nothing_is_lost_between_the_lines(said: str):
    roll = CaptionRoll()
    for end in range(1, len(said) + 1):
        roll.partial(1, said[:end], "")
        shown = "".join(text(roll.lines)).replace(" ", "")
        assert said[:end].replace(" ", "").endswith(shown)
    assert shown


def test_a_third_line_scrolls_the_first_one_out():
    roll = CaptionRoll()
    roll.final(1, LONG)
    lines = text(roll.lines)
    assert len(lines) == 2 and LONG.endswith(" ".join(lines))


def test_lines_do_not_come_down_again_when_a_guess_gets_shorter():
    roll = CaptionRoll()
    roll.partial(1, LONG[:60], LONG[60:])
    upper = text(roll.lines)[0]
    roll.partial(1, LONG[:80], "")
    assert upper.startswith(text(roll.lines)[0]) and len(text(roll.lines)) == 1


def test_a_new_segment_goes_on_where_the_last_one_ended():
    roll = CaptionRoll()
    roll.final(1, "Good morning.")
    roll.partial(2, "", "How")
    assert roll.lines == (CaptionLine("Good morning. ", "How"),)
    roll.final(2, "How are you?")
    assert text(roll.lines) == ["Good morning. How are you?"]


def test_a_final_without_text_takes_the_guess_away_and_late_guesses_are_ignored():
    roll = CaptionRoll()
    roll.final(1, "Good morning.")
    roll.partial(2, "", "Hm")
    roll.final(2, "")
    roll.partial(2, "Hm", "")
    assert text(roll.lines) == ["Good morning."]


def test_a_segment_that_ended_without_a_final_goes_when_the_next_begins():
    roll = CaptionRoll()
    roll.partial(1, "", "Hm")
    roll.drop(1)
    assert text(roll.lines) == ["Hm"]
    roll.drop(2)
    assert roll.lines == ()


def test_after_clearing_text_begins_at_the_top():
    roll = CaptionRoll()
    roll.final(1, LONG)
    roll.clear()
    assert roll.lines == ()
    roll.final(2, "Again.")
    assert roll.lines == (CaptionLine("Again."),)


def test_text_without_spaces_is_broken_between_its_characters_and_joined_without():
    roll = CaptionRoll()
    roll.final(1, "漢" * 30)
    roll.final(2, "字。")
    lines = text(roll.lines)
    assert [len(line) for line in lines] == [22, 10] and "".join(lines) == "漢" * 30 + "字。"


def test_no_text_is_kept_that_has_scrolled_away():
    roll = CaptionRoll()
    for segment in range(1, 200):
        roll.final(segment, LONG)
    assert len(roll._past) < 3 * len(LONG)


def test_a_sign_that_comes_with_the_next_sentence_is_shown_between_them():
    roll = CaptionRoll()
    roll.final(1, "We went home")
    roll.final(2, "Then we ate.", joint=".")
    assert " ".join(line.stable for line in roll.lines) == "We went home. Then we ate."


def shown(roll: CaptionRoll) -> str:
    return " ".join(line.stable for line in roll.lines)


def test_a_sign_goes_behind_a_quotation_mark_that_closes_an_open_sentence():
    roll = CaptionRoll()
    roll.final(1, 'He said "stop!"')
    roll.final(2, "Then we ate.", joint=".")
    assert shown(roll) == 'He said "stop!" Then we ate.'


def test_a_corrected_text_takes_its_place_and_what_stands_before_it_stays():
    roll = CaptionRoll()
    roll.final(1, "We went home")
    roll.final(2, "than we eight.", joint=".")
    roll.partial(3, "It was", " cold")
    roll.corrected(2, "then we ate.")
    assert roll.lines[-1].unstable == " cold"
    assert shown(roll) == "We went home. then we ate. It was"
    roll.corrected(1, "We went home,")
    roll.final(3, "It was cold.")
    assert shown(roll) == "We went home, then we ate. It was cold."


@pytest.mark.parametrize("text_", ["We went home", "We went home."])
def test_a_sign_that_comes_later_is_not_put_behind_a_corrected_text(text_: str):
    roll = CaptionRoll()
    roll.final(1, "We want home")
    roll.corrected(1, text_)
    roll.final(2, "Then we ate.", joint=",")
    assert shown(roll) == f"{text_} Then we ate."


def test_a_correction_moves_no_line_that_does_not_change():
    roll = CaptionRoll()
    roll.final(1, LONG)
    upper, lower = text(roll.lines)
    *kept, last = LONG.split()
    roll.corrected(1, " ".join([*kept, last[:-1]]))
    assert text(roll.lines) == [upper, lower[:-1]]
    roll.corrected(1, LONG)
    assert text(roll.lines) == [upper, lower]


def test_a_correction_of_words_that_have_scrolled_away_does_not_bring_them_back():
    roll = CaptionRoll()
    roll.final(1, f"One to three. {LONG}")
    roll.final(2, "Home again.")
    before = shown(roll)
    assert "three" not in before and before.endswith(f"{LONG.split()[-1]} Home again.")
    roll.corrected(1, f"One, two, three and four. {LONG}")
    assert shown(roll) == before
    roll.corrected(1, f"One, two, three and four. {LONG.rsplit(' ', 1)[0]} else.")
    assert shown(roll) == f"{before.rsplit(' ', 3)[0]} else. Home again."


def test_a_correction_may_leave_out_all_that_is_still_shown_of_a_text():
    roll = CaptionRoll()
    roll.final(1, f"{LONG} {LONG}")
    roll.final(2, "Home again.")
    assert len(roll.lines) == 2
    roll.corrected(1, LONG.split()[0])
    assert shown(roll) == "Home again."


def test_text_without_spaces_that_has_scrolled_is_corrected_where_it_is_shown():
    roll = CaptionRoll()
    roll.final(1, "漢" * 30 + "字" * 20)
    lower = text(roll.lines)[-1]
    roll.corrected(1, "漢" * 29 + "字" * 20)
    assert text(roll.lines)[-1] in (lower, lower[:-1]) and "漢" in text(roll.lines)[0]


def test_of_two_who_speak_at_once_one_is_corrected():
    roll = CaptionRoll()
    roll.final(1, "Mine.", face=1)
    roll.final(1, "Your.", face=2)
    roll.corrected(1, "Yours.", face=2)
    assert shown(roll) == "Mine. Yours."


def test_a_correction_of_what_is_not_shown_any_more_shows_nothing():
    roll = CaptionRoll()
    roll.final(1, "Good mourning.")
    roll.clear()
    roll.corrected(1, "Good morning.")
    assert roll.lines == ()


@settings(deadline=None, max_examples=60)
@given(SEEDS)
def test_what_is_shown_is_the_end_of_all_that_is_said_whatever_is_corrected(seed: int):
    chance = random.Random(seed)
    roll, said = CaptionRoll(), []
    for segment in range(1, chance.randint(2, 7)):
        words = ["".join(chance.choices(LETTERS, k=chance.randint(1, 12))) for _ in range(chance.randint(1, 14))]
        said.append(words)
        roll.final(segment, " ".join(words))
        corrected = chance.randint(max(1, segment - 2), segment)
        again = [chance.choice([word, word, word, "", word[:-1], f"{word}x y"]) for word in said[corrected - 1]]
        said[corrected - 1] = " ".join(["z", *again]).split()
        roll.corrected(corrected, " ".join(said[corrected - 1]))
        shown = "".join("".join(text(roll.lines)).split())
        assert len(roll.lines) <= 2 and "".join(map("".join, said)).endswith(shown)
        assert all(ems(line.strip()) <= COLUMN_EMS for line in text(roll.lines))
