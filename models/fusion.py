"""Where lips may enter the transcript: between the speech encoder and its decoder."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.speech.engine import Encoding


@dataclass(frozen=True, slots=True)
class LipSample:
    """One frame of lips as fusion sees it.

    Attributes:
        time: seconds from the first encoded sample; may be negative or past the end by a little.
        crop: (96, 96) uint8 gray lip crop, None where the mask is off.
        points: (40, 2) float32 normalised lip landmarks, None where the mask is off.
        blendshapes: (K,) float32 mouth blendshapes, None where the mask is off.
    """

    time: float
    crop: npt.NDArray[np.uint8] | None
    points: npt.NDArray[np.float32] | None
    blendshapes: npt.NDArray[np.float32] | None


class Fusion(ABC):
    """Refines encoder frames by what the lips did meanwhile."""

    uses_lips: bool
    """Whether lip frames matter; if not, speech does not wait for them."""

    @abstractmethod
    def load(self) -> None:
        """Load the network. Idempotent."""

    @abstractmethod
    def fuse(self, encoding: Encoding, lips: Sequence[LipSample]) -> tuple[Encoding, float]:
        """Refine frames.

        Args:
            encoding: frames of the speech encoder.
            lips: lip frames over the encoded sound, in order of time; empty without a picture.

        Returns:
            The encoding, of equal shape, and the gate in [0, 1]: how far the lips moved it. With a gate of 0 the
            encoding is the very one that was given.
        """


class AudioOnlyFusion(Fusion):
    """Sound alone decides: the frames pass unchanged and the gate is 0."""

    uses_lips = False

    def load(self) -> None:
        """Nothing to load."""

    def fuse(self, encoding: Encoding, lips: Sequence[LipSample]) -> tuple[Encoding, float]:
        """Return the encoding that was given, and 0."""
        return encoding, 0.0
