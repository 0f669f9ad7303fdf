import itertools
import sys
import threading

import numpy as np
import pytest

from lipstream.config.schema import AudioConfig
from lipstream.pipeline import Degraded, Recovered, UserError
from lipstream.pipeline.testing import ScriptedClock, run_source
from lipstream.stages.capture import microphone
from lipstream.stages.capture.capture_track import CaptureTrack
from lipstream.stages.capture.microphone import Microphone
from lipstream.stages.capture.microphone_backend import MicrophoneInfo, PortAudio, choose_microphone
from tests.stages.fakes import PATIENCE, Room


class Played(Microphone):
    """A microphone before each of whose steps a script goes on."""

    def __init__(self, config, room, script):
        super().__init__(config, room)
        self._script = script(self)

    def produce(self):
        for _ in self._script:
            return super().produce()
        return False


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(microphone, "POLL_SECONDS", 0.001)


@pytest.fixture
def clock():
    return ScriptedClock()


def tone(seconds, rate, frequency=440.0):
    return 0.5 * np.sin(2 * np.pi * frequency * np.arange(round(seconds * rate)) / rate)


def talk(room, signal, block=0.02, overflow_at=()):
    """Deliver a signal block by block at its own pace; yields after each."""
    size = round(block * room.stream.rate)
    for i, first in enumerate(range(0, len(signal), size)):
        room.clock.advance(round(block * 1e6))
        room.say(signal[first : first + size], overflow=i in overflow_at)
        yield


def capture(room, script, config=None):
    run = run_source(Played(config or AudioConfig(), room, script), clock=room.clock)
    for before, after in itertools.pairwise(run):
        assert before.end == after.timestamp
    for packet in run:
        assert packet.timestamp >= 0 and packet.payload.samples.dtype == np.float32
        assert len(packet.payload.samples) <= 8000
    return run


def samples_of(run):
    return np.concatenate([packet.payload.samples for packet in run])


def changes(run):
    return [type(event) for event in run.events]


@pytest.mark.parametrize(("rate", "channels"), [(48_000, 1), (44_100, 2), (16_000, 1), (8000, 2), (96_000, 8)])
def test_sound_comes_through_at_16_khz(clock, rate, channels):
    room = Room(clock, rate, channels)

    def script(_):
        yield
        yield from talk(room, tone(1.0, rate))

    run = capture(room, script)
    heard = samples_of(run)
    assert 15_900 <= len(heard) <= 16_000
    assert np.abs(heard[200:] - tone(1.0, 16_000)[200 : len(heard)]).max() < 0.01
    assert run.events == [] and run.counters == {}
    assert run[0].timestamp == pytest.approx(0, abs=1000)


def test_the_first_block_counts_from_when_it_was_captured(clock):
    room = Room(clock)

    def script(_):
        yield
        clock.advance(500_000)
        yield from talk(room, tone(0.4, 48_000))

    run = capture(room, script)
    assert run[0].timestamp == pytest.approx(500_000, abs=1000)
    assert run[-1].end == pytest.approx(900_000, abs=2000)


def test_what_comes_before_the_session_begins_is_not_heard(clock):
    room = Room(clock)

    def script(_):
        room.say(np.ones(960))
        yield
        yield from talk(room, np.zeros(4800))

    assert not samples_of(capture(room, script)).any()


def test_lost_sound_reported_by_the_device_is_filled_and_counted(clock):
    room = Room(clock)

    def script(_):
        yield
        yield from talk(room, tone(3.0, 48_000))
        clock.advance(120_000)
        yield from talk(room, tone(5.0, 48_000), overflow_at=[0])

    run = capture(room, script)
    assert run.counters["audio.lost_seconds"] == pytest.approx(0.12, abs=0.005)
    assert sum(packet.payload.filled for packet in run) / 16_000 == pytest.approx(0.12, abs=0.005)
    assert len(samples_of(run)) / 16_000 == pytest.approx(8.12, abs=0.01)
    assert run[-1].end == pytest.approx(8_120_000, abs=5000)
    assert changes(run) == [Degraded, Recovered]
    assert "0.12 s of sound lost" in run.events[0].reason


