import itertools
import threading
import time

import numpy as np
import pytest

from lipstream.config.schema import VideoConfig
from lipstream.pipeline import Degraded, Recovered, UserError
from lipstream.pipeline.testing import ScriptedClock, run_source
from lipstream.stages.capture import camera
from lipstream.stages.capture.camera import Camera
from lipstream.stages.capture.camera_capture import CameraKind, camera_kind, open_capture
from tests.media_factory import Picture, moving, write_media
from tests.stages.fakes import PATIENCE, FakeCamera

STEP = 40_000


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(camera, "POLL_SECONDS", 0.001)


@pytest.fixture
def fake():
    made = FakeCamera(ScriptedClock())
    yield made
    made.never.set()


class Watched(Camera):
    """A camera before each of whose steps a script goes on."""

    def __init__(self, config, fake, script, max_fps):
        super().__init__(config, max_fps, fake)
        self._script = script()

    def produce(self):
        for _ in self._script:
            return super().produce()
        return False

    def close(self):
        if self._reader is not None:
            self._reader.close()
        # A camera goes on giving frames, so that its reader comes to see that it was closed.
        self._factory.rolling.set()
        super().close()


def capture(fake, script, max_fps=25.0, **config):
    run = run_source(Watched(VideoConfig(**config), fake, script, max_fps), clock=fake.clock)
    stamps = [packet.timestamp for packet in run]
    assert all(before < after for before, after in itertools.pairwise(stamps))
    assert all(packet.payload.image.flags.c_contiguous for packet in run)
    return run


def picture(seed, height=48, width=64):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def opened(fake, count=1):
    """Steps until the camera has been opened so many times."""
    yield
    while len(fake.captures) < count or not fake.captures[-1].idle.is_set():
        yield


def film(fake, seeds, step=STEP):
    """Steps with a frame each."""
    for seed in seeds:
        fake.clock.advance(step)
        fake.show(picture(seed))
        yield


def changes(run):
    return [type(event) for event in run.events]


def stamps(run):
    return [packet.timestamp for packet in run]


def test_frames_carry_the_time_at_which_they_were_grabbed(fake):
    def script():
        yield from opened(fake)
        yield from film(fake, range(5))

    run = capture(fake, script)
    assert stamps(run) == [STEP * (i + 1) for i in range(5)]
    assert run.events == []
    assert (run[2].payload.image == picture(2)[:, :, ::-1]).all()
    assert run[2].payload.source_size == (64, 48)


def test_the_newest_frame_wins(fake):
    def script():
        yield from opened(fake)
        for seed in range(5):
            fake.clock.advance(STEP)
            fake.show(picture(seed))
        yield

    run = capture(fake, script)
    assert stamps(run) == [5 * STEP]
    assert (run[0].payload.image == picture(4)[:, :, ::-1]).all()


def test_frames_are_scaled_down(fake):
    def script():
        yield from opened(fake)
        fake.clock.advance(STEP)
        fake.show(picture(1, 240, 320))
        yield

    payload = capture(fake, script, max_side=160)[0].payload
    assert payload.image.shape == (120, 160, 3) and payload.source_size == (320, 240)


def test_frames_that_are_not_wanted_are_grabbed_but_not_decoded(fake):
    def script():
        yield from opened(fake)
        yield from film(fake, range(120), step=16_667)

    run = capture(fake, script, max_fps=10)
    assert len(run) == fake.captures[0].retrieved == pytest.approx(20, abs=1)


def test_frames_from_before_the_session_are_thrown_away(fake):
    class Late(Camera):
        def open(self):
            super().open()
            while not (fake.captures and fake.captures[0].idle.is_set()):
                time.sleep(0.001)
            fake.show(picture(98))

        def produce(self):
            super().produce()
            return False

    assert len(run_source(Late(VideoConfig(), factory=fake), clock=fake.clock)) == 0


def test_an_unplugged_camera_is_reported_masked_and_opened_again(fake):
    def script():
        yield from opened(fake)
        yield from film(fake, range(10))
        fake.broken = True
        fake.unplug()
        while fake.clock.now() < 30_000_000:
            fake.clock.advance(100_000)
            yield
        fake.broken = False
        while len(fake.captures) < 2:
            fake.clock.advance(100_000)
            yield
        yield from opened(fake, 2)
        yield from film(fake, range(10, 20))

    run = capture(fake, script)
    assert changes(run) == [Degraded, Degraded, Recovered]
    assert "camera 0 gives no more frames" in run.events[0].reason
    assert "cannot be opened (not connected)" in run.events[1].reason
    assert len(run) == 20
    waits = np.diff(fake.attempts[1:6]) / 1e6
    assert waits == pytest.approx([1, 2, 4, 8], abs=0.5)


