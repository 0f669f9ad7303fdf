"""Sound and picture of a browser on one clock."""

from __future__ import annotations

import pytest

from lipstream.web.rtc.rtp_clock import PeerClock, StreamClock

CYCLE = 1 << 32
SOUND_ORIGIN, PICTURE_ORIGIN = CYCLE - 24_000, 1_000_000
NTP = 3_900_000_000_000_000


class Peer:
    """A browser whose sound and picture begin together; each waits for so many microseconds on its way."""

    def __init__(self, sound_delay: int = 30_000, picture_delay: int = 30_000) -> None:
        self.clock = PeerClock(StreamClock(48_000, lag=960), StreamClock(90_000))
        self._delays = sound_delay, picture_delay

    def send(self, begin: float, end: float) -> None:
        """Everything from `begin` to `end`, in seconds of the browser's time."""
        sound, picture = self.clock.sound, self.clock.picture
        for index in range(round(begin * 50), round(end * 50)):
            sound.packet((SOUND_ORIGIN + index * 960) % CYCLE, (index + 1) * 20_000 + self._delays[0])
            if index % 2 == 0:
                picture.packet((PICTURE_ORIGIN + index * 1800) % CYCLE, index * 20_000 + self._delays[1])

    def report(self, time: float, held_up: int = 0) -> None:
        """A report on each stream, made when the newest packet was; the picture's may look at the clock too late."""
        now = round(time * 1e6)
        self.clock.sound.reported(NTP + now, (SOUND_ORIGIN + round(time * 48_000) - 960) % CYCLE)
        self.clock.picture.reported(NTP + now + held_up, PICTURE_ORIGIN + round(time * 90_000))

    def offset(self, time: float) -> int:
        """By how much the picture of a moment is later than the sound of the same moment, microseconds."""
        sound = self.clock.sound.time_of(SOUND_ORIGIN + round(time * 48_000))
        return self.clock.picture_time(PICTURE_ORIGIN + round(time * 90_000)) - sound


def test_without_reports_each_goes_by_its_own_packets():
    peer = Peer(sound_delay=30_000, picture_delay=70_000)
    peer.send(0, 5)
    assert peer.offset(4.0) == pytest.approx(40_000, abs=1_000)


def test_reports_bring_them_together_whatever_each_waited_for():
    peer = Peer(sound_delay=30_000, picture_delay=70_000)
    peer.send(0, 5)
    peer.report(4.5)
    assert peer.offset(4.0) == pytest.approx(0, abs=1_000)


def test_of_several_reports_the_one_that_was_held_up_least_counts():
    peer = Peer()
    for number, held_up in enumerate((50_000, 0, 80_000, 120_000), 1):
        peer.send(number - 1, number)
        peer.report(float(number), held_up)
    assert peer.offset(3.0) == pytest.approx(0, abs=1_000)


def test_a_report_that_cannot_be_is_not_believed():
    peer = Peer()
    peer.send(0, 5)
    peer.report(4.5, held_up=90_000_000)
    assert peer.offset(4.0) == pytest.approx(0, abs=1_000)


def test_timestamps_wrap_around():
    peer = Peer()
    peer.send(0, 3)
    sound = peer.clock.sound
    before, after = sound.unwrapped(CYCLE - 960), sound.unwrapped(960)
    assert after - before == 1920
    assert sound.time_of(after) - sound.time_of(before) == pytest.approx(40_000, abs=10)


def test_a_stream_that_stood_still_without_its_timestamps_showing_it_begins_anew():
    clock = StreamClock(48_000, lag=960)
    for index in range(100):
        clock.packet(index * 960, (index + 1) * 20_000)
    for index in range(100, 220):
        clock.packet(index * 960, (index + 1) * 20_000 + 3_000_000)
    assert clock.time_of(219 * 960) == pytest.approx(219 * 20_000 + 3_000_000, abs=2_000)


def test_packets_that_come_late_do_not_move_the_others():
    clock = StreamClock(48_000, lag=960)
    for index in range(200):
        clock.packet(index * 960, (index + 1) * 20_000 + (40_000 if index % 3 else 0))
    clock.packet(100 * 960, 9_000_000)
    assert clock.time_of(150 * 960) == pytest.approx(150 * 20_000, abs=2_000)
