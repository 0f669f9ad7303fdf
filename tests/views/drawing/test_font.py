"""Letters and their widths."""

from __future__ import annotations

import pytest

from lipstream.views.drawing.font import Typeface, ems
from lipstream.views.drawing.wrap import units, wrapped

BOX = "\U0010ffff"


@pytest.mark.parametrize("text", list("éłőğșệΩЙß漢字かカ한。—…♪"))
def test_accents_and_cjk_are_drawn_as_letters_and_not_as_boxes(text: str):
    face = Typeface(32)
    mask = face.mask(text)
    box = face.mask(BOX)
    assert mask.max() > 200
    assert mask.shape != box.shape or (mask != box).any()


def test_different_letters_look_different():
    face = Typeface(32)
    masks = [face.mask(char).tobytes() for char in "eéèêë漢字国國"]
    assert len(set(masks)) == len(masks)


def test_an_accent_on_its_own_is_joined_with_its_letter():
    face = Typeface(32)
    assert (face.mask("e\u0301") == face.mask("é")).all()


@pytest.mark.parametrize("text", ["Affgjpqy|", "ÅÉŐỆ", "漢字カナ한글", "Wfj,;Q"])
@pytest.mark.parametrize("size", [10, 13, 26, 59])
def test_no_letter_is_cut(text: str, size: int):
    mask = Typeface(size).mask(text)
    assert not mask[0].any() and not mask[-1].any() and not mask[:, 0].any() and not mask[:, -1].any()


def test_text_is_shortened_with_an_ellipsis_and_only_if_it_must():
    face = Typeface(20)
    assert face.shortened("short", 200) == "short"
    cut = face.shortened("a rather long line of text", 100)
    assert cut.endswith("…") and face.width(cut) <= 100 and len(cut) > 5
    assert face.shortened("a rather long line of text", 1) == ""


def test_lines_break_at_spaces_and_between_characters_of_scripts_without_them():
    assert units("ab cd") == ["ab", " cd"]
    assert units("漢字、です") == ["漢", "字、", "で", "す"]
    assert units("한국 말") == ["한국", " 말"]
    assert "".join(units("  a 漢  b ")) == "  a 漢  b "


@pytest.mark.parametrize("text", ["one two three four five six seven", "Donaudampfschifffahrtsgesellschaft", "漢" * 40])
def test_wrapped_lines_fit_and_what_does_not_gives_way_to_an_ellipsis(text: str):
    face = Typeface(20)
    for most in (1, 2, 3, 20):
        lines = wrapped(text, 20, 110, most)
        assert len(lines) <= most and all(face.width(line) <= 110 for line in lines)
        assert lines[-1].endswith("…") or "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert not wrapped(text, 20, 110, 20)[-1].endswith("…")


def test_small_letters_take_at_most_the_slack_more_than_their_ems():
    """Lines are laid out in ems, whatever the size they are drawn in."""
    line = "It was the best of times, it was the wo"
    assert all(Typeface(size).width(line) <= 1.11 * ems(line) * size for size in range(10, 60))
