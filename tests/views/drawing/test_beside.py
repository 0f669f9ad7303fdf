"""Panels beside a picture."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings

from lipstream.views.drawing.beside import Beside
from lipstream.views.drawing.overlay import Overlay
from lipstream.views.drawing.panels import Emotion
from lipstream.views.drawing.scene import Scene
from tests.views.drawing.scenes import FULL, SIZES
from tests.views.drawing.test_overlay import overlap, scenes

MOST = (1280, 720)


@pytest.mark.parametrize("size", [*SIZES, (160, 120), (2000, 100)])
@settings(max_examples=25, deadline=None)
@given(scene=scenes())
def test_panels_lie_within_the_whole_never_over_the_picture_and_never_over_each_other(
    size: tuple[int, int], scene: Scene
):
    around = Beside.within(size, MOST)
    width, height = around.picture
    placed = around.arrange(scene)
    for each in placed:
        left, top, right, bottom = each.box
        assert 0 <= left < right <= around.width and 0 <= top < bottom <= around.height, each
        assert left >= width or top >= height, each
    assert not [pair for pair in combinations(placed, 2) if overlap(*pair)]


@pytest.mark.parametrize("size", SIZES)
def test_what_is_drawn_leaves_the_picture_alone(size: tuple[int, int]):
    around = Beside.within(size, MOST)
    image = np.zeros((around.height, around.width, 3), np.uint8)
    Overlay("rgb").draw_panels(image, around.arrange(FULL))
    width, height = around.picture
    assert not image[:height, :width].any()
    assert image[height:].any() and image[:height, width:].any()


@pytest.mark.parametrize("size", [(320, 240), (640, 480), (1280, 720), (480, 848)])
def test_every_panel_of_a_full_scene_has_its_place(size: tuple[int, int]):
    panels = [placed.panel for placed in Beside.within(size, MOST).arrange(FULL)]
    assert len(panels) == 4 + len(FULL.warnings) + len(FULL.switched_off) + len(FULL.notes)
    usual = Beside.within(size, MOST).arrange(replace(FULL, warnings=FULL.warnings[:1], switched_off=(), notes=()))
    (bars,) = [placed.panel for placed in usual if isinstance(placed.panel, Emotion)]
    assert bars.rows == 7


@pytest.mark.parametrize("size", [(320, 240), (640, 480), (640, 360)])
def test_a_small_picture_is_enlarged_until_the_whole_fills_the_room(size: tuple[int, int]):
    around = Beside.within(size, MOST)
    assert around.width <= MOST[0] and around.height <= MOST[1]
    assert max(around.width / MOST[0], around.height / MOST[1]) > 0.97
    assert around.picture[0] / around.picture[1] == pytest.approx(size[0] / size[1], rel=0.01)


def test_a_large_picture_is_never_made_smaller():
    assert Beside.within((1920, 1080), MOST).picture == (1920, 1080)
