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
from lipstream.stages.sound.gapless import SILENCE_LAG_US, GaplessSound
from lipstream.stages.sound.mixdown import tidy
from lipstream.stages.sound.resample import StreamResampler
from lipstream.stages.sound.troubles import SoundTroubles
from lipstream.stages.switches import SOUND
from lipstream.web.rtc.peer_source import POLL_SECONDS, Invitation, PeerSource

_KEPT_FRAMES = 256
"""Most frames between the network and the source, 5 s; what does not fit is filled with silence like any other loss."""
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
        self._sound = GaplessSound(self)
        self._troubles = SoundTroubles(self)
        self._last_arrival = 0

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
        if self._troubles.gone:
            self._sound.fill(now - SILENCE_LAG_US)
        self._troubles.look(now)
        return True

    # The connection.

    def _check_gone(self) -> None:
        patience = self._patience if self._last_arrival else _PATIENCE_US
        if not self._troubles.gone and self.now() - self._last_arrival >= patience:
            self._flush()
            self._troubles.lose("the browser sends no sound, waiting for it")

    def _check_silence(self, samples: Float32) -> None:
        # A page whose user mutes it sends silence; that is what they want, and no trouble.
        if self.context.switched_off(SOUND) or (len(samples) and float(np.abs(samples).max()) > _SILENT):
            self._troubles.hear()
        else:
            reason = "the browser's microphone gives nothing but silence: is it muted?"
            self._troubles.hear_nothing(self._last_arrival, reason)

    # The sound.

    def _take(self, heard: Heard) -> None:
        self._last_arrival = self.now()
        if self._troubles.gone:
            self._sound.fill(heard.start)
            self._troubles.find()
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
            if gap := self._sound.put(resampled, start, end):
                self._report_loss(gap)

    def _begin(self, heard: Heard) -> None:
        """Begin anew behind a gap."""
        self._flush()
        self._sound.begin(heard.start)
        self._rate = heard.frame.sample_rate
        self._resampler, self._anchor = StreamResampler(self._rate), heard.ticks

    def _flush(self) -> None:
        """Emit what the resampler holds back: nothing follows it directly."""
        if self._resampler is not None:
            self._sound.follow(self._resampler.flush())
        self._resampler = None

    def _report_loss(self, lost: int) -> None:
        self._troubles.miss(self.now(), f"the network lost {lost / 1e6:.2f} s of the browser's sound")


def _mono(frame: AudioFrame) -> Float32:
    """Samples, (N,), in [-1, 1], of a frame of 16-bit samples."""
    samples = frame.to_ndarray().reshape(-1, frame.layout.nb_channels)
    return tidy(samples.mean(axis=1, dtype=np.float32) * np.float32(1 / 32_768))
