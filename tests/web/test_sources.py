"""A browser's sound and picture as sources, with a scripted clock."""

from __future__ import annotations

from fractions import Fraction
from functools import cache

import numpy as np
import pytest
from av.audio.frame import AudioFrame
from av.video.frame import VideoFrame as Picture

from lipstream.config.schema import AudioConfig, VideoConfig
from lipstream.pipeline import Degraded, Recovered, Switches
from lipstream.pipeline.testing import ScriptedClock, run_source
from lipstream.web.rtc import peer_picture, peer_sound, peer_source
from lipstream.web.rtc.peer_picture import PeerPicture, Seen
from lipstream.web.rtc.peer_sound import Heard, PeerSound
from lipstream.web.rtc.peer_source import Invitation

FRAME = 20_000


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch):
    for module in (peer_source, peer_sound, peer_picture):
        monkeypatch.setattr(module, "POLL_SECONDS", 0.001)


def accepted(sound: bool = True, picture: bool = True) -> Invitation:
    invitation = Invitation()
    invitation.accept(sound, picture)
    return invitation


def heard(index: int, level: float = 0.5, late: int = 0) -> Heard:
    """Frame `index` of a 100 Hz tone."""
    ticks = index * 960 + np.arange(960)
    samples = np.rint(level * 32_767 * np.sin(2 * np.pi * 100 * ticks / 48_000)).astype(np.int16)
    frame = AudioFrame.from_ndarray(np.repeat(samples, 2)[None], "s16", "stereo")
    frame.sample_rate, frame.time_base = 48_000, Fraction(1, 48_000)
    return Heard(frame, index * 960, index * FRAME + late, (index + 1) * FRAME + late)


class Played(PeerSound):
    """Sound before each of whose steps a script goes on."""

    def __init__(self, script, clock, config: AudioConfig | None = None) -> None:
        super().__init__(config or AudioConfig(), accepted())
        self._script = script(self, clock)

    def produce(self) -> bool:
        for _ in self._script:
            return super().produce()
        return False


def play(script, switches: Switches | None = None):
    clock = ScriptedClock()
    return run_source(Played(script, clock), clock=clock, switches=switches)


def speak(source, clock, indices, level: float = 0.5):
    for index in indices:
        clock.advance(max(0, (index + 1) * FRAME - clock.now()))
        source.offer(heard(index, level))
        yield


def sound_of(run) -> np.ndarray:
    return np.concatenate([packet.payload.samples for packet in run])


def assert_gapless(run) -> None:
    end = run[0].timestamp
    for packet in run:
        assert abs(packet.timestamp - end) <= 1
        assert abs(packet.duration - len(packet.payload.samples) * 1e6 / 16_000) <= 150
        end = packet.timestamp + packet.duration


def test_sound_comes_out_at_16_khz_at_the_time_it_was_said():
    run = play(lambda source, clock: speak(source, clock, range(50)))
    assert_gapless(run)
    samples = sound_of(run)
    expected = 0.5 * np.sin(2 * np.pi * 100 * (np.arange(len(samples)) / 16_000 + run[0].timestamp / 1e6))
    assert len(samples) > 15_900 and np.abs(samples - expected)[100:-100].max() < 0.01
    assert run.events == [] and run.counters.get("audio.lost_seconds", 0) == 0


def test_what_the_network_lost_is_silence_is_counted_and_reported_until_it_is_over():
    def script(source, clock):
        yield from speak(source, clock, [*range(25), *range(30, 150)])

    run = play(script)
    assert_gapless(run)
    samples = sound_of(run)
    start = 16_000 * 500_000 // 1_000_000
    assert np.abs(samples[start + 50 : start + 1550]).max() == 0
    assert run.counters["audio.lost_seconds"] == pytest.approx(0.1, abs=0.005)
    assert sum(packet.payload.filled for packet in run) == pytest.approx(1600, abs=80)
    degraded, recovered = run.events
    assert isinstance(degraded, Degraded) and degraded.reason == "the network lost 0.10 s of the browser's sound"
    assert isinstance(recovered, Recovered)