def test_a_camera_that_is_missing_at_the_start_is_waited_for(fake):
    fake.broken = True

    def script():
        while fake.clock.now() < 3_000_000:
            fake.clock.advance(100_000)
            yield
        fake.broken = False
        while not fake.captures:
            fake.clock.advance(100_000)
            yield
        yield from opened(fake)
        yield from film(fake, range(3))

    run = capture(fake, script)
    assert changes(run) == [Degraded, Recovered] and len(run) == 3


def test_a_camera_without_frames_is_noticed_after_a_second(fake):
    fake.stuck = False

    def script():
        yield from opened(fake)
        yield from film(fake, range(3))
        fake.stuck = True
        for _ in range(12):
            fake.clock.advance(100_000)
            yield

    run = capture(fake, script)
    assert changes(run) == [Degraded]
    assert "gives no frames" in run.events[0].reason


def test_a_reader_stuck_in_the_driver_blocks_nobody_and_not_many_are_left_behind(fake):
    def script():
        yield from opened(fake)
        yield from film(fake, range(3))
        fake.stuck = True
        for _ in range(600):
            fake.clock.advance(100_000)
            yield

    before = threading.active_count()
    capture(fake, script)
    assert threading.active_count() - before <= 4
    assert len(fake.captures) <= 4


def test_a_frozen_picture_is_masked_until_it_moves_again(fake):
    def script():
        yield from opened(fake)
        yield from film(fake, range(10))
        yield from film(fake, [10] * 40)
        # Opened again it still shows the same, and is opened once more.
        while len(fake.captures) < 2:
            fake.clock.advance(100_000)
            yield
        yield from opened(fake, 2)
        yield from film(fake, [10] * 40)
        while len(fake.captures) < 3:
            fake.clock.advance(100_000)
            yield
        yield from opened(fake, 3)
        yield from film(fake, range(11, 21))

    run = capture(fake, script)
    assert changes(run) == [Degraded, Recovered]
    assert "camera 0 is frozen" in run.events[0].reason
    shown = [packet for packet in run if (packet.payload.image == picture(10)[:, :, ::-1]).all()]
    assert 20 <= len(shown) <= 26
    assert len(run) == len(shown) + 20
    assert fake.captures[0].released.wait(PATIENCE)


def test_a_closed_cover_is_reported_but_the_camera_left_alone(fake):
    def script():
        yield from opened(fake)
        yield from film(fake, range(5))
        for _ in range(100):
            fake.clock.advance(STEP)
            fake.show(np.zeros((48, 64, 3), np.uint8))
            yield
        yield from film(fake, range(5, 10))

    run = capture(fake, script)
    assert changes(run) == [Degraded, Recovered]
    assert "is its cover closed?" in run.events[0].reason
    assert len(fake.captures) == 1
    assert len(run) < 40


def test_a_stream_may_show_a_still(fake):
    def script():
        yield from opened(fake)
        yield from film(fake, [1] * 100)

    run = capture(fake, script, camera="rtsp://192.0.2.1/door")
    assert run.events == [] and len(run) == 100


def test_while_there_is_no_picture_the_time_of_the_stream_goes_on(fake):
    promised = []

    def script():
        yield from opened(fake)
        yield from film(fake, range(3))
        fake.broken = True
        fake.unplug()
        for _ in range(30):
            fake.clock.advance(100_000)
            yield

    class Noting(Watched):
        def produce(self):
            more = super().produce()
            promised.append((self.context.clock.now(), self._promised))
            return more

    run_source(Noting(VideoConfig(), fake, script, 25.0), clock=fake.clock)
    now, promise = promised[-2]
    assert promise == now


def test_a_video_file_is_played_and_ends(tmp_path):
    path = write_media(tmp_path / "a.avi", picture=Picture(moving(8), codec="mjpeg", options={}))
    config = VideoConfig(camera=str(path), freeze_after=3600)
    run = run_source(Camera(config, max_fps=1000), clock=TickingClock())
    assert 1 <= len(run) <= 8 and run.events == []


class TickingClock(ScriptedClock):
    """A clock that moves on whenever it is looked at."""

    def now(self):
        self._now += 100
        return self._now


def test_a_file_that_is_not_there_is_an_error_of_the_user():
    with pytest.raises(UserError, match="no camera 'nothing"):
        run_source(Camera(VideoConfig(camera="nothing.mp4")))


@pytest.mark.parametrize("name", [97, "97", "/dev/video97", "http://127.0.0.1:9/x", "nothing.mp4", __file__])
def test_what_cannot_be_opened_is_an_os_error_without_noise(name, capfd):
    with pytest.raises(OSError):
        open_capture(VideoConfig(camera=name))
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        (0, CameraKind.DEVICE),
        ("1", CameraKind.DEVICE),
        ("/dev/video2", CameraKind.DEVICE),
        ("rtsp://host/door", CameraKind.STREAM),
        ("talk.mp4", CameraKind.FILE),
    ],
)
def test_names_of_cameras(name, kind):
    assert camera_kind(name) is kind