def test_an_overflow_while_muted_does_not_end_the_mute(clock):
    room = Room(clock)

    def script(_):
        yield
        yield from talk(room, np.zeros(48_000 * 12))
        clock.advance(120_000)
        yield from talk(room, np.zeros(48_000 * 5), overflow_at=[0])
        yield from talk(room, tone(1.0, 48_000))

    run = capture(room, script)
    assert run.counters["audio.lost_seconds"] == pytest.approx(0.12, abs=0.005)
    assert changes(run) == [Degraded, Degraded, Degraded, Recovered]
    muted, overflow, again = (event.reason for event in run.events[:3])
    assert "nothing but silence" in muted and again == muted and "0.12 s of sound lost" in overflow


def test_an_overflow_right_before_the_microphone_goes_away_does_not_bring_it_back(clock):
    room = Room(clock)

    def script(source):
        yield
        yield from talk(room, tone(3.0, 48_000))
        clock.advance(120_000)
        yield from talk(room, tone(0.4, 48_000), overflow_at=[0])
        room.broken = True
        for _ in range(60):
            clock.advance(100_000)
            yield from settled(source)

    run = capture(room, script)
    assert changes(run) == [Degraded, Degraded]
    assert "overflow" in run.events[0].reason and "is disconnected" in run.events[1].reason


def test_lost_sound_that_nobody_reports_is_noticed(clock):
    room = Room(clock)

    def script(_):
        yield
        yield from talk(room, tone(3.0, 48_000))
        clock.advance(400_000)
        yield from talk(room, tone(3.0, 48_000))

    run = capture(room, script)
    assert run.counters["audio.lost_seconds"] == pytest.approx(0.4, abs=0.01)
    assert run[-1].end == pytest.approx(6_400_000, abs=5000)


def test_a_sleep_of_hours_is_a_gap_and_not_one_long_block():
    track = CaptureTrack(48_000, 1)
    arrival, end, holes = 0, 0, []
    for block in range(300):
        arrival += 20_000 if block != 150 else 7_200_000_000
        stretch = track.push(np.ones(960, np.float32).tobytes(), arrival, 0, False)
        assert len(stretch.samples) <= 320 and stretch.lost == 0
        if stretch.start - end > 5000:
            holes.append(stretch.start - end)
        end = stretch.end
    assert holes == [pytest.approx(7_200_000_000 - 20_000, abs=5000)]
    assert end == pytest.approx(arrival, abs=5000)


def test_blocks_that_come_late_lose_nothing(clock):
    room = Room(clock)
    generator = np.random.default_rng(1)

    def script(_):
        yield
        late = 0
        for first in range(0, 48_000 * 4, 960):
            now = int(generator.integers(0, 80_000)) if generator.random() < 0.2 else 0
            clock.advance(max(0, 20_000 + now - late))
            late = max(0, late - 20_000, now)
            room.say(tone(4.0, 48_000)[first : first + 960])
            yield

    run = capture(room, script)
    assert run.counters == {}
    assert np.abs(np.diff(samples_of(run))).max() < 0.1


def starve(room, seconds_late):
    """Talk with every callback late for 3 s, while the sound system tells when its samples were recorded."""

    def deliver(block, late):
        # The sound system's clock has a zero of its own.
        room.say(tone(0.02, 48_000), recorded=1000 + (room.clock.now() - late) / 1e6)

    for block in range(150):
        room.clock.advance(20_000)
        deliver(block, 0)
        yield
    late = round(seconds_late * 1e6)
    room.clock.advance(late)
    for block in range(150):
        room.clock.advance(20_000)
        deliver(block, late)
        yield
    for block in range(150):
        late = max(0, late - 15_000)
        room.clock.advance(20_000 if not late else 5_000)
        deliver(block, late)
        yield


def test_callbacks_that_come_late_for_seconds_lose_nothing(clock):
    room = Room(clock)

    def script(_):
        yield
        yield from starve(room, 0.3)

    run = capture(room, script)
    assert run.counters == {} and run.events == []
    assert len(samples_of(run)) / 16_000 == pytest.approx(9.0, abs=0.01)
    assert run[-1].end == pytest.approx(9_000_000, abs=20_000)


