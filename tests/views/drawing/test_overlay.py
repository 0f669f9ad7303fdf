"""What is drawn over a picture, and where."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lipstream.views.drawing.overlay import Overlay, Placed, arrange
from lipstream.views.drawing.panels import Emotion, Text
from lipstream.views.drawing.scene import CaptionLine, FaceMark, Scene, SoundMark
from tests.views.drawing.scenes import FULL, SIZES, SPEAKER, emotion

WORDS = st.text(st.sampled_from("abcdefghij WMÉ漢字は。-'"), max_size=120)


@st.composite
def scenes(draw: st.DrawFn) -> Scene:
    lines = st.builds(CaptionLine, WORDS, WORDS)
    texts = st.lists(WORDS, max_size=4).map(tuple)
    return Scene(
        captions=tuple(draw(st.lists(lines, max_size=2))),
        faces=(SPEAKER,),
        emotion=draw(st.sampled_from([None, emotion(), emotion("unknown", 0.0, 0.0)])),
        sound=draw(st.sampled_from([None, SoundMark(-100.0, False), SoundMark(0.0, True)])),
        warnings=draw(texts),
        figures=draw(st.lists(st.tuples(WORDS, WORDS), max_size=4).map(tuple)),
        switched_off=draw(texts),
        notes=draw(texts),
    )


def drawn(scene: Scene, width: int, height: int, grey: int = 0, order: str = "rgb") -> np.ndarray:
    image = np.full((height, width, 3), grey, np.uint8)
    Overlay(order).draw(image, scene)
    return image


def overlap(one: Placed, other: Placed) -> bool:
    (a, b, c, d), (e, f, g, h) = one.box, other.box
    return a < g and e < c and b < h and f < d


@pytest.mark.parametrize(("width", "height"), [*SIZES, (160, 120), (64, 64), (2000, 100)])
@settings(max_examples=25, deadline=None)
@given(scene=scenes())
def test_panels_lie_within_the_picture_and_never_over_each_other(width: int, height: int, scene: Scene):
    placed = arrange(scene, width, height)
    for each in placed:
        left, top, right, bottom = each.box
        assert 0 <= left < right <= width and 0 <= top < bottom <= height, each
    assert not [pair for pair in combinations(placed, 2) if overlap(*pair)]


@pytest.mark.parametrize(("width", "height"), SIZES)
@settings(max_examples=15, deadline=None)
@given(scene=scenes())
def test_no_text_reaches_out_of_its_panel_or_is_cut_by_it(width: int, height: int, scene: Scene):
    scene = replace(scene, faces=())
    image = drawn(scene, width, height)
    elsewhere = np.ones((height, width), bool)
    for placed in arrange(scene, width, height):
        left, top, right, bottom = placed.box
        elsewhere[top:bottom, left:right] = False
        stripe = placed.panel.size // 2 if isinstance(placed.panel, Text) and placed.panel.stripe else 0
        panel = image[top:bottom, left + stripe : right]
        assert max(edge.max() for edge in (panel[0], panel[-1], panel[:, 0], panel[:, -1])) < 30, placed
    assert not image[elsewhere].any()


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_a_full_scene_has_room_for_all_of_it(width: int, height: int):
    panels = [placed.panel for placed in arrange(FULL, width, height)]
    assert len(panels) == 4 + len(FULL.warnings) + len(FULL.switched_off) + len(FULL.notes)
    (bars,) = [panel for panel in panels if isinstance(panel, Emotion)]
    assert bars.rows == 7


def test_captions_have_the_same_place_whatever_else_is_shown():
    alone, full = (arrange(scene, 640, 480)[0].box for scene in (Scene(captions=FULL.captions), FULL))
    one_line = arrange(Scene(captions=FULL.captions[:1]), 640, 480)[0].box
    assert alone == full == one_line


def ink(image: np.ndarray) -> np.ndarray:
    """How much of each pixel letters cover, whatever their colour."""
    bright = image.max(axis=2).astype(float)
    shade = bright[-2, -2]
    return np.clip((bright - shade) / (bright.max() - shade), 0, 1)


def test_words_stay_where_they_are_while_text_is_added_and_becomes_stable():
    steps = [("", "We hold these"), ("We hold these", " truths"), ("We hold these truths", " to be")]
    first, second, third = (drawn(Scene(captions=(CaptionLine(*step),)), 640, 480) for step in steps)
    end = np.flatnonzero(ink(first).max(axis=0) > 0.5)[-1] + 1
    assert end > 150
    assert ink(first)[:, :end] == pytest.approx(ink(second)[:, :end], abs=0.03)
    assert (second[:, :end] == third[:, :end]).all()


def test_a_word_that_is_partly_stable_is_not_torn_apart():
    half, whole = (
        drawn(Scene(captions=(CaptionLine(stable, unstable),)), 640, 480)
        for stable, unstable in (("under", "standing it"), ("", "understanding it"))
    )
    torn, one = (np.flatnonzero((image > 60).any(axis=(0, 2))) for image in (half, whole))
    assert torn[0] == one[0] and torn[-1] == one[-1]


def test_stable_text_is_brighter_than_unstable():
    stable, unstable = (drawn(Scene(captions=(line,)), 640, 480) for line in (CaptionLine("no"), CaptionLine("", "no")))
    assert stable.max() == 255 and unstable.max() < 215


def test_text_is_legible_on_a_white_picture():
    """Contrast of at least 4.5 to 1 for the grey text too (WCAG 2.2, 1.4.3)."""
    image = drawn(Scene(captions=(CaptionLine("", "unstable"),)), 640, 480, grey=255)[420:].astype(float) / 255
    luminance = np.where(image <= 0.04045, image / 12.92, ((image + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722]
    assert (luminance.max() + 0.05) / (luminance.min() + 0.05) >= 4.5


def test_an_empty_scene_changes_nothing():
    assert (drawn(Scene(), 640, 480, grey=99) == 99).all()


def test_the_order_of_channels_changes_the_order_of_colours_and_nothing_else():
    assert (drawn(FULL, 640, 480, 90, "rgb")[:, :, ::-1] == drawn(FULL, 640, 480, 90, "bgr")).all()


def test_lips_are_brighter_the_more_they_count():
    scenes = [Scene(faces=(SPEAKER,), lips_count=count) for count in (0.0, 0.4, 1.0)]
    greens = [int(drawn(scene, 640, 480)[250:330, 260:380, 1].sum()) for scene in scenes]
    assert greens[0] < greens[1] < greens[2]


def test_the_speaker_is_drawn_stronger_than_others():
    speaker, other = (drawn(Scene(faces=(face,)), 640, 480) for face in (SPEAKER, replace(SPEAKER, speaker=False)))
    assert speaker.any(axis=2).sum() > 1.5 * other.any(axis=2).sum()


@pytest.mark.parametrize("box", [(-0.4, -0.2, 0.3, 0.3), (0.8, 0.9, 1.7, 1.4), (-1e9, -1e9, 1e9, 1e9)])
def test_faces_that_reach_out_of_the_picture_are_drawn_as_far_as_they_are_in_it(box):
    drawn(Scene(faces=(FaceMark(1, box, SPEAKER.lips, speaker=True),)), 320, 240)


def test_a_frame_is_drawn_on_and_never_copied():
    image = np.zeros((1080, 1920, 3), np.uint8)
    overlay = Overlay("rgb")
    overlay.draw(image, FULL)
    tracemalloc.start()
    try:
        overlay.draw(image, FULL)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < image.nbytes / 10


def test_what_acts_instead_of_being_shown_does_no_harm():
    drawn(Scene(captions=(CaptionLine("a\nb\x1b[31m\u202e", "\ud800\0"),), warnings=("\n\t\x07",)), 640, 480)
