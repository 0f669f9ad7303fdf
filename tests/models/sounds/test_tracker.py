"""Sounds that begin and end, from the scores of looks."""

from __future__ import annotations

import numpy as np
import pytest

from lipstream.models.sounds.kinds import KINDS
from lipstream.models.sounds.tracker import Change, SoundTracker

APPLAUSE, MUSIC = 62, 132
HOP = 0.48


def follow(*looks: dict[int, float]) -> list[Change]:
    tracker = SoundTracker()
    changes = []
    for number, likely in enumerate(looks):
        scores = np.zeros(521, np.float32)
        for kind, value in likely.items():
            scores[kind] = value
        changes += tracker.look(scores, number * HOP, number * HOP + 0.96)
    return [*changes, *tracker.finish()]


LOUD, FAINT, NOTHING = {APPLAUSE: 0.9}, {APPLAUSE: 0.25}, {}


def test_an_applause_begins_with_its_second_sure_look_and_lasts_until_it_has_been_quiet_for_a_while():
    begun, over = follow(NOTHING, LOUD, LOUD, FAINT, LOUD, *[NOTHING] * 6)
    assert (begun.label, begun.start, begun.end) == ("applause", pytest.approx(HOP), None)
    assert (over.start, over.end) == (begun.start, pytest.approx(4 * HOP + 0.96))
    assert over.confidence == pytest.approx(0.9)


def test_a_single_look_is_no_applause():
    assert follow(NOTHING, LOUD, NOTHING, NOTHING, NOTHING, NOTHING, LOUD, NOTHING) == []


def test_one_that_swells_and_falls_is_one():
    changes = follow(LOUD, LOUD, NOTHING, NOTHING, LOUD, NOTHING, LOUD, LOUD)
    assert [change.end is None for change in changes] == [True, False]


def test_two_sounds_at_once_are_told_apart():
    both = {APPLAUSE: 0.9, MUSIC: 0.9}
    assert {change.label for change in follow(*[both] * 5)} == {"applause", "music"}


def test_what_goes_on_is_over_with_the_stream():
    assert [change.end is None for change in follow(LOUD, LOUD, LOUD)] == [True, False]


def test_kinds_are_told_by_their_likeliest_and_thresholds_have_an_order():
    numbers = [number for kind in KINDS for number in kind.numbers]
    assert len(numbers) == len(set(numbers)) and max(numbers) < 521
    assert all(0 < kind.ends < kind.begins < 1 and 1 <= kind.looks <= 4 for kind in KINDS)