def test_a_browser_that_stops_sending_is_reported_and_time_goes_on():
    def script(source, clock):
        yield from speak(source, clock, range(25))
        for _ in range(30):
            clock.advance(100_000)
            yield
        yield from speak(source, clock, range(180, 200))

    run = play(script)
    assert_gapless(run)
    assert [type(event) for event in run.events] == [Degraded, Recovered]
    assert run.events[0].reason == "the browser sends no sound, waiting for it"
    assert run[-1].timestamp + run[-1].duration == pytest.approx(200 * FRAME, abs=2_000)
    assert run.counters["audio.lost_seconds"] == pytest.approx(3.1, abs=0.01)


def test_a_muted_microphone_is_reported_until_it_is_heard():
    def script(source, clock):
        yield from speak(source, clock, range(50))
        yield from speak(source, clock, range(50, 600), level=0.0)
        yield from speak(source, clock, range(600, 650))

    run = play(script)
    assert [type(event) for event in run.events] == [Degraded, Recovered]
    assert run.events[0].reason == "the browser's microphone gives nothing but silence: is it muted?"


def test_who_mutes_the_page_is_not_asked_whether_the_microphone_is_muted():
    switches = Switches(["sound"])

    def script(source, clock):
        yield from speak(source, clock, range(600), level=0.0)
        switches.turn("sound", False)
        yield from speak(source, clock, range(600, 1800), level=0.0)
        switches.turn("sound", True)
        yield from speak(source, clock, range(1800, 2350), level=0.0)

    run = play(script, switches)
    told = [(type(event), event.emitted) for event in run.events]
    assert told == [
        (Degraded, pytest.approx(10, abs=0.1)),
        (Recovered, pytest.approx(12, abs=0.1)),
        (Degraded, pytest.approx(46, abs=0.1)),
    ]


def test_a_loss_while_muted_is_told_and_does_not_end_the_mute():
    def script(source, clock):
        yield from speak(source, clock, range(600), level=0.0)
        yield from speak(source, clock, range(610, 900), level=0.0)
        yield from speak(source, clock, range(900, 950))

    run = play(script)
    assert [type(event) for event in run.events] == [Degraded, Degraded, Degraded, Recovered]
    muted, lost, again = (event.reason for event in run.events[:3])
    assert "is it muted?" in muted and again == muted and lost == "the network lost 0.20 s of the browser's sound"


def test_a_browser_that_falls_silent_after_its_first_packet_does_not_end_the_run():
    def script(source, clock):
        piece = AudioFrame.from_ndarray(np.zeros((1, 2 * 8), np.int16), "s16", "stereo")
        piece.sample_rate, piece.time_base = 48_000, Fraction(1, 48_000)
        clock.advance(500_000)
        # Less sound than the resampler needs to give anything.
        source.offer(Heard(piece, 0, 499_833, 500_000))
        yield
        for _ in range(30):
            clock.advance(100_000)
            yield

    run = play(script)
    assert_gapless(run)
    assert [type(event) for event in run.events] == [Degraded]
    assert run[0].timestamp == pytest.approx(499_833, abs=1)


def test_sound_that_nobody_takes_in_time_is_counted_as_lost_and_never_blocks():
    def script(source, clock):
        clock.advance(400 * FRAME)
        for index in range(400):
            source.offer(heard(index))
        yield
        yield from speak(source, clock, range(400, 410))
        for _ in range(300):
            yield

    run = play(script)
    assert run.counters.get("audio.lost_seconds", 0) > 1
    assert_gapless(run)


def test_sources_wait_for_the_browser_and_one_that_is_not_wanted_ends_at_once():
    assert list(run_source(PeerSound(AudioConfig(), accepted(sound=False)))) == []
    assert list(run_source(PeerPicture(VideoConfig(), 25.0, accepted(picture=False)))) == []


# The picture.


@cache
def picture(flat: bool = False) -> Picture:
    image = np.zeros((720, 1280, 3), np.uint8)
    if not flat:
        image[:360] = 160
    return Picture.from_ndarray(image, "rgb24").reformat(format="yuv420p")


