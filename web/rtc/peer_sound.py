"""A browser's microphone."""

from __future__ import annotations

import queue
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from av.audio.frame import AudioFrame

from lipstream.config import AudioConfig
from lipstream.pipeline import Port, micros
from lipstream.stages.payloads import SAMPLE_RATE, AudioBlock, Float32
from lipstream.stages.sound.mixdown import tidy
from lipstream.stages.sound.resample import StreamResampler
from lipstream.web.rtc.peer_source import POLL_SECONDS, Invitation, PeerSource

_KEPT_FRAMES = 256
"""Most frames between the network and the source, 5 s; what does not fit is filled with silence like any other loss."""
# As for microphones: see stages/capture/microphone.py.
_SEAM_US = 5_000
_SILENCE_LAG_US = 200_000
_LOSS_OVER_US = 2_000_000
_MUTED_AFTER_US = 10_000_000
_LONGEST_BLOCK = SAMPLE_RATE // 2
# A browser that mutes sends zeros, of which a lossy codec makes almost zeros.
_SILENT = 2 / 32_768
# The network may hold the first packets back that long.
_PATIENCE_US = 3_000_000


@dataclass(frozen=True, slots=True)
class Heard:
    """A decoded piece of sound and where it belongs.

    Attributes:
        frame: as decoded, 16-bit.
        ticks: its RTP timestamp in samples, without wrap-around.
        start: session time of its first sample, microseconds.
        end: session time at which its last sample ends, microseconds.
    """

    frame: AudioFrame
    ticks: int
    start: int
    end: int


class PeerSound(PeerSource):
    """Emits what a browser's microphone sends as mono 16 kHz sound without gaps.

    What the network lost, and what the browser did not send, is silence in its place, counted as `audio.lost_seconds`
    and reported. A browser that sends nothing at all, or nothing but silence, is reported as well.

    Args:
        config: after how long without sound it counts as gone.
        invitation: the session's.
    """

    outputs: ClassVar[Mapping[str, Port]] = {"audio": Port(AudioBlock)}

    def __init__(self, config: AudioConfig, invitation: Invitation) -> None:
        super().__init__(invitation)
        self._patience = micros(config.reopen_after)
        self._frames: queue.Queue[Heard] = queue.Queue(_KEPT_FRAMES)
        self._resampler: StreamResampler | None = None
        self._rate = 0
        self._anchor = 0
        self._next = 0
        self._end: int | None = None
        self._last_arrival = 0
        self._last_loss: int | None = None
        self._gone = False
        self._loud = 0
        self._muted = False

    def offer(self, heard: Heard) -> None:
        """Hand over the next piece; never waits."""
        try:
            self._frames.put_nowait(heard)
        except queue.Full:
            return

    def open(self) -> None:
        """Prepare the resampler, which takes seconds the first time, and wait for the browser."""
        StreamResampler(48_000)
        super().open()

    def produce(self) -> bool:
        """Emit what has come, or keep the timeline going without it."""
        if not self._invitation.sound:
            return False
        try:
            heard = self._frames.get(timeout=POLL_SECONDS)
        except queue.Empty:
            self._check_gone()
        else:
            self._take(heard)
        now = self.now()
        if self._gone:
            self._fill(now - _SILENCE_LAG_US)
        if self._last_loss is not None and now - self._last_loss > _LOSS_OVER_US:
            self._last_loss = None
            if not (self._gone or self._muted):
                self.recover("audio")
        return True

    # The connection.

    def _check_gone(self) -> None:
        patience = self._patience if self._last_arrival else _PATIENCE_US
        if not self._gone and self.now() - self._last_arrival >= patience:
            self._flush()
            self._gone, self._muted, self._last_loss = True, False, None
            self.degrade("audio", "the browser sends no sound, waiting for it")

    def _check_silence(self, samples: Float32) -> None:
        now = self._last_arrival
        if len(samples) and float(np.abs(samples).max()) > _SILENT:
            self._loud = now
            if self._muted:
                self._muted = False
                self.recover("audio")
        elif not self._muted and now - self._loud >= _MUTED_AFTER_US:
            self._muted = True
            self.degrade("audio", "the browser's microphone gives nothing but silence: is it muted?")

    # The sound.

    def _take(self, heard: Heard) -> None:
        self._last_arrival = self.now()
        if self._gone:
            self._gone, self._loud = False, self._last_arrival
            self._fill(heard.start)
            self.recover("audio")
        samples = _mono(heard.frame)
        self._check_silence(samples)
        if self._resampler is None or heard.ticks != self._next or heard.frame.sample_rate != self._rate:
            self._begin(heard)
        assert self._resampler is not None
        self._next = heard.ticks + len(samples)
        first = self._resampler.given
        resampled = self._resampler.process(samples)
        if len(resampled):
            # A tick is a sample of the source; the session's time runs evenly over the frame.
            step = (heard.end - heard.start) / len(samples)
            origin = heard.start + (self._anchor - heard.ticks) * step
            scale = step * self._rate / SAMPLE_RATE
            start, end = round(origin + first * scale), round(origin + self._resampler.given * scale)
            self._emit(self._join(resampled, start), end, 0)

    def _begin(self, heard: Heard) -> None:
        """Begin anew behind a gap."""
        self._flush()
        self._rate = heard.frame.sample_rate
        self._resampler, self._anchor = StreamResampler(self._rate), heard.ticks

    def _flush(self) -> None:
        """Emit what the resampler holds back: nothing follows it directly."""
        tail = self._resampler.flush() if self._resampler is not None else ()
        self._resampler = None
        if len(tail):
            self._emit(np.asarray(tail), (self._end or 0) + len(tail) * 1_000_000 // SAMPLE_RATE, 0)

    def _join(self, samples: Float32, start: int) -> Float32:
        """Set samples behind what was emitted before: silence in between, or what overlaps cut off."""
        if self._end is None:
            self._end = max(0, start)
        if start - self._end > _SEAM_US:
            self._report_loss(start - self._end)
            self._fill(start)
        if self._end - start > _SEAM_US:
            return samples[(self._end - start) * SAMPLE_RATE // 1_000_000 :]
        return samples

    def _fill(self, until: int) -> None:
        self._end = self._end or 0
        missing = (until - self._end) * SAMPLE_RATE // 1_000_000
        if missing > 0:
            self.context.count("audio.lost_seconds", missing / SAMPLE_RATE)
            self._emit(np.zeros(missing, np.float32), until, missing)

    def _emit(self, samples: Float32, end: int, filled: int) -> None:
        """Emit samples that end at a session time, in blocks that are not too long."""
        assert self._end is not None
        start, span = self._end, max(0, end - self._end)
        for first in range(0, len(samples), _LONGEST_BLOCK):
            part = samples[first : first + _LONGEST_BLOCK]
            upto = start + span * (first + len(part)) // len(samples)
            self.emit("audio", AudioBlock(part, min(len(part), filled)), self._end, upto - self._end)
            self._end = upto

    def _report_loss(self, lost: int) -> None:
        self._last_loss = self.now()
        if "audio" not in self.degraded:
            self.degrade("audio", f"the network lost {lost / 1e6:.2f} s of the browser's sound")


def _mono(frame: AudioFrame) -> Float32:
    """Samples, (N,), in [-1, 1], of a frame of 16-bit samples."""
    samples = frame.to_ndarray().reshape(-1, frame.layout.nb_channels)
    return tidy(samples.mean(axis=1, dtype=np.float32) * np.float32(1 / 32_768))
