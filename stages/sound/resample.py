"""Streaming resampling to 16 kHz."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from lipstream.stages.payloads import SAMPLE_RATE, Float32

# Half-width of the windowed sinc in zero crossings, and the cut-off as a fraction of the lower Nyquist frequency: flat
# to 7 kHz, and what aliases is 60 dB down, for a millisecond of look-ahead.
_ZERO_CROSSINGS = 16
_ROLL_OFF = 0.95
LOWEST_RATE: Final = 8_000
"""In Hz. Each sample of a slower one would become many: at 1 Hz a message of a megabyte would be gigabytes."""
HIGHEST_RATE: Final = 192_000
"""In Hz."""
# A rate that shares no large divisor with 16 kHz needs a filter for every output phase: 44101 Hz would take gigabytes.
_MAX_TAPS = 4_000_000
# Filters are up to 16 MB each, and who sends sound chooses its rate: a few are kept, those of rates in use.
_FILTERS = 8


def supported(rate: int) -> bool:
    """Whether `StreamResampler` takes a source rate, in Hz: all usual ones from 8 to 192 kHz."""
    divisor = math.gcd(rate, SAMPLE_RATE)
    return LOWEST_RATE <= rate <= HIGHEST_RATE and (rate // divisor) * (SAMPLE_RATE // divisor) <= _MAX_TAPS


class StreamResampler:
    """Resamples a stream to 16 kHz block by block, with the windowed sinc filter of torchaudio.

    The result is that of `torchaudio.transforms.Resample` on the whole signal, whatever the blocks. The filter is
    symmetric, so output sample j lies at input position j * rate / 16000 exactly; n samples give
    ceil(n * 16000 / rate).

    Args:
        rate: source rate in Hz.

    Raises:
        ValueError: the rate is not `supported`.
    """

    def __init__(self, rate: int) -> None:
        if not supported(rate):
            raise ValueError(f"cannot resample from {rate} Hz: expected a usual rate from 8000 to 192000")
        self.given = 0
        divisor = math.gcd(rate, SAMPLE_RATE)
        # `gain` outputs for every `step` inputs make a group; each of its outputs has its own row of the filter.
        self._step, self._gain = rate // divisor, SAMPLE_RATE // divisor
        self._filter, reach = _filter(rate)
        self._reach = reach
        self._heard = 0
        self._group = 0
        # The filter's window of group g begins at input g * step - reach.
        self._held: Float32 = np.zeros(reach, np.float32)

    def process(self, samples: Float32) -> Float32:
        """Resample the next block.

        Args:
            samples: (N,) float32, any N.

        Returns:
            (M,) float32: the output samples that no later input can change. `given` counts all of them.
        """
        self._held = np.concatenate([self._held, samples])
        self._heard += len(samples)
        return self._give(max(0, self._heard - self._reach) * self._gain // self._step)

    def flush(self) -> Float32:
        """The rest, (M,), with silence assumed to follow. Ends the stream."""
        return self._give(-(-self._heard * self._gain // self._step))

    def _give(self, upto: int) -> Float32:
        if upto <= self.given:
            return np.empty(0, np.float32)
        groups = -(-upto // self._gain) - self._group
        taps = len(self._filter)
        missing = (groups - 1) * self._step + taps - len(self._held)
        held = np.pad(self._held, (0, missing)) if missing > 0 else self._held
        windows = sliding_window_view(held, taps)[: (groups - 1) * self._step + 1 : self._step]
        first = self._group * self._gain
        result: Float32 = (windows @ self._filter).reshape(-1)[self.given - first : upto - first]
        self.given = upto
        done = upto // self._gain - self._group
        self._group += done
        self._held = self._held[done * self._step :]
        return result


@lru_cache(_FILTERS)
def _filter(rate: int) -> tuple[Float32, int]:
    """The filter, (taps, gain) float32, and how many inputs it reaches back and ahead."""
    if rate == SAMPLE_RATE:
        return np.ones((1, 1), np.float32), 0
    divisor = math.gcd(rate, SAMPLE_RATE)
    step, gain = rate // divisor, SAMPLE_RATE // divisor
    base = min(step, gain) * _ROLL_OFF
    width = math.ceil(_ZERO_CROSSINGS * step / base)
    at = (np.arange(-width, width + step) / step)[:, None] - np.arange(gain) / gain
    at = np.clip(at * base, -_ZERO_CROSSINGS, _ZERO_CROSSINGS)
    window = np.square(np.cos(at * (np.pi / (2 * _ZERO_CROSSINGS))))
    return np.ascontiguousarray(np.sinc(at) * window * (base / step), np.float32), width
