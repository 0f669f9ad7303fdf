"""Sound as one opening of a capture device delivers it, put on the session's timeline."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lipstream.stages.capture.audio_clock import AudioClock
from lipstream.stages.capture.callback_delay import CallbackDelay
from lipstream.stages.payloads import SAMPLE_RATE, Float32
from lipstream.stages.sound.mixdown import tidy
from lipstream.stages.sound.resample import StreamResampler

_BELIEVE_REPORT_US = 1_000_000
_LONGEST_SILENCE = 2
"""Seconds: more that is missing at once is not made as samples. It may be hours, after a machine has slept."""


@dataclass(frozen=True, slots=True)
class CapturedSound:
    """What one device block became.

    Attributes:
        samples: (N,) float32 mono at 16 kHz.
        start: session time of the first sample, microseconds.
        end: session time at which the last sample ends, microseconds.
        lost: seconds of sound lost before the block, already put into `samples` as silence; a long loss is no part of
            it, but a gap between what was given before and `start`.
    """

    samples: Float32
    start: int
    end: int
    lost: float


class CaptureTrack:
    """Mixes device blocks to mono, resamples them, times them by their count of samples, notices what is missing.

    Args:
        rate: the device's rate, samples a second.
        channels: the device's channels.
    """

    def __init__(self, rate: int, channels: int) -> None:
        self._rate = rate
        self._channels = channels
        self._clock = AudioClock(rate)
        self._delay = CallbackDelay()
        self._resampler = StreamResampler(rate)
        self._frames = 0
        # Frames before the first one that the resampler was given.
        self._skipped = 0
        self._reported: int | None = None

    def push(
        self, data: bytes, arrival: int, dropped: int, overflow: bool, recorded: float | None = None
    ) -> CapturedSound:
        """Take the next block.

        Args:
            data: interleaved float32 frames.
            arrival: session time at which it came, microseconds.
            dropped: frames before it that came but could not be kept.
            overflow: the device says that frames before it were lost, but not how many.
            recorded: when its last frame was recorded, in seconds on the sound system's clock; None if not known.
        """
        frames = np.frombuffer(data, np.float32).reshape(-1, self._channels)
        mono = tidy(frames[:, 0] if self._channels == 1 else frames.mean(axis=1, dtype=np.float32))
        if overflow:
            self._reported = arrival
        self._frames += dropped + len(mono)
        self._clock.update(self._frames, arrival, self._delay.update(arrival, recorded))
        lately = self._reported is not None and arrival - self._reported <= _BELIEVE_REPORT_US
        missing = self._clock.missing(lately) * self._rate // 1_000_000
        if missing:
            self._reported = None
        self._frames += missing
        absent = dropped + missing
        if absent > _LONGEST_SILENCE * self._rate:
            # What the resampler still holds, a few milliseconds, goes with the rest.
            self._resampler, self._skipped = StreamResampler(self._rate), self._frames - len(mono)
            absent = 0
        first = self._resampler.given
        samples = self._resampler.process(np.concatenate([np.zeros(absent, np.float32), mono]) if absent else mono)
        return CapturedSound(samples, self._time_of(first), self._time_of(self._resampler.given), absent / self._rate)

    def _time_of(self, sample: int) -> int:
        return self._clock.time_of(self._skipped + sample * self._rate / SAMPLE_RATE)
