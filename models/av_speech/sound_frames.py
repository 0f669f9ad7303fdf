"""What the networks of the general fusion hear: frames of the speech encoder at the times of the lips.

Shapes: T encoder frames, L lip frames, D numbers a frame.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from lipstream.models.av_speech.recording import Float32
from lipstream.models.errors import ModelError
from lipstream.models.speech.engine import Encoding

FEATURES: Final = 288
"""Numbers of a frame of one layer of the speech encoder."""
SOUND: Final = 4 * FEATURES + 1
"""Numbers of a sound frame: the encoder's last layer, three inner ones, and the level."""


def at_times(frames: Float32, rate: float, times: Float32) -> Float32:
    """(T, D) frames, of `rate` a second, at (L,) times in seconds, by linear interpolation; the ends go on."""
    at = np.clip(times * rate - 0.5, 0, max(0, len(frames) - 1))
    before = np.floor(at).astype(np.intp)
    after = np.minimum(before + 1, len(frames) - 1)
    weight = (at - before)[:, None].astype(np.float32)
    found: Float32 = frames[before] + weight * (frames[after] - frames[before])
    return found


def sound_frames(encoding: Encoding, times: Float32) -> Float32:
    """(L, SOUND) sound at (L,) times in seconds from the first sample.

    Raises:
        ModelError: the recogniser gives no inner layers.
    """
    if encoding.inner is None or encoding.levels is None:
        raise ModelError("the speech encoder gives no inner layers; set speech.engine to moonshine")
    parts = (encoding.features, encoding.inner, encoding.levels[:, None])
    together = np.concatenate([np.asarray(part, np.float32) for part in parts], axis=1)
    return at_times(together, encoding.frame_rate, times)
