"""What one picture shows of one mouth."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from lipstream.models.face.backend import Float32, UInt8


@dataclass(frozen=True, slots=True)
class LipFeatures:
    """What one frame shows of one mouth.

    Attributes:
        face: id of the face track.
        crop: (96, 96) uint8 gray, mouth centred, upright, scaled by the size of the face.
        points: (40, 2) float32 lip landmarks, normalised for pose and scale.
        blendshapes: (27,) float32 in [0, 1], MediaPipe's mouth and jaw blendshapes.
        aperture: inner lip opening in distances between the outer corners of the eyes.
        change: how much the face's part of the picture differs from the frame before, see `face_change`; infinite if
            that is not known.
    """

    face: int
    crop: UInt8
    points: Float32
    blendshapes: Float32
    aperture: float
    change: float = math.inf

    def towards(self, later: LipFeatures, weight: float) -> LipFeatures:
        """The same mouth at a moment between two frames.

        Numbers are interpolated linearly; the crop is that of the nearer frame, uncopied.

        Args:
            later: of the same face.
            weight: where the moment lies, in [0, 1]: 0 is here, 1 is `later`.
        """

        def mix(one: Float32, other: Float32) -> Float32:
            return np.asarray(one + (other - one) * np.float32(weight), dtype=np.float32)

        return LipFeatures(
            face=self.face,
            crop=self.crop if weight < 0.5 else later.crop,
            points=mix(self.points, later.points),
            blendshapes=mix(self.blendshapes, later.blendshapes),
            aperture=self.aperture + (later.aperture - self.aperture) * weight,
            change=later.change,
        )
