"""What programs have: samples and pictures in many forms, as one form."""

from __future__ import annotations

import io
from typing import Final, Literal, cast

import cv2
import numpy as np
import numpy.typing as npt
from av.audio.frame import AudioFrame
from av.video.frame import VideoFrame as DecodedFrame
from PIL import Image, UnidentifiedImageError

from lipstream.stages.media.picture import scaled_size
from lipstream.stages.payloads import Float32, UInt8
from lipstream.stages.sound.mixdown import tidy

Samples = npt.NDArray[np.generic] | bytes | bytearray | memoryview | AudioFrame
Picture = npt.NDArray[np.uint8] | bytes | DecodedFrame
Order = Literal["rgb", "bgr"]

MOST_CHANNELS: Final = 32
_SCALES: Final = {"int16": 1 / 2**15, "int32": 1 / 2**31, "float32": 1.0, "float64": 1.0}
_RAW: Final = frozenset({"B", "b", "c", "h", "<h"})
"""Formats of views of memory with 16-bit samples in them; others say themselves what they hold."""
_TO_RGB: Final = {("bgr", 3): cv2.COLOR_BGR2RGB, ("bgr", 4): cv2.COLOR_BGRA2RGB, ("rgb", 4): cv2.COLOR_RGBA2RGB}


def mono(samples: Samples, channels: int = 1) -> Float32:
    """Samples of any form as (N,) float32 in [-1, 1], the mean of the channels; always a copy.

    Args:
        samples: (N,) or (N, C) of int16, int32, uint8 (128 is zero), float32 or float64 in [-1, 1]; bytes of 16-bit
            little-endian samples, channels interleaved; or a frame of PyAV.
        channels: of bytes.

    Raises:
        ValueError: they have another form.
    """
    if isinstance(samples, AudioFrame):
        rows = samples.to_ndarray()
        samples = rows.T if samples.format.is_planar else rows.reshape(-1, samples.layout.nb_channels)
    elif isinstance(samples, bytes | bytearray) or (isinstance(samples, memoryview) and samples.format in _RAW):
        if channels < 1 or memoryview(samples).nbytes % (2 * channels):
            raise ValueError(f"expected whole 16-bit samples of {channels} channels, got {len(samples)} bytes")
        samples = np.frombuffer(samples, "<i2").reshape(-1, channels)
    given = np.asarray(samples)
    if given.ndim not in (1, 2) or (given.ndim == 2 and not 1 <= given.shape[1] <= MOST_CHANNELS):
        raise ValueError(f"expected sound as (N,) or (N, channels), got {given.shape}: a transposed array may fit")
    if given.dtype == np.uint8:
        values = (given.astype(np.float32) - np.float32(128)) * np.float32(1 / 128)
    elif given.dtype.name in _SCALES:
        values = given.astype(np.float32) * np.float32(_SCALES[given.dtype.name])
    else:
        raise ValueError(f"expected samples of {', '.join(_SCALES)} or uint8, got {given.dtype}")
    return tidy(values.mean(axis=1, dtype=np.float32) if values.ndim == 2 else values)


def kept(picture: Picture) -> Picture:
    """A picture that stays what it is when its giver goes on to use the memory.

    Raises:
        ValueError: it is none.
    """
    if isinstance(picture, bytes | DecodedFrame):
        return picture
    given = np.asarray(picture)
    if given.dtype != np.uint8 or given.ndim not in (2, 3) or (given.ndim == 3 and given.shape[2] not in (1, 3, 4)):
        raise ValueError(f"expected a picture as (height, width, 3) of uint8, got {given.shape} of {given.dtype}")
    if not given.size:
        raise ValueError(f"expected a picture, got one without a pixel: {given.shape}")
    return given.copy()


def rgb(picture: Picture, order: Order, max_side: int, max_pixels: int) -> tuple[UInt8, tuple[int, int]]:
    """A picture of any form as (H, W, 3) RGB, no longer than `max_side`, and its width and height before.

    Args:
        picture: (H, W, 3) uint8; (H, W) in shades of gray; (H, W, 4) with transparency, which is left out; bytes of a
            JPEG or PNG file; or a frame of PyAV.
        order: of the colours in an array.
        max_side: of what is given, in pixels.
        max_pixels: of what is taken.

    Raises:
        ValueError: it cannot be decoded, or has too many pixels.
    """
    if isinstance(picture, bytes):
        return _decoded(picture, max_side, max_pixels)
    if isinstance(picture, DecodedFrame):
        width, height = picture.width, picture.height
        size = scaled_size(width, height, max_side)
        frame = picture.reformat(width=size[0], height=size[1], format="rgb24")
        return np.ascontiguousarray(cast(UInt8, frame.to_ndarray())), (width, height)
    height, width = picture.shape[:2]
    size = scaled_size(width, height, max_side)
    scaled = picture if size == (width, height) else cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    channels = 1 if scaled.ndim == 2 else scaled.shape[2]
    if channels == 1:
        return cast(UInt8, cv2.cvtColor(scaled, cv2.COLOR_GRAY2RGB)), (width, height)
    code = _TO_RGB.get((order, channels))
    turned = scaled if code is None else cv2.cvtColor(scaled, code)
    return np.ascontiguousarray(cast(UInt8, turned)), (width, height)


def _decoded(data: bytes, max_side: int, max_pixels: int) -> tuple[UInt8, tuple[int, int]]:
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG", "PNG")) as image:
            width, height = image.size
            if width * height > max_pixels:
                raise ValueError(f"the picture has {width} x {height} pixels, more than {max_pixels}")
            size = scaled_size(width, height, max_side)
            # A JPEG is decoded at half its size, or less, where that is enough.
            image.draft("RGB", size)
            shown = image.convert("RGB")
            if shown.size != size:
                shown = shown.resize(size, Image.Resampling.BOX)
            return np.array(shown), (width, height)
    except (UnidentifiedImageError, OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError("the picture is no JPEG or PNG that can be decoded") from error