class Shown(PeerPicture):
    """A picture before each of whose steps a script goes on."""

    def __init__(self, script, clock) -> None:
        super().__init__(VideoConfig(), 25.0, accepted())
        self._script = script(self, clock)

    def produce(self) -> bool:
        for _ in self._script:
            return super().produce()
        return False


def show(script):
    clock = ScriptedClock()
    return run_source(Shown(script, clock), clock=clock)


def film(source, clock, times, flat: bool = False):
    for time in times:
        clock.advance(max(0, time - clock.now()))
        source.offer(Seen(picture(flat), time))
        yield


def test_pictures_are_scaled_and_thinned_before_they_are_converted():
    run = show(lambda source, clock: film(source, clock, range(0, 2_000_000, 20_000)))
    stamps = [packet.timestamp for packet in run]
    assert 48 <= len(stamps) <= 52 and stamps == sorted(set(stamps))
    assert all(packet.payload.image.shape == (360, 640, 3) for packet in run)
    assert all(packet.payload.source_size == (1280, 720) for packet in run)
    assert run.events == []


def test_a_picture_that_nobody_took_gives_way_to_the_next():
    def script(source, clock):
        clock.advance(500_000)
        for time in (100_000, 200_000, 300_000):
            source.offer(Seen(picture(), time))
        yield

    assert [packet.timestamp for packet in show(script)] == [300_000]


def test_a_browser_that_sends_no_picture_is_reported_until_it_does():
    def script(source, clock):
        yield from film(source, clock, range(0, 1_000_000, 40_000))
        for _ in range(20):
            clock.advance(100_000)
            yield
        yield from film(source, clock, range(3_000_000, 3_400_000, 40_000))

    run = show(script)
    assert [type(event) for event in run.events] == [Degraded, Recovered]
    assert run.events[0].reason == "the browser sends no picture, waiting for it"


def test_a_covered_camera_is_reported_and_not_looked_at():
    def script(source, clock):
        yield from film(source, clock, range(0, 1_000_000, 40_000))
        yield from film(source, clock, range(1_000_000, 4_000_000, 40_000), flat=True)
        yield from film(source, clock, range(4_000_000, 5_000_000, 40_000))

    run = show(script)
    assert [type(event) for event in run.events] == [Degraded, Recovered]
    assert "nothing but one colour" in run.events[0].reason
    assert not [packet for packet in run if 2_100_000 < packet.timestamp < 4_000_000]


def test_a_camera_that_is_covered_and_then_sends_nothing_is_said_to_send_nothing():
    def script(source, clock):
        yield from film(source, clock, range(0, 1_000_000, 40_000))
        yield from film(source, clock, range(1_000_000, 4_000_000, 40_000), flat=True)
        for _ in range(60):
            clock.advance(100_000)
            yield
        yield from film(source, clock, range(10_000_000, 12_000_000, 40_000), flat=True)
        yield from film(source, clock, range(12_000_000, 12_400_000, 40_000))

    run = show(script)
    assert [type(event) for event in run.events] == [Degraded, Degraded, Degraded, Recovered]
    covered, silent, again = (event.reason for event in run.events[:3])
    assert "nothing but one colour" in covered and again == covered
    assert silent == "the browser sends no picture, waiting for it"


def test_a_black_picture_now_and_then_is_told_once():
    def script(source, clock):
        yield from film(source, clock, range(0, 1_000_000, 40_000))
        for second in range(1, 30):
            yield from film(source, clock, [second * 2_000_000], flat=True)
            for _ in range(15):
                clock.advance(100_000)
                yield

    reasons = [event.reason for event in show(script).events]
    assert reasons == ["the browser sends no picture, waiting for it", reasons[-1]]
    assert "nothing but one colour" in reasons[-1]


def test_a_first_picture_may_take_a_while_but_nobody_waits_for_it():
    def script(source, clock):
        for _ in range(30):
            clock.advance(100_000)
            yield
        yield from film(source, clock, range(3_100_000, 3_500_000, 40_000))

    run = show(script)
    assert run.events == [] and len(run) >= 9


def test_a_browser_that_sends_before_the_run_is_set_up_finds_no_session_time():
    assert PeerSound(AudioConfig(), accepted()).now() == 0
