"""The microphone."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Mapping
from typing import ClassVar

from lipstream.config.schema import AudioConfig
from lipstream.pipeline import Port, Source, UserError, micros
from lipstream.stages.capture.microphone_backend import PortAudio
from lipstream.stages.capture.microphone_opening import BackendFactory, DeviceBlock, MicrophoneOpening
from lipstream.stages.capture.rate_watch import RateWatch
from lipstream.stages.payloads import SAMPLE_RATE, AudioBlock
from lipstream.stages.sound.gapless import SILENCE_LAG_US, GaplessSound
from lipstream.stages.sound.troubles import SoundTroubles

POLL_SECONDS = 0.05
_OPEN_SECONDS = 10.0
_CLOSE_SECONDS = 1.0
_FIRST_BLOCK = 4.0
"""Seconds that a device may take to deliver for the first time: a sound server may have to wake its source."""
_FIRST_DELAY_US = 500_000
_LONGEST_DELAY_US = 8_000_000
# PortAudio is not to be opened anew while it still closes, unless that hangs.
_CLOSING_US = 5_000_000
# Openings that hang in the sound system are left behind; with so many of them no further one is begun.
_MAX_LEFT_BEHIND = 2


class Microphone(Source):
    """Captures the microphone as mono 16 kHz sound.

    The device's callback only copies. What the device or this machine loses is filled with silence, counted as
    `audio.lost_seconds` and reported; a device that goes away is opened again when it
    comes back, and until then silence keeps the timeline going. So is one that turns out to deliver at another rate
    than it was opened with. One that has given nothing but zeros since it was opened is reported.

    Args:
        config: which device, and how.
        backend: makes the access to the devices; each opening makes a new one, which sees newly plugged-in devices.
    """

    outputs: ClassVar[Mapping[str, Port]] = {"audio": Port(AudioBlock)}
    noun: ClassVar[str] = "microphone"
    """What to call the device in messages, before its name."""

    def __init__(self, config: AudioConfig, backend: BackendFactory = PortAudio) -> None:
        self._config = config
        self._backend = backend
        self._opening: MicrophoneOpening | None = None
        self._begun = 0.0
        self._closing: threading.Thread | None = None
        self._left_behind: list[MicrophoneOpening] = []
        self._sound = GaplessSound(self)
        self._troubles = SoundTroubles(self)
        self._retry_at = 0
        self._delay = _FIRST_DELAY_US
        self._last_arrival = 0
        self._rate_distrusted = False
        self._heard = self._arrived = False

    def open(self) -> None:
        """Open the device; it is heard from the first `produce` on.

        Raises:
            UserError: PortAudio is missing, or there is no such device, or it cannot be opened.
        """
        opening = self._begin_opening()
        for _ in range(round(_OPEN_SECONDS / POLL_SECONDS)):
            if opening.done.wait(POLL_SECONDS) or self.context.stopping.is_set():
                break
        else:
            raise UserError(f"the {self.noun} does not answer: unplug it and plug it in again, or choose another one")
        if isinstance(opening.error, UserError):
            raise opening.error
        if opening.error is not None:
            raise UserError(
                f"{opening.name} cannot be opened ({opening.error}): close other programs that use it, or choose "
                f"another one with audio.microphone"
            ) from opening.error

    def close(self) -> None:
        """Let the device go."""
        if self._opening is not None:
            self._opening.end().join(_CLOSE_SECONDS)

    def produce(self) -> bool:
        """Emit what has come from the device, or keep the timeline going without it."""
        opening = self._opening
        if opening is not None and opening.done.is_set() and not opening.listening.is_set():
            self._adopt(opening)
        if opening is not None and opening.listening.is_set():
            try:
                block = opening.ring.get(timeout=POLL_SECONDS)
            except queue.Empty:
                self._check(opening)
            else:
                self._take(block)
                self._check_silence(opening, block)
                self._check_rate(opening, block)
        else:
            self.context.stopping.wait(POLL_SECONDS)
        now = self.context.clock.now()
        if self._troubles.gone:
            self._sound.fill(now - SILENCE_LAG_US)
            self._reopen(now)
        self._troubles.look(now)
        return True

    # The device.

    def _reopen(self, now: int) -> None:
        """The device is gone: try to open it again, and give up an attempt that hangs."""
        opening = self._opening
        if opening is not None:
            if not opening.done.is_set() and time.monotonic() - self._begun >= _OPEN_SECONDS:
                self._leave_behind(opening)
        elif now >= self._retry_at and self._closed(now):
            self._left_behind = [left for left in self._left_behind if not left.done.is_set()]
            if len(self._left_behind) < _MAX_LEFT_BEHIND:
                self._begin_opening()

    def _leave_behind(self, opening: MicrophoneOpening) -> None:
        self._left_behind.append(opening)
        self._give_up(opening)
        if len(self._left_behind) < _MAX_LEFT_BEHIND:
            self._troubles.lose(f"{opening.name} does not answer, trying again")
        else:
            self._troubles.lose(f"{opening.name} does not answer: unplug it and plug it in again")

    def _begin_opening(self) -> MicrophoneOpening:
        # Not session time, which may be quicker than any sound system: in a simulation, or after a sleep.
        self._begun = time.monotonic()
        self._opening = MicrophoneOpening(self._backend, self._config, self.context.clock.now, self.noun)
        return self._opening

    def _adopt(self, opening: MicrophoneOpening) -> None:
        if opening.track is None:
            self._give_up(opening)
            return
        assert opening.stream is not None
        self._track = opening.track
        self._rate = RateWatch(opening.stream.rate)
        self._heard = self._arrived = False
        self._last_arrival = self.context.clock.now()
        opening.listening.set()

    def _give_up(self, opening: MicrophoneOpening) -> None:
        self._closing = opening.end()
        self._opening = None
        self._retry_at = self.context.clock.now() + self._delay
        self._delay = min(_LONGEST_DELAY_US, self._delay * 2)

    def _closed(self, now: int) -> bool:
        return self._closing is None or not self._closing.is_alive() or now >= self._retry_at + _CLOSING_US

    def _check(self, opening: MicrophoneOpening) -> None:
        """Nothing came: see whether the device is gone."""
        assert opening.stream is not None
        silent = self.context.clock.now() - self._last_arrival
        patience = self._config.reopen_after if self._arrived else max(self._config.reopen_after, _FIRST_BLOCK)
        if silent < micros(patience) and opening.stream.active():
            return
        self._lose(opening, f"{opening.name} is disconnected, waiting for it to come back")

    def _lose(self, opening: MicrophoneOpening, reason: str) -> None:
        self._troubles.lose(reason)
        self._sound.begin(self._last_arrival)
        self._give_up(opening)

    def _check_rate(self, opening: MicrophoneOpening, block: DeviceBlock) -> None:
        """Notice a device that delivers at another rate than it was opened with."""
        stream = opening.stream
        assert stream is not None
        if block.overflow:
            self._rate = RateWatch(stream.rate)
            return
        actual = self._rate.update(block.dropped + len(block.data) // (4 * stream.channels), block.arrival)
        # Where opening it again has not helped, the device loses sound all the time, which is filled and counted.
        if actual is not None and not self._rate_distrusted:
            self._rate_distrusted = True
            about = f"about {actual:.0f} samples a second, not {stream.rate}"
            self._lose(opening, f"{opening.name} gives {about}: opening it again")

    def _check_silence(self, opening: MicrophoneOpening, block: DeviceBlock) -> None:
        """Notice a device that is muted: it gives blocks, but nothing has been in them since it was opened."""
        if self._heard:
            return
        if any(block.data):
            self._heard = True
            self._troubles.hear()
        else:
            reason = f"{opening.name} gives nothing but silence: is it muted, or not permitted?"
            self._troubles.hear_nothing(block.arrival, reason)

    # The sound.

    def _take(self, block: DeviceBlock) -> None:
        self._arrived = True
        self._last_arrival = block.arrival
        stretch = self._track.push(block.data, block.arrival, block.dropped, block.overflow, block.recorded)
        was_gone = self._troubles.gone and len(stretch.samples) > 0
        if was_gone:
            self._delay = _FIRST_DELAY_US
            self._troubles.find()
        if stretch.lost:
            self._report_loss(stretch.lost)
        if len(stretch.samples):
            filled = min(len(stretch.samples), round(stretch.lost * SAMPLE_RATE))
            gap = self._sound.put(stretch.samples, stretch.start, stretch.end, filled)
            if gap and not was_gone:
                self._report_loss(gap / 1e6)

    def _report_loss(self, lost: float) -> None:
        self._troubles.miss(self.context.clock.now(), f"microphone overflow: {lost:.2f} s of sound lost")
