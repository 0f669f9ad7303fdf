"""What the mask of other voices rests on, found by hiding: lip frame by lip frame, and each side as a whole.

The networks for anybody have no attention to look at. What is hidden and changes the result was used, and the more it
changes the more it counted (Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks", ECCV 2014).
It tells what the networks use, not why, and things that stand for each other hide each other: with one lip frame gone
its neighbours tell nearly the same.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from lipstream.models.av_speech.general_fusion import GeneralFusion
from lipstream.models.av_speech.recording import Bool, Float32
from lipstream.models.av_speech.voice_bands import powers, spectrum
from lipstream.models.speech.engine import Encoding
from lipstream.models.speech.fusion import LipSample

PATCH: Final = 3
"""Lip frames that are hidden together, 0.12 s: of a single one its neighbours tell the rest."""


@dataclass(frozen=True, slots=True, eq=False)
class Occlusion:
    """What counted in a stretch of sound: T frames of 24 ms, L lip frames of 40 ms, B bands.

    Attributes:
        own: (L,) probability that the mouth is the voice heard.
        seen: (L,) bool, where a mouth is seen.
        gains: (T, B) the mask: the part of each band's amplitude that is kept, in [0.05, 1].
        overlap: (T,) bool, where others are heard while the mouth speaks: there alone the mask is applied.
        lips: (T, L) mean change of the mask of each frame, in [0, 1], with the `PATCH` lip frames around one hidden.
        without: (T,) mean change of the mask of each frame where one side as a whole tells nothing, by side: "lips",
            all of them unseen; "encoder", its frames, and "spectrum", each by its own mean over time.
    """

    own: Float32
    seen: Bool
    gains: Float32
    overlap: Bool
    lips: Float32
    without: dict[str, Float32]


def occlude(
    fusion: GeneralFusion, encoding: Encoding, sound: Float32, lips: Sequence[LipSample], hidden: Bool
) -> Occlusion:
    """Hide, and see what changes.

    Args:
        fusion: loaded.
        encoding: of the sound, with inner layers.
        sound: (N,) float32, 16 kHz.
        lips: L frames on a grid of 25 Hz from the start of the sound.
        hidden: (L,) which of them are hidden in turn, one run of the networks each; the others count as without effect.

    Raises:
        ModelError: the fusion is not loaded, or the recogniser gives no inner layers.
    """
    bands = powers(spectrum(sound))
    mouth = fusion.look(encoding, lips)
    gains, _ = fusion.mask(mouth, bands)
    count = len(mouth.seen)
    changed = np.zeros((len(gains), count), np.float32)
    # The picture may end before the sound, or after it.
    asked = np.zeros(count, bool)
    asked[: len(hidden)] = hidden[:count]
    for index in np.flatnonzero(asked & mouth.seen).tolist():
        first, end = max(0, index - PATCH // 2), index + PATCH // 2 + 1
        less = [*lips[:first], *map(_unseen, lips[first:end]), *lips[end:]]
        changed[:, index] = _change(gains, fusion.mask(fusion.look(encoding, less), bands)[0])
    blind = fusion.look(encoding, [_unseen(each) for each in lips])
    deaf = mouth._replace(beside=np.broadcast_to(mouth.beside.mean(axis=1, keepdims=True), mouth.beside.shape).copy())
    flat = np.broadcast_to(bands.mean(axis=0, keepdims=True), bands.shape).astype(np.float32)
    without = {
        "lips": _change(gains, fusion.mask(blind, bands)[0]),
        "encoder": _change(gains, fusion.mask(deaf, bands)[0]),
        "spectrum": _change(gains, fusion.mask(mouth, flat)[0]),
    }
    return Occlusion(mouth.own, mouth.seen, gains, fusion.judge(mouth, sound).overlap, changed, without)


def _unseen(sample: LipSample) -> LipSample:
    return dataclasses.replace(sample, crop=None, points=None, blendshapes=None)


def _change(gains: Float32, other: Float32) -> Float32:
    """(T,) mean change over the bands."""
    change: Float32 = np.abs(gains - other).mean(axis=1)
    return change
