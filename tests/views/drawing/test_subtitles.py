"""Captions alone: in the safe area, centred, as large as asked for, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from lipstream.config import SubtitlesConfig
from lipstream.views.drawing.scene import CaptionLine, FaceMark, Scene, SoundMark
from lipstream.views.drawing.subtitles import SAFE, Subtitles

TWO = (CaptionLine("Somebody said something about it,"), CaptionLine("and nobody listened."))
GREY = 128


def drawn(scene: Scene, width: int = 1280, height: int = 720, **rules: object) -> np.ndarray:
    image = np.full((height, width, 3), GREY, np.uint8)
    Subtitles(SubtitlesConfig(**rules)).draw(image, scene)
    return image


def ink(image: np.ndarray) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of what was drawn."""
    rows, columns = np.nonzero((image != GREY).any(axis=2))
    return columns.min(), rows.min(), columns.max() + 1, rows.max() + 1


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (640, 360), (720, 1280), (480, 480), (160, 120)])
@pytest.mark.parametrize("size", [2, 5.5, 15])
def test_captions_stay_in_the_safe_area_whatever_the_picture_and_the_size(width: int, height: int, size: float):
    left, top, right, bottom = ink(drawn(Scene(captions=TWO), width, height, size=size))
    # The edge of the letters is a pixel or two of their own.
    assert left >= SAFE * width - 6 and right <= (1 - SAFE) * width + 6
    assert bottom <= (1 - SAFE) * height + 4 and top > height / 2


def test_lines_are_centred():
    for line in TWO:
        left, _, right, _ = ink(drawn(Scene(captions=(line,))))
        assert abs((left + right) / 2 - 640) <= 4


def test_the_size_is_that_of_the_picture_asked_for():
    heights = []
    for size in (3, 6):
        _, top, _, bottom = ink(drawn(Scene(captions=(CaptionLine("HI"),)), size=size))
        heights.append(bottom - top)
    assert heights[1] == pytest.approx(2 * heights[0], rel=0.15)


def test_letters_are_white_with_a_black_edge_and_there_is_no_box():
    image = drawn(Scene(captions=TWO))
    colours = image.reshape(-1, 3)
    assert (colours == 255).all(axis=1).any() and (colours == 0).all(axis=1).any()
    left, top, right, bottom = ink(image)
    assert (image[top:bottom, left:right] == GREY).all(axis=2).mean() > 0.4


def test_nothing_but_captions_is_drawn():
    scene = Scene(
        faces=(FaceMark(1, (0.2, 0.2, 0.6, 0.8), speaker=True),),
        sound=SoundMark(-20.0, True),
        warnings=("the camera is gone",),
        figures=(("fps", "25"),),
        notes=("saved",),
    )
    assert (drawn(scene) == GREY).all()


def test_three_lines_of_any_length_and_script_are_all_there():
    lines = tuple(CaptionLine(text) for text in ("W" * 60, "今日はとても天気がいい", "Ends here."))
    left, top, right, bottom = ink(drawn(Scene(captions=lines), max_lines=3, max_chars=60))
    assert left >= 0.04 * 1280 and right <= 0.96 * 1280
    assert bottom - top > 70


def test_a_second_picture_is_drawn_as_the_first():
    painter, scene = Subtitles(SubtitlesConfig()), Scene(captions=TWO)
    images = [np.full((360, 640, 3), GREY, np.uint8) for _ in range(2)]
    for image in images:
        painter.draw(image, scene)
    assert np.array_equal(*images)
