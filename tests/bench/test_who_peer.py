"""What another diarizer tells, as turns that can be compared."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from bench.who_peer import turns_of_lines, within
from bench.who_scores import diarization_errors


def line(*spans: tuple[float, float, int]) -> SimpleNamespace:
    """A line with spans of a start, a duration and a speaker."""
    told = [SimpleNamespace(start_time=start, duration=lasts, speaker_index=who) for start, lasts, who in spans]
    return SimpleNamespace(speaker_spans=told or None)


def test_a_stretch_that_is_in_two_lines_is_one_turn():
    lines = [line((0.5, 2.0, 0), (2.0, 1.0, 1)), line(), line((2.4, 1.6, 0), (2.9, 1.0, 1), (6.0, 1.0, 0))]
    turns = turns_of_lines(lines)
    assert [who for _, _, who in turns] == ["0", "1", "0"]
    assert [each[:2] for each in turns] == [pytest.approx(each) for each in ((0.5, 4.0), (2.0, 3.9), (6.0, 7.0))]


def test_given_when_there_is_speech_only_who_can_be_wrong():
    truth = [(0.0, 4.0, "A"), (5.0, 9.0, "B"), (8.0, 9.0, "A")]
    # Starts late, goes on into the pause, and says nothing of the second before 6.5 s.
    told = [(1.5, 4.6, "0"), (6.5, 9.5, "1"), (8.0, 9.0, "0"), (11.0, 12.0, "0")]
    given = within(told, [(0.0, 4.0), (5.0, 9.0)])
    errors = diarization_errors(truth, given, collar=0.0)
    assert (errors.missed, errors.false) == pytest.approx((0, 0), abs=0.03)
    # From 5 s on the first, whose turn ended 0.4 s before, is nearer, until the middle of 4.6 and 6.5 s.
    assert errors.confused == pytest.approx(0.55, abs=0.03)


def test_who_is_never_told_is_missed():
    assert within([], [(0.0, 4.0)]) == []
