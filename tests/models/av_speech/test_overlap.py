"""Where the visible speaker and others speak at once."""

from __future__ import annotations

import numpy as np
import pytest

from lipstream.models.av_speech.overlap import Moments, overlapping

RATE = 16_000 / 384


def moments(*spans, seen=True):
    """Spans of (seconds, probability of the own voice, moves, share that is its, probability of others)."""
    lips = [round(seconds * 25) for seconds, *_ in spans]
    frames = [round(seconds * RATE) for seconds, *_ in spans]
    swing = np.concatenate(
        [
            0.1 + (0.05 if moves else 0.002) * np.sin(np.arange(n))
            for n, (_, _, moves, *_) in zip(lips, spans, strict=True)
        ]
    )
    own, kept, other = (
        np.repeat([span[at] for span in spans], of).astype(np.float32)
        for at, of in ((1, lips), (3, frames), (4, frames))
    )
    loud = np.ones(sum(frames), np.float32)
    return Moments(own, swing.astype(np.float32), np.full(sum(lips), seen), loud, kept, other)


LISTENS = (0.0, False, 0.05, 0.95)
SPEAKS = (0.8, True, 0.97, 0.02)
BOTH = (0.5, True, 0.6, 0.9)
HIDDEN = (0.001, True, 0.6, 0.9)
"""Both speak, and the mouth is not told to be one of the voices."""


def seconds_of(flags):
    at = np.flatnonzero(flags) / RATE
    return float(at.min()), float(at.max())


@pytest.mark.parametrize("alone", [LISTENS, SPEAKS, (0.0, False, 0.6, 0.9), (0.8, True, 0.6, 0.05)])
def test_one_voice_alone_is_no_overlap(alone):
    assert not overlapping(moments((4.0, *alone))).any()


def test_two_at_once_overlap_all_the_time():
    assert overlapping(moments((4.0, *BOTH))).all()


def test_only_the_middle_where_one_cuts_in_on_the_other():
    first, last = seconds_of(overlapping(moments((3.0, *LISTENS), (4.0, *BOTH), (3.0, *SPEAKS))))
    assert first == pytest.approx(3.0, abs=0.4)
    assert last == pytest.approx(7.0, abs=0.4)


def test_an_overlap_that_is_a_small_part_of_what_is_said_is_left_as_it_is():
    """Of a second at once three and more were found where the mask was unsure, and words of both were lost."""
    assert not overlapping(moments((4.0, *LISTENS), (2.2, *BOTH), (4.0, *SPEAKS))).any()


def test_a_turn_of_another_between_two_overlaps_is_left_out_of_them():
    found = overlapping(moments((2.0, *BOTH), (2.5, *LISTENS), (2.0, *BOTH)))
    assert found[: round(1.6 * RATE)].all()
    assert not found[round(2.5 * RATE) : round(4.0 * RATE)].any()
    assert found[-round(1.6 * RATE) :].all()


def test_a_still_mouth_that_is_taken_for_the_voice_overlaps_nobody():
    assert not overlapping(moments((4.0, 0.5, False, 0.6, 0.9))).any()


def test_a_word_thrown_in_is_left_as_it_is():
    assert not overlapping(moments((3.0, *SPEAKS), (0.8, *BOTH), (3.0, *SPEAKS))).any()


def test_a_short_segment_in_which_both_speak_is_taken_apart():
    assert overlapping(moments((1.2, *BOTH))).all()


def test_a_mouth_that_moves_on_need_not_be_heard_all_the_time():
    assert overlapping(moments((2.0, *BOTH), (2.0, *HIDDEN), (1.0, *BOTH))).all()


def test_a_mouth_that_moves_and_is_never_heard_overlaps_nobody():
    assert not overlapping(moments((4.0, *HIDDEN))).any()


def test_a_short_rest_does_not_part_an_overlap():
    assert overlapping(moments((2.0, *BOTH), (0.2, *LISTENS), (2.0, *BOTH))).all()


def test_an_unseen_mouth_overlaps_nobody():
    assert not overlapping(moments((4.0, *BOTH), seen=False)).any()


def test_silence_overlaps_nobody():
    nothing = moments((2.0, *BOTH))
    silent = Moments(nothing.own, nothing.opening, nothing.seen, 0 * nothing.loud, nothing.kept, nothing.other)
    assert not overlapping(silent).any()
