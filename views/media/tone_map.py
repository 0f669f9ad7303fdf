"""High dynamic range as a picture for ordinary screens, as bright as it was meant and with its highlights.

Light is told in units of the reference white of 203 cd/m² (ITU-R BT.2408, 2.1), which comes out a little below the
white of the screen; what is brighter is compressed into the rest instead of cut off. Colours go from BT.2020 to BT.709.
"""

from __future__ import annotations

from functools import lru_cache
from typing import cast

import cv2
import numpy as np
import numpy.typing as npt
from av.video.reformatter import ColorTrc

from lipstream.stages.payloads import Float32, UInt8

_LEVELS = 1 << 16
_WHITE = 203.0
_PEAK = 1000.0
"""Brightest light of the display for which HLG is defined here, cd/m²."""
_KNEE = 0.5
"""Light up to which nothing is changed."""
_STEPS = 4095
_TO_BT709 = np.array(
    [[1.660491, -0.587641, -0.072850], [-0.124550, 1.132900, -0.008349], [-0.018151, -0.100579, 1.118730]], np.float32
)
"""ITU-R BT.2087, 4: linear light of BT.2020 to that of BT.709."""
_LUMINANCE = np.array([[0.2627, 0.6780, 0.0593]], np.float32)


def tone_mapped(image: npt.NDArray[np.uint16], transfer: int) -> UInt8:
    """A picture in SDR.

    Args:
        image: (H, W, 3) RGB of BT.2020, full range.
        transfer: how light is coded: `ColorTrc.SMPTE2084` (PQ) or `ColorTrc.ARIB_STD_B67` (HLG).

    Returns:
        (H, W, 3) RGB of BT.709, full range.
    """
    light = _linear(transfer)[image]
    if transfer == ColorTrc.ARIB_STD_B67:
        # Light of the scene becomes light of the display (ITU-R BT.2100, table 5, "OOTF").
        luminance = np.maximum(cv2.transform(light, _LUMINANCE), 1e-6)
        light *= (luminance**0.2).reshape(*luminance.shape[:2], 1) * (_PEAK / _WHITE)
    light = np.maximum(cv2.transform(light, _TO_BT709), 0.0)
    # By the brightest of the three, so that the hue stays.
    brightest = np.maximum(light.max(axis=2, keepdims=True), 1e-6)
    light *= _compressed(brightest) / brightest
    return cast(UInt8, _display()[(np.sqrt(np.minimum(light, 1.0)) * _STEPS + 0.5).astype(np.uint16)])


def _compressed(light: Float32) -> Float32:
    """Light in [0, 1): as it is up to the knee, and then ever less more."""
    rest = 1 - _KNEE
    return np.where(light <= _KNEE, light, _KNEE + rest * (1 - np.exp((_KNEE - light) / rest))).astype(np.float32)


@lru_cache(maxsize=2)
def _linear(transfer: int) -> Float32:
    """Light of each level: PQ in units of reference white, HLG in those of the scene's, in [0, 1]."""
    signal = np.linspace(0, 1, _LEVELS)
    if transfer == ColorTrc.ARIB_STD_B67:
        # ITU-R BT.2100, table 5, inverse OETF.
        a, b, c = 0.17883277, 0.28466892, 0.55991073
        return np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12).astype(np.float32)
    # ITU-R BT.2100, table 4, EOTF.
    m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
    power = signal ** (1 / m2)
    return (10_000 / _WHITE * (np.maximum(power - c1, 0) / (c2 - c3 * power)) ** (1 / m1)).astype(np.float32)


@lru_cache(maxsize=1)
def _display() -> UInt8:
    """Levels of the square roots of light (ITU-R BT.1886)."""
    return np.round(255 * np.linspace(0, 1, _STEPS + 1) ** (2 / 2.4)).astype(np.uint8)
