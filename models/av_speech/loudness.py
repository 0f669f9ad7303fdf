"""How loud a sound is."""

from __future__ import annotations

import numpy as np

from lipstream.models.speech.engine import Float32


def loudness(sound: Float32) -> float:
    """Root mean square of (N,) samples; 0 of none."""
    return float(np.sqrt(np.mean(np.square(sound), dtype=np.float64))) if len(sound) else 0.0
