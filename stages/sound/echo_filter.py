"""Taking out of a microphone's sound what a loudspeaker played into it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lipstream.stages.payloads import Float32

BLOCK = 256
"""Samples that are worked on at once, 16 ms."""
PARTITIONS = 32
"""Blocks of what was played that may be heard in one block: loudspeaker, room and buffers, 0.5 s."""
_FORGET = 0.9995
_UNCERTAIN = 0.02
"""Power of each part of the way that is expected before any is heard: that of a loudspeaker half as loud as itself.
With more, a voice that speaks while something is played through headphones is taken for an echo at first."""
_GATE_BLOCKS = 8
"""The gate looks at about so many blocks."""
_PLAYED = 1e-8
"""Mean power, full scale being 1, above which something is played at all (-80 dB)."""
_USEFUL = 0.98
"""Where so much of the power is left, nothing of an echo was found, and the sound goes on as it was."""
_ECHO_ONLY = 0.1
"""Where what is left has less than this part of the power of the echo that was taken out, nobody speaks."""

Complex = npt.NDArray[np.complex128]


class EchoFilter:
    """A linear model of the way from loudspeaker to microphone, learnt as it goes.

    A partitioned block Kalman filter in the frequency domain (G. Enzner and P. Vary, "Frequency-domain adaptive Kalman
    filter for acoustic echo control in hands-free telephones", 2006; partitioned as by F. Kuech, E. Mabande and
    G. Enzner, 2014): it knows how sure it is of each part, so it need not be told when the near voice speaks. What a
    linear model leaves of an echo is taken away by a gate: where next to nothing is left beside a loud echo, nobody
    spoke.
    """

    def __init__(self) -> None:
        bins = BLOCK + 1
        self._played = np.zeros(2 * BLOCK)
        self._spectra: Complex = np.zeros((PARTITIONS, bins), np.complex128)
        self._way: Complex = np.zeros((PARTITIONS, bins), np.complex128)
        self._unsure = np.full((PARTITIONS, bins), _UNCERTAIN)
        self._noise = np.full(bins, 1e-4)
        self._heard_power = self._echo_power = self._left_power = 0.0
        self._weights = (1.0, 0.0)

    def process(self, heard: Float32, played: Float32) -> Float32:
        """Take the echo out of a block.

        Args:
            heard: (256,) float32, 16 kHz, of the microphone.
            played: (256,) likewise, what was played up to the same moment, or somewhat later.

        Returns:
            (256,) float32: what is left; the same as `heard` as long as nothing was played.
        """
        self._played = np.concatenate([self._played[BLOCK:], played])
        self._spectra = np.roll(self._spectra, 1, axis=0)
        self._spectra[0] = np.fft.rfft(self._played)
        power = np.abs(self._spectra) ** 2
        if power.sum() < _PLAYED * 2 * BLOCK * BLOCK * PARTITIONS:
            return heard
        echo = np.fft.irfft((self._way * self._spectra).sum(axis=0))[BLOCK:]
        left = heard - echo
        self._learn(left, power)
        return self._mixed(heard, echo, left)

    def _learn(self, left: npt.NDArray[np.float64], power: npt.NDArray[np.float64]) -> None:
        error = np.fft.rfft(np.concatenate([np.zeros(BLOCK), left]))
        self._noise = 0.9 * self._noise + 0.1 * np.abs(error) ** 2
        gain = self._unsure / ((self._unsure * power).sum(axis=0) + self._noise + 1e-9)
        self._way += gain * np.conj(self._spectra) * error
        # The second half of what a block's circle gives is no part of the way.
        response = np.fft.irfft(self._way, axis=1)
        response[:, BLOCK:] = 0.0
        self._way = np.fft.rfft(response, axis=1)
        forget = _FORGET**2
        kept = np.maximum(1.0 - 0.5 * gain * power, 0.0)
        self._unsure = forget * kept * self._unsure + (1 - forget) * (np.abs(self._way) ** 2 + 1e-6)

    def _mixed(self, heard: Float32, echo: npt.NDArray[np.float64], left: npt.NDArray[np.float64]) -> Float32:
        """The sound as it was, or without the echo, or nothing; from block to block one fades into the other."""
        share = 1 / _GATE_BLOCKS
        self._heard_power += share * (float(np.mean(heard**2)) - self._heard_power)
        self._echo_power += share * (float(np.mean(echo**2)) - self._echo_power)
        self._left_power += share * (float(np.mean(left**2)) - self._left_power)
        before = self._weights
        if self._left_power > _USEFUL * self._heard_power:
            self._weights = (1.0, 0.0)
        elif self._echo_power > _PLAYED and self._left_power < _ECHO_ONLY * self._echo_power:
            self._weights = (0.0, 0.0)
        else:
            self._weights = (0.0, 1.0)
        if before == self._weights == (1.0, 0.0):
            return heard
        faded = [np.linspace(*ends, BLOCK) for ends in zip(before, self._weights, strict=True)]
        return (faded[0] * heard + faded[1] * left).astype(np.float32)
