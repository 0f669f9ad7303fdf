"""The picture of what a moment of sound attended to."""

from __future__ import annotations

import numpy as np
import pytest

from lipstream.views.recorded.attention import Attention, draw_attention

BAR = (190, 110, 30)


def attention(weights, seen=None, at=2.0):
    crops = np.full((100, 96, 96), 77, np.uint8)
    return Attention(
        at,
        (np.arange(167) * 0.024).astype(np.float32),
        (np.arange(100) / 25).astype(np.float32),
        crops,
        np.ones(100, np.bool_) if seen is None else seen,
        weights,
        "profile ann",
    )


def looking_at(index):
    weights = np.zeros((167, 100), np.float32)
    weights[:, index] = 0.5
    return weights


def highest(picture):
    """Where the tallest bar is, of 0 to 1 across."""
    drawn = (picture[:200] == BAR).all(axis=2)
    return float(np.flatnonzero(drawn.sum(axis=0) > 60).mean()) / picture.shape[1]


@pytest.mark.parametrize(("index", "place"), [(38, 0.123), (50, 0.491), (62, 0.859)])
def test_the_bar_stands_over_the_lips_that_were_looked_at(index, place):
    assert highest(draw_attention(attention(looking_at(index)))) == pytest.approx(place, abs=0.01)


def test_the_map_is_dark_where_attention_is():
    left, right = (draw_attention(attention(looking_at(index))) for index in (20, 80))
    dark = [np.argwhere(picture[300:].max(axis=2) == 0)[:, 1].mean() for picture in (left, right)]
    assert dark[0] < dark[1]


def test_mouths_are_shown_where_they_are_seen():
    seen = np.ones(100, np.bool_)
    seen[40:60] = False
    whole, gap = (draw_attention(attention(looking_at(50), each)) for each in (None, seen))
    shown = [(picture == 77).all(axis=2).sum() for picture in (whole, gap)]
    assert 0 < shown[1] < shown[0] / 2


def test_without_any_attention_there_is_a_picture():
    picture = draw_attention(attention(np.zeros((167, 100), np.float32)))
    assert picture.shape[1] == 1240


@pytest.mark.parametrize("at", [0.0, 3.9])
def test_the_edges_of_a_recording_are_shown(at):
    assert draw_attention(attention(looking_at(50), at=at)).shape[1] == 1240
