"""Where lips may enter the transcript: between the speech encoder and its decoder."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from lipstream.models.speech.engine import Encoding

LIP_MARGIN: Final = 0.2
"""Seconds of lips before and after the sound that fusion sees too: lips lead the voice, and streams are skewed."""


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


@dataclass(frozen=True, slots=True, eq=False)
class FusedSpeech:
    """What fusion makes of an encoding of T frames.

    Attributes:
        encoding: of equal shape; the very one that was given if nothing moved it.
        gate: (T,) float32 in [0, 1], how far the lips moved each frame; None if they moved none.
        active_speaker: (T,) float32 probability that the visible mouth is the voice heard in each frame, NaN where no
            mouth is seen; None if that was not judged.
        sound: (N,) float32, the sound with others' voices softened; None where none was.
    """

    encoding: Encoding
    gate: npt.NDArray[np.float32] | None = None
    active_speaker: npt.NDArray[np.float32] | None = None
    sound: npt.NDArray[np.float32] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class VoicePart:
    """What is heard of one of two people who speak at once, in T encoder frames.

    Attributes:
        encoding: frames of its sound.
        sound: (N,) float32, the other's voice softened where both are heard.
        gate: (T,) float32 in [0, 1], the share of the loudness that was taken away.
        share: (T,) float32 in [0, 1], how much of what is heard of the two is this one's.
        own: mean probability, where both are heard, that this mouth is a voice that is heard.
    """

    encoding: Encoding
    sound: npt.NDArray[np.float32]
    gate: npt.NDArray[np.float32]
    share: npt.NDArray[np.float32]
    own: float


@dataclass(frozen=True, slots=True, eq=False)
class PartedSpeech:
    """Two people who speak at once, each by themselves.

    Attributes:
        parts: of the one and of the other.
        both: (T,) bool, in which encoder frames both are heard; elsewhere the sound is as it was.
    """

    parts: tuple[VoicePart, VoicePart]
    both: npt.NDArray[np.bool_]


class Fusion(ABC):
    """Refines encoder frames by what the lips did meanwhile."""

    uses_lips: bool
    """Whether lip frames matter; if not, speech does not wait for them."""

    @abstractmethod
    def load(self) -> None:
        """Load the network. Idempotent."""

    @abstractmethod
    def fuse(self, encoding: Encoding, sound: npt.NDArray[np.float32], lips: Sequence[LipSample]) -> FusedSpeech:
        """Refine frames.

        Args:
            encoding: frames of the speech encoder.
            sound: (N,) float32 at 16 kHz, that was encoded.
            lips: lip frames over the encoded sound and `LIP_MARGIN` to either side, in order of time; empty without a
                picture.
        """

    def part(
        self,
        encoding: Encoding,
        sound: npt.NDArray[np.float32],
        mouths: tuple[Sequence[LipSample], Sequence[LipSample]],
    ) -> PartedSpeech | None:
        """Tell two visible people apart who speak at once; None where they do not, or where it cannot be done.

        Args:
            encoding: as for `fuse`.
            sound: likewise.
            mouths: lip frames of the one and of the other, likewise.
        """
        return None


class AudioOnlyFusion(Fusion):
    """Sound alone decides: the frames pass unchanged."""

    uses_lips = False

    def load(self) -> None:
        """Nothing to load."""

    def fuse(self, encoding: Encoding, sound: npt.NDArray[np.float32], lips: Sequence[LipSample]) -> FusedSpeech:
        """Return the encoding that was given."""
        return FusedSpeech(encoding)