@pytest.mark.parametrize("clock_says", ["nothing", "always the same", "when it was recorded", "the count of samples"])
def test_a_loss_is_noticed_whatever_the_clock_of_the_sound_system_says(clock, clock_says):
    room = Room(clock)

    def script(_):
        yield
        for block in range(50 * 30):
            clock.advance(20_000 + (400_000 if block == 150 else 0))
            times = {"nothing": None, "the count of samples": (block + 1) * 0.02, "always the same": 5.0}
            room.say(tone(0.02, 48_000), recorded=times.get(clock_says, 77 + clock.now() / 1e6))
            yield

    run = capture(room, script)
    assert run.counters["audio.lost_seconds"] == pytest.approx(0.4, abs=0.01)
    assert run[-1].end == pytest.approx(30_400_000, abs=5000)


def test_sound_that_nobody_could_take_in_time_is_filled_exactly(clock):
    room = Room(clock)
    ring = 250  # 5 s of blocks of 20 ms

    def script(_):
        yield
        yield from talk(room, tone(1.0, 48_000))
        for _ in range(ring + 50):  # nobody takes them
            clock.advance(20_000)
            room.say(np.zeros(960))
        for _ in range(ring):
            yield
        yield from talk(room, tone(1.0, 48_000))

    run = capture(room, script)
    assert run.counters["audio.lost_seconds"] == pytest.approx(1.0)
    assert run[-1].end == pytest.approx(8_000_000, abs=3000)
    assert np.abs(samples_of(run)[-15_500:-500]).max() > 0.4


def test_a_microphone_that_goes_away_is_silence_until_it_comes_back(clock):
    room = Room(clock)

    def script(source):
        yield
        yield from talk(room, tone(1.0, 48_000))
        room.broken = True
        for _ in range(100):
            clock.advance(100_000)
            yield from settled(source)
        room.broken = False
        while len(room.streams) < 2:
            clock.advance(100_000)
            yield from settled(source)
        yield
        yield from talk(room, tone(1.0, 48_000))

    run = capture(room, script)
    assert changes(run) == [Degraded, Recovered]
    assert "'USB Mic' is disconnected" in run.events[0].reason
    gone = run.counters["audio.lost_seconds"]
    assert gone > 10
    assert len(samples_of(run)) / 16_000 == pytest.approx(2 + gone, abs=0.05)
    assert run[-1].end == pytest.approx(clock.now(), abs=5000)
    # Attempts after 0.5, 1, 2, 4, 8, 8 ... seconds, give or take the step of this test.
    waits = np.diff([at for at in room.attempts[1:]]) / 1e6
    assert waits[:3] == pytest.approx([1, 2, 4], abs=0.25)
    assert max(waits) < 8.3


def settled(source):
    """One step, after whatever is being opened or closed has come to an end."""
    for thread in threading.enumerate():
        if thread.name in ("open microphone", "close microphone"):
            thread.join(PATIENCE)
    yield


def test_a_stream_that_ends_is_noticed_at_once_and_may_come_back_with_another_rate(clock):
    room = Room(clock)

    def script(source):
        yield
        yield from talk(room, tone(1.0, 48_000))
        room.stream.alive = False
        room.devices = [MicrophoneInfo(0, "USB Mic", 2, 44_100, True)]
        while len(room.streams) < 2:
            clock.advance(100_000)
            yield from settled(source)
        yield
        yield from talk(room, tone(2.0, 44_100, 300.0))

    run = capture(room, script)
    assert run.counters["audio.lost_seconds"] < 1.0
    heard = samples_of(run)[-16_000:-1600]
    spectrum = np.abs(np.fft.rfft(heard * np.hanning(len(heard))))
    assert np.argmax(spectrum) * 16_000 / len(heard) == pytest.approx(300, abs=3)


