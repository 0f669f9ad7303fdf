"""Session time of what a browser sends: RTP timestamps, their arrival, and the sender's reports."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from lipstream.stages.capture.audio_clock import AudioClock

_CYCLE = 1 << 32
_REPORTS = 4
# Reports that put a picture further than this from where its packets put it come from a sender that is mistaken.
_BELIEVABLE_US = 1_000_000


@dataclass(frozen=True, slots=True)
class SenderReport:
    """What an RTCP sender report says of one stream (RFC 3550, 6.4.1).

    Attributes:
        ntp: the sender's wall clock, microseconds.
        timestamp: the stream's RTP timestamp at that moment, without wrap-around.
    """

    ntp: int
    timestamp: int


class StreamClock:
    """Maps the RTP timestamps of one stream to session time, by when its packets come.

    A packet comes late, never early, so the line through the earliest arrivals is where the stream is in session time,
    up to the constant part of the network's delay; the drift of the sender's clock is its slope (`AudioClock`).

    Args:
        rate: ticks of the stream's RTP clock a second.
        lag: ticks between the timestamp of a packet and the newest of what is in it.
    """

    def __init__(self, rate: int, lag: int = 0) -> None:
        self.rate = rate
        self._reports: deque[SenderReport] = deque(maxlen=_REPORTS)
        self._lag = lag
        self._line = AudioClock(rate)
        self._newest: int | None = None

    def unwrapped(self, timestamp: int) -> int:
        """A 32-bit timestamp as one that does not wrap around."""
        if self._newest is None:
            return timestamp
        return self._newest + (timestamp - self._newest + _CYCLE // 2) % _CYCLE - _CYCLE // 2

    def packet(self, timestamp: int, arrival: int) -> None:
        """Note a packet with a 32-bit timestamp that came at `arrival` (session time, us)."""
        ticks = self.unwrapped(timestamp)
        if self._newest is not None and ticks <= self._newest:
            return
        self._newest = ticks
        self._line.update(ticks + self._lag, arrival)
        if self._line.missing(reported=False):
            # The stream stood still for a while and its timestamps did not show it: begin anew, from here.
            self._line = AudioClock(self.rate)
            self._reports.clear()
            self._line.update(ticks + self._lag, arrival)

    def reported(self, ntp: int, timestamp: int) -> None:
        """Note a sender report: the sender's clock in microseconds, and the 32-bit timestamp it had then.

        Browsers report on a packet of sound as of when they send it, when the last of its samples has been captured.
        """
        if self._newest is not None:
            self._reports.append(SenderReport(ntp, self.unwrapped(timestamp) + self._lag))

    @property
    def report(self) -> SenderReport | None:
        """The best of the last reports; None before the first.

        Whoever was held up between looking at the timestamp and at the clock reports a time that is too late, so the
        earliest one, for what it reports on, is it.
        """
        return min(self._reports, key=lambda each: each.ntp - each.timestamp * 1e6 / self.rate, default=None)

    def time_of(self, ticks: float) -> int:
        """Session time of an unwrapped timestamp, microseconds."""
        return self._line.time_of(ticks)

    @property
    def known(self) -> bool:
        """Whether anything has come yet."""
        return self._newest is not None


class PeerClock:
    """The clocks of a browser's sound and picture, held together.

    Sound goes by the arrival of its packets. The picture goes by the sound: the sender's reports tell which moment of
    the one is which moment of the other, whatever each of them waited for on its way. Until both have been reported on,
    and where there is no sound, the picture goes by the arrival of its own packets.

    Args:
        sound: the sound's clock.
        picture: the picture's clock.
    """

    def __init__(self, sound: StreamClock, picture: StreamClock) -> None:
        self.sound = sound
        self.picture = picture

    def picture_time(self, ticks: int) -> int:
        """Session time of a picture by its unwrapped timestamp, microseconds."""
        by_arrival = self.picture.time_of(ticks)
        sound, picture = self.sound.report, self.picture.report
        if sound is None or picture is None:
            return by_arrival
        ntp = picture.ntp + (ticks - picture.timestamp) * 1e6 / self.picture.rate
        by_report = self.sound.time_of(sound.timestamp + (ntp - sound.ntp) * self.sound.rate / 1e6)
        return by_report if abs(by_report - by_arrival) <= _BELIEVABLE_US else by_arrival
