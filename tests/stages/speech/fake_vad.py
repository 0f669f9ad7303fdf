"""A voice activity network that costs nothing."""

from __future__ import annotations

import numpy as np


class LoudnessVad:
    """Takes any window with a sample above an amplitude for speech."""

    def __init__(self, above: float = 0.01) -> None:
        self._above = above

    def load(self) -> None: ...

    def reset(self) -> None: ...

    def probability(self, window: np.ndarray) -> float:
        return float(np.abs(window).max() > self._above)