def test_a_reopening_that_hangs_is_not_waited_for_for_ever(clock, monkeypatch):
    monkeypatch.setattr(microphone, "_OPEN_SECONDS", 0.01)
    room = Room(clock)
    hung, answer = [], threading.Event()

    def hang():
        if room.streams and not answer.is_set():
            hung.append(threading.current_thread())
            answer.wait(PATIENCE)

    def steps(count):
        for _ in range(count):
            clock.advance(500_000)
            yield
            for thread in threading.enumerate():
                while thread.name == "open microphone" and thread.is_alive() and thread not in hung:
                    thread.join(0.01)

    def script(_):
        yield
        yield from talk(room, tone(0.5, 48_000))
        room.stream.alive, room.before = False, hang
        yield from steps(200)
        assert len(hung) == 2  # the second after the first was given up; no third while both hang
        answer.set()
        for thread in hung:
            thread.join(PATIENCE)
        while len(room.streams) < 2:
            yield from steps(1)
        yield
        yield from talk(room, tone(0.5, 48_000))

    run = capture(room, script)
    assert changes(run) == [Degraded, Degraded, Degraded, Recovered]
    assert [event.reason.split(": ")[0].split(", ")[-1] for event in run.events[1:3]] == [
        "trying again",
        "the microphone does not answer",
    ]
    assert np.abs(samples_of(run)[-1600:]).max() > 0.4


def test_every_opening_is_closed_again(clock):
    room = Room(clock)

    def script(source):
        yield
        room.stream.alive = False
        while len(room.streams) < 2:
            clock.advance(100_000)
            yield from settled(source)
        yield

    capture(room, script)
    for thread in threading.enumerate():
        if thread.name == "close microphone":
            thread.join(PATIENCE)
    assert room.open_backends == 0 and not any(stream.alive for stream in room.streams)


def test_a_device_is_closed_at_the_end_of_a_program_that_gets_no_more_threads(clock, monkeypatch):
    start = threading.Thread.start

    def refuse(self):
        if self.name == "close microphone":
            raise RuntimeError("can't create new thread at interpreter shutdown")
        start(self)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    room = Room(clock)
    capture(room, lambda _: talk(room, tone(0.1, 16000)))
    assert room.open_backends == 0 and not room.stream.alive


def test_a_device_that_cannot_be_opened_at_first_is_an_error_of_the_user(clock):
    room = Room(clock)
    room.broken = True
    with pytest.raises(UserError, match=r"cannot be opened \(device unavailable\)"):
        run_source(Microphone(AudioConfig(), room), clock=clock)


def test_a_sound_system_that_hangs_does_not_hang_the_start(clock, monkeypatch):
    monkeypatch.setattr(microphone, "_OPEN_SECONDS", 0.01)
    monkeypatch.setattr(microphone, "_CLOSE_SECONDS", 0.01)
    never = threading.Event()

    def hang():
        never.wait(PATIENCE)
        raise OSError("too late")

    with pytest.raises(UserError, match="does not answer"):
        run_source(Microphone(AudioConfig(), hang), clock=clock)
    never.set()


DEVICES = [
    MicrophoneInfo(0, "Built-in Audio", 2, 48_000, False),
    MicrophoneInfo(2, "USB Headset Mono", 1, 44_100, True),
    MicrophoneInfo(5, "usb camera mic", 1, 16_000, False),
]


@pytest.mark.parametrize(("wanted", "index"), [(None, 2), (5, 5), ("5", 5), ("built", 0), ("USB", 2), ("camera", 5)])
def test_a_device_is_chosen_by_index_or_part_of_its_name(wanted, index):
    assert choose_microphone(DEVICES, wanted).index == index


def test_without_a_default_the_first_device_is_taken():
    assert choose_microphone(DEVICES[:1], None).index == 0


@pytest.mark.parametrize("wanted", [1, "9", "nothing like it"])
def test_an_unknown_device_is_an_error_that_lists_the_devices(wanted):
    with pytest.raises(UserError, match="0: Built-in Audio; 2: USB Headset Mono; 5: usb camera mic"):
        choose_microphone(DEVICES, wanted)


def test_no_device_at_all_is_an_error_that_says_what_to_do():
    with pytest.raises(UserError, match="connect one"):
        choose_microphone([], None)


def test_a_missing_pyaudio_is_an_error_that_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyaudio", None)
    with pytest.raises(UserError, match="portaudio19-dev"):
        PortAudio()
