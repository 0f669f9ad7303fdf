"""Samples and pictures in all the forms that programs have them in."""

from __future__ import annotations

import io

import av
import numpy as np
import pytest
from PIL import Image

from lipstream.stages.push.formats import kept, mono, rgb

WAVE = np.array([0.0, 0.5, -0.5, 0.25], np.float32)


@pytest.mark.parametrize(
    "samples",
    [
        WAVE,
        WAVE.astype(np.float64),
        (WAVE * 2**15).astype(np.int16),
        (WAVE * 2**31).astype(np.int32),
        (WAVE * 128 + 128).astype(np.uint8),
        np.stack([WAVE, WAVE], axis=1),
        np.stack([WAVE * 2, np.zeros(4)], axis=1),
        (WAVE * 2**15).astype("<i2").tobytes(),
        bytearray((WAVE * 2**15).astype("<i2").tobytes()),
    ],
    ids=["float32", "float64", "int16", "int32", "uint8", "stereo", "one side", "bytes", "bytearray"],
)
def test_samples_of_any_form_are_one_channel_of_floats(samples):
    given = mono(samples)
    assert given.dtype == np.float32 and given == pytest.approx(WAVE, abs=1e-6)


def test_bytes_of_two_channels_are_interleaved():
    both = np.stack([WAVE, -WAVE], axis=1)
    assert mono((both * 2**15).astype("<i2").tobytes(), channels=2) == pytest.approx([0.0] * 4)


@pytest.mark.parametrize("form", ["s16", "s16p", "flt", "fltp", "dbl", "u8", "s32p"])
def test_a_frame_of_pyav_is_taken_planar_or_not(form: str):
    scale = {"s16": 2**15, "s32": 2**31, "u8": 128}.get(form.rstrip("p"), 1.0)
    kind = {"s16": np.int16, "s32": np.int32, "flt": np.float32, "dbl": np.float64, "u8": np.uint8}[form.rstrip("p")]
    values = (np.stack([WAVE, WAVE]) * scale + (128 if form == "u8" else 0)).astype(kind)
    rows = values if form.endswith("p") else np.ascontiguousarray(values.T.reshape(1, -1))
    frame = av.AudioFrame.from_ndarray(rows, format=form, layout="stereo")
    assert mono(frame) == pytest.approx(WAVE, abs=1e-6)


def test_what_is_out_of_range_or_no_number_is_put_right_and_the_givers_memory_is_left_alone():
    given = np.array([2.0, np.nan, -np.inf], np.float32)
    taken = mono(given)
    assert list(taken) == [1.0, 0.0, 0.0] and np.isnan(given[1])
    given[:] = 0.5
    assert list(taken) == [1.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("samples", "said"),
    [
        (np.zeros((2, 1000), np.float32), "transposed"),
        (np.zeros((1, 2, 3), np.float32), r"\(N, channels\)"),
        (np.zeros(4, np.complex64), "complex64"),
        (b"odd", "whole 16-bit samples"),
        (np.float32(1.0), r"\(N, channels\)"),
    ],
)
def test_samples_of_no_form_are_refused(samples, said: str):
    with pytest.raises(ValueError, match=said):
        mono(samples)


RED = np.zeros((40, 60, 3), np.uint8)
RED[..., 0] = 200


def encoded(kind: str) -> bytes:
    file = io.BytesIO()
    Image.fromarray(RED).save(file, kind)
    return file.getvalue()


@pytest.mark.parametrize(
    ("picture", "order"),
    [
        (RED, "rgb"),
        (RED[..., ::-1], "bgr"),
        (np.dstack([RED, np.full((40, 60), 9, np.uint8)]), "rgb"),
        (np.dstack([RED[..., ::-1], np.full((40, 60), 9, np.uint8)]), "bgr"),
        (encoded("JPEG"), "rgb"),
        (encoded("PNG"), "rgb"),
        (av.VideoFrame.from_ndarray(RED, format="rgb24"), "rgb"),
    ],
    ids=["rgb", "bgr", "rgba", "bgra", "jpeg", "png", "frame"],
)
def test_a_picture_of_any_form_is_red_and_scaled_down(picture, order):
    image, size = rgb(kept(picture), order, max_side=30, max_pixels=10_000)
    assert image.shape == (20, 30, 3) and image.flags.c_contiguous and size == (60, 40)
    assert image.reshape(-1, 3).mean(axis=0) == pytest.approx([200, 0, 0], abs=3)


def test_shades_of_gray_are_a_picture_too_and_a_small_one_keeps_its_size():
    image, _ = rgb(kept(np.full((10, 20), 77, np.uint8)), "rgb", 640, 10_000)
    assert image.shape == (10, 20, 3) and np.all(image == 77)


def test_a_picture_is_kept_as_it_was():
    given = RED.copy()
    taken = kept(given)
    given[:] = 0
    assert isinstance(taken, np.ndarray) and np.array_equal(taken, RED)


@pytest.mark.parametrize("wrong", [np.zeros((4, 4, 2), np.uint8), np.zeros((4, 4, 3)), np.zeros((0, 4, 3), np.uint8)])
def test_an_array_that_is_no_picture_is_refused(wrong):
    with pytest.raises(ValueError, match="expected a picture"):
        kept(wrong)


@pytest.mark.parametrize(
    "data",
    [b"", b"GIF89a" + bytes(100), encoded("JPEG")[:100], encoded("PNG")[:60]],
    ids=["none", "gif", "cut", "cut png"],
)
def test_bytes_that_are_no_picture_are_refused(data: bytes):
    with pytest.raises(ValueError, match="no JPEG or PNG"):
        rgb(data, "rgb", 640, 10_000)


def test_a_picture_of_too_many_pixels_is_refused_before_it_is_decoded():
    with pytest.raises(ValueError, match="60 x 40 pixels"):
        rgb(encoded("PNG"), "rgb", 640, max_pixels=2_000)


def test_a_view_of_memory_is_what_it_says_that_it_holds():
    """Regression: one of floats was read as 16-bit samples, which is noise."""
    floats = np.array([0.5, -0.25], np.float32)
    assert np.array_equal(mono(memoryview(floats)), floats)
    assert np.array_equal(mono(memoryview(np.array([1 << 14, -(1 << 13)], np.int16)), 2), [0.125])
