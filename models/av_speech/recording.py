"""One recording as the networks see it: its sound, and the lips of its speaker on a regular grid of time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Float32 = npt.NDArray[np.float32]
Float16 = npt.NDArray[np.float16]
Int16 = npt.NDArray[np.int16]
UInt8 = npt.NDArray[np.uint8]
Bool = npt.NDArray[np.bool_]

LIP_RATE = 25.0
"""Lip frames a second."""
SAMPLE_RATE = 16_000
"""Samples a second."""
LIP_SAMPLES = 640
"""Samples from one lip frame to the next."""
_PAUSE = 5
"""Lip frames of the pause that is looked for to cut in."""
POINTS = 40
"""Lip landmarks of a frame."""
BLENDSHAPES = 27
"""Mouth blendshapes of a frame."""
CROP = 96
"""Side of a lip crop in pixels."""


@dataclass(frozen=True, slots=True, eq=False)
class LipTrack:
    """The lips of the speaker; frame t was seen at t / LIP_RATE seconds. Where `mask` is off the rest is zero.

    Attributes:
        points: (T, 40, 2) float16 normalised lip landmarks.
        blendshapes: (T, 27) float16 mouth blendshapes.
        crops: (T, 96, 96) uint8 gray lip crops.
        mask: (T,) whether there are lips to see.
    """

    points: Float16
    blendshapes: Float16
    crops: UInt8
    mask: Bool

    @staticmethod
    def unseen(frames: int) -> LipTrack:
        """A track of `frames` frames without lips."""
        return LipTrack(
            np.zeros((frames, POINTS, 2), np.float16),
            np.zeros((frames, BLENDSHAPES), np.float16),
            np.zeros((frames, CROP, CROP), np.uint8),
            np.zeros(frames, np.bool_),
        )

    def since(self, frame: int) -> LipTrack:
        """The track from a frame on, which becomes its first."""
        return LipTrack(self.points[frame:], self.blendshapes[frame:], self.crops[frame:], self.mask[frame:])


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """A recording.

    Attributes:
        pcm: (N,) int16 sound, mono, 16 kHz.
        lips: what the picture shows meanwhile.
    """

    pcm: Int16
    lips: LipTrack

    @property
    def sound(self) -> Float32:
        """(N,) float32 in [-1, 1]."""
        return self.pcm.astype(np.float32) / np.float32(32768)

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return len(self.pcm) / SAMPLE_RATE

    def pieces(self, longest: float) -> list[Recording]:
        """The recording in parts of at most `longest` seconds, cut where it is quietest in the second half of each."""
        parts, first = [], 0
        most = int(longest * SAMPLE_RATE)
        while len(self.pcm) - first > most:
            cut = first + most // 2 + _quietest(self.pcm[first + most // 2 : first + most])
            parts.append(self._part(first, cut))
            first = cut
        return [*parts, self._part(first, len(self.pcm))]

    def between(self, first: int, end: int) -> Recording:
        """The part from one lip frame to before another, as far as it is there."""
        return self._part(first * LIP_SAMPLES, min(end * LIP_SAMPLES, len(self.pcm)))

    def _part(self, first: int, end: int) -> Recording:
        """Samples `first` to `end`, which begin on a lip frame."""
        frames = slice(first // LIP_SAMPLES, -(-end // LIP_SAMPLES))
        lips = self.lips
        track = LipTrack(lips.points[frames], lips.blendshapes[frames], lips.crops[frames], lips.mask[frames])
        return Recording(self.pcm[first:end], track)


def _quietest(pcm: Int16) -> int:
    """Where a stretch of sound is quietest, as a number of samples that is a whole number of lip frames."""
    count = len(pcm) // LIP_SAMPLES
    power = np.square(pcm[: count * LIP_SAMPLES].astype(np.float64)).reshape(count, LIP_SAMPLES).mean(axis=1)
    around = np.convolve(power, np.ones(_PAUSE), mode="valid")
    return (int(around.argmin()) + _PAUSE // 2) * LIP_SAMPLES
