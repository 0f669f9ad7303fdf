"""The live window, its keys, and that nobody waits for it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from lipstream import Pipeline
from lipstream.config import load_config
from lipstream.events import Recording, SoundLevel
from lipstream.pipeline import Degraded, Graph, Packet, Source, UserError
from lipstream.stages.enrol.consent import GrowthConsent
from lipstream.stages.payloads import VideoFrame
from lipstream.stages.switches import EMOTION, LIPS, PICTURE, SOUND
from lipstream.views.live import gui
from lipstream.views.live.tap import Tap
from lipstream.views.live.window import Window, report_settings
from tests.views.events import emotion, face, final
from tests.views.live.fakes import PATIENCE, CuedCamera, FakeGui, build_graph

LEFT_RED = np.zeros((240, 320, 3), np.uint8)
LEFT_RED[:, :160, 0] = 200
BLUE = np.full((240, 320, 3), (0, 0, 210), np.uint8)


class Shown:
    """A window on a fake screen, showing a run whose camera is on cue."""

    def __init__(
        self,
        folder: Path,
        camera: int | str = 0,
        present: tuple[str, ...] = ("audio", "emotion"),
        consent: GrowthConsent | None = None,
    ) -> None:
        self.now = 50.0
        self.camera = CuedCamera()
        self.gui = FakeGui()
        config = load_config("live", {"video.camera": camera})
        self.pipeline = Pipeline(config, build_graph({"video": self.camera}, present))
        self.window = Window(self.pipeline, folder, self.gui, lambda: self.now, consent)
        self.pipeline.start()
        while not self.pipeline.begun:
            threading.Event().wait(0.002)
        self.greet()

    def greet(self) -> None:
        """Let the first remark come and go."""
        self.step()
        self.step(10.0)

    def step(self, seconds: float = 0.1) -> np.ndarray:
        """Let time go by and the window be drawn; what it shows."""
        self.now += seconds
        assert self.window.update()
        return self.gui.shown[-1]

    def look(self, image: np.ndarray) -> np.ndarray:
        """Have the camera see something; what the window shows once it is there."""
        before = self.window._count
        self.camera.look(image)
        for _ in range(1000):
            shown = self.step(0.0)
            if self.window._count > before:
                return shown
        raise AssertionError("the picture never came")

    def press(self, key: str) -> np.ndarray:
        self.gui.keys.append(key)
        return self.step()

    def off(self) -> set[str]:
        switches = self.pipeline.switches
        return {name for name in switches.names if not switches.is_on(name)}


@pytest.fixture
def shown(tmp_path: Path) -> Iterator[Shown]:
    run = Shown(tmp_path / "snapshots")
    yield run
    run.pipeline.stop()


def picture(run: Shown) -> np.ndarray:
    """The part of what is shown that is the camera's picture."""
    width, height = run.window._around.picture
    return run.gui.shown[-1][:height, :width]


def colour(run: Shown, x: float, y: float = 0.6) -> tuple[int, ...]:
    """Blue, green, red at a place of the picture in fractions."""
    image = picture(run)
    height, width = image.shape[:2]
    return tuple(int(value) for value in image[int(y * height), int(x * width)])


def test_a_camera_is_shown_as_in_a_mirror_and_large_enough_for_letters(shown: Shown):
    image = shown.look(LEFT_RED)
    height, width = image.shape[:2]
    # All of the window, as large as fits in 1280x720.
    assert (710 <= height <= 720 and width <= 1280) or (1270 <= width <= 1280 and height <= 720)
    assert shown.window._around.picture[1] >= 600
    assert colour(shown, 0.25) == (0, 0, 0) and colour(shown, 0.75) == (0, 0, 200)


def test_a_file_is_shown_as_it_is(tmp_path: Path):
    run = Shown(tmp_path, camera=__file__)
    run.look(LEFT_RED)
    assert colour(run, 0.25) == (0, 0, 200)
    run.pipeline.stop()


def test_the_face_is_drawn_where_the_mirror_shows_it(shown: Shown):
    plain = shown.look(BLUE)
    shown.camera.tell(face())
    image = wait_for_change(shown, plain)
    width, height = shown.window._around.picture
    rows, columns = np.nonzero((image != plain).any(axis=2)[:height, :width])
    assert 0.55 < columns.min() / width < 0.65 and 0.85 < columns.max() / width < 0.95 and rows.size


def wait_for_change(shown: Shown, before: np.ndarray) -> np.ndarray:
    """The window once an event that was told has reached it."""
    for _ in range(2000):
        image = shown.step(0.0)
        shown.window._drawn = -np.inf
        if (image != before).any():
            return image
        threading.Event().wait(0.002)
    raise AssertionError("nothing changed")


def test_nothing_that_is_said_covers_a_face_wherever_it_is(shown: Shown):
    """Two faces that fill the picture: of captions, warnings, emotion and keys nothing may lie over them."""
    plain = shown.look(BLUE)
    for event in (
        final("A sentence that is long enough to need both of the lines that there are for captions."),
        emotion(1, "happy"),
        SoundLevel(time=1.0, level=-20.0, speech=True),
        Degraded(modality="video", stage="camera", reason="the picture has not changed for 2 s " * 3),
        Recording(on=True, file="talk.mkv"),
    ):
        shown.camera.tell(event)
        wait_for_change(shown, plain)
        plain = shown.gui.shown[-1]
    shown.press("m")
    width, height = shown.window._around.picture
    assert (picture(shown) == (210, 0, 0)).all()
    assert (shown.gui.shown[-1][:height, width:] != (30, 26, 24)).any(axis=2).mean() > 0.2
    shown.camera.tell(face(1, (0.0, 0.0, 0.5, 1.0)))
    shown.camera.tell(face(2, (0.5, 0.0, 1.0, 1.0)))
    wait_for_change(shown, shown.gui.shown[-1])
    marked = (picture(shown) != (210, 0, 0)).any(axis=2)
    # Of faces the outlines alone.
    assert 0 < marked.mean() < 0.1


def test_pictures_of_the_source_are_never_written_to(shown: Shown):
    image = LEFT_RED.copy()
    image.flags.writeable = False
    shown.look(image)
    shown.press("h")
    assert (image == LEFT_RED).all()


def test_q_and_escape_end_the_run_and_close_the_window(shown: Shown):
    for key in ("q", "\x1b"):
        shown.gui.keys.append(key)
        assert not shown.window.update()
    assert shown.gui.closings == 2


def test_closing_the_window_ends_the_run(shown: Shown):
    shown.gui.user_closed = True
    assert not shown.window.update()


def test_a_pause_freezes_the_picture_and_switches_sound_and_picture_off(shown: Shown):
    shown.look(LEFT_RED)
    paused = shown.press("p")
    assert shown.off() == {SOUND, PICTURE}
    shown.camera.look(BLUE)
    shown.camera.look(BLUE)
    for _ in range(5):
        frozen = shown.step()
    assert (frozen[120:] == paused[120:]).all() and colour(shown, 0.75) == (0, 0, 200)
    shown.press("p")
    assert shown.off() == set()
    shown.look(BLUE)
    assert colour(shown, 0.25) == (210, 0, 0)


def test_what_was_muted_before_a_pause_is_muted_after_it(shown: Shown):
    shown.press("m")
    assert shown.off() == {SOUND}
    shown.press("p")
    shown.press("p")
    assert shown.off() == {SOUND}
    shown.press("m")
    assert shown.off() == set()


@pytest.mark.parametrize(("key", "name"), [("m", SOUND), ("l", LIPS), ("e", EMOTION)])
def test_keys_switch_off_and_on_and_the_window_says_so(shown: Shown, key: str, name: str):
    plain = shown.look(BLUE)
    said = shown.press(key)
    assert shown.off() == {name}
    changed = np.nonzero((said != plain).any(axis=2))
    # Beside the picture, at the top.
    assert changed[0].max() < 720 / 4 and changed[1].min() >= shown.window._around.picture[0]
    assert (shown.press(key) == plain).all() and shown.off() == set()


def test_keys_for_what_the_run_does_not_have_do_nothing_and_are_not_in_the_help(tmp_path: Path):
    run = Shown(tmp_path, present=())
    for key in ("m", "e", "x", "1"):
        run.press(key)
    assert run.off() == set()
    assert [key for key, _ in run.window._controls.keys] == ["p", "l", "s", "h", "q"]
    run.pipeline.stop()


def test_help_is_shown_and_taken_away(shown: Shown):
    plain = shown.look(BLUE)
    helped = shown.press("h")
    assert (helped != plain).any(axis=2).mean() > 0.1
    assert (shown.press("h") == plain).all()


@pytest.mark.parametrize(("key", "answer"), [("y", True), ("n", False)])
def test_whether_a_profile_may_grow_is_asked_once_and_can_be_asked_for(tmp_path: Path, key: str, answer: bool):
    consent = GrowthConsent(tmp_path / "growing.json")
    run = Shown(tmp_path, consent=consent)
    asked = run.look(BLUE)
    assert run.window._question is not None and run.window._question.open
    run.press("m")
    assert run.off() == {SOUND} and consent.answer is None, "other keys go on working"
    answered = run.press(key)
    assert consent.answer is answer and (answered != asked).any(axis=2).mean() > 0.1
    run.pipeline.stop()
    again = Shown(tmp_path, consent=consent)
    again.look(BLUE)
    assert again.window._question is not None and not again.window._question.open
    assert ("g", "learn my lips, or not: asks") in again.window._controls.keys
    again.press("g")
    again.press("n")
    assert consent.answer is False
    again.press("y")
    assert consent.answer is False, "the keys of an answer mean nothing without the question"
    again.pipeline.stop()


def test_a_question_that_nobody_answers_does_not_cover_the_picture_for_ever(tmp_path: Path):
    consent = GrowthConsent(tmp_path / "growing.json")
    run = Shown(tmp_path, consent=consent)
    run.look(BLUE)
    assert (picture(run) != (210, 0, 0)).any()
    run.step(31.0)
    run.look(BLUE)
    assert (picture(run) == (210, 0, 0)).all() and consent.answer is None
    run.pipeline.stop()


def test_a_question_behind_the_help_is_not_answered_and_its_time_stands_still(tmp_path: Path):
    consent = GrowthConsent(tmp_path / "growing.json")
    run = Shown(tmp_path, consent=consent)
    run.look(BLUE)
    run.press("h")
    run.press("y")
    run.step(60.0)
    run.press("n")
    assert consent.answer is None
    run.press("h")
    run.press("y")
    assert consent.given
    run.pipeline.stop()


def test_a_snapshot_is_what_was_seen_and_never_replaces_another(shown: Shown, tmp_path: Path):
    plain = shown.look(BLUE)
    said = shown.press("s")
    shown.press("s")
    shown.press("s")
    # Where a second goes by meanwhile, not all have a number behind the time.
    files = sorted((tmp_path / "snapshots").iterdir(), key=lambda path: path.stat().st_mtime_ns)
    assert len(files) == 3 and all(path.suffix == ".png" for path in files)
    assert (cv2.imread(str(files[0])) == plain).all()
    assert (said != plain).any()
    assert (shown.step(5.0) == shown.step(0.1)).all()


def test_a_snapshot_that_cannot_be_saved_is_a_remark_and_the_run_goes_on(tmp_path: Path):
    (tmp_path / "file").write_text("in the way")
    run = Shown(tmp_path / "file")
    plain = run.look(BLUE)
    assert (run.press("s") != plain).any()
    run.step()
    run.pipeline.stop()


def test_a_picture_that_does_not_change_any_more_is_darkened(shown: Shown):
    shown.look(BLUE)
    for act, least, most in ((1.9, 210, 210), (0.2, 0, 104), (None, 210, 210)):
        shown.look(BLUE) if act is None else shown.step(act)
        assert least <= colour(shown, 0.2)[0] <= most


def test_without_a_camera_captions_stand_on_a_plain_picture(tmp_path: Path):
    run = Shown(tmp_path)
    run.pipeline.stop()
    source, screen = CuedCamera(), FakeGui()
    pipeline = Pipeline(load_config("live", {"video.enabled": False}), build_graph({"audio": source}))
    window = Window(pipeline, tmp_path, screen)
    pipeline.start()
    while not screen.shown or not (screen.shown[-1][-100:] > 200).any():
        source.tell(final("Good morning."))
        assert window.update()
    assert (screen.shown[-1][:540, :960] == screen.shown[-1][0, 0]).all()
    pipeline.stop()


class Flood(Source):
    """As many pictures as it can, as fast as it can."""

    outputs = CuedCamera.outputs
    COUNT = 500

    def __init__(self) -> None:
        self.sent = 0
        self.done = threading.Event()

    def produce(self) -> bool:
        image = np.zeros((4, 4, 3), np.uint8)
        self.context.emit("video", Packet(self.sent, VideoFrame(image, (4, 4))))
        self.sent += 1
        if self.sent == self.COUNT:
            self.done.set()
        return self.sent < self.COUNT


def test_a_window_that_does_not_draw_never_holds_up_the_source(tmp_path: Path):
    flood = Flood()
    pipeline = Pipeline(load_config("live"), build_graph({"video": flood}))
    window = Window(pipeline, tmp_path, FakeGui())
    pipeline.start()
    assert flood.done.wait(PATIENCE) and pipeline.wait(PATIENCE)
    assert window._tap is not None and window._tap.newer(0, 0.0) is not None


def test_a_tap_that_is_slow_itself_never_holds_up_the_source():
    """Not even if a picture takes for ever."""
    free = threading.Event()

    class Stuck(Tap):
        def process(self, port, packet):
            free.wait(PATIENCE)

    flood = Flood()
    pipeline = Pipeline(load_config("live"), build_graph({"video": flood}))
    Stuck.on(pipeline.graph, "tap")
    pipeline.start()
    assert flood.done.wait(PATIENCE)
    free.set()
    assert pipeline.wait(PATIENCE)


def test_the_tap_gives_the_newest_picture_and_tells_the_rate():
    now = 0.0
    tap = Tap(lambda: now)
    assert tap.newer(0, 0.0) is None and tap.rate() == 0.0
    for number in range(51):
        now = number / 25
        tap.process("video", Packet(number, VideoFrame(np.full((2, 2, 3), number, np.uint8), (2, 2))))
    news = tap.newer(0, 0.0)
    assert news is not None and news[0][0, 0, 0] == 50 and news[1] == 51
    assert tap.newer(51, 0.0) is None
    assert tap.rate() == pytest.approx(25, abs=0.6)
    now += 3
    assert tap.rate() == 0.0


def test_a_graph_without_a_camera_has_no_tap():
    assert Tap.on(Graph(), "tap") is None


def test_rates_that_the_user_has_set_are_kept():
    assert report_settings(load_config("live")) == {"face.report_rate": 25.0, "audio.report_rate": 20.0}
    assert report_settings(load_config("live", {"face.report_rate": 5})) == {"audio.report_rate": 20.0}


def test_without_a_display_one_line_says_so(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(gui.sys, "platform", "linux")
    monkeypatch.setattr(gui.cv2, "currentUIFramework", lambda: "QT5")
    monkeypatch.delenv("QT_QPA_PLATFORM", raising=False)
    monkeypatch.delenv("DISPLAY", raising=False)
    with pytest.raises(UserError, match=r"^there is no display .* \$DISPLAY is not set; leave --show out"):
        gui.check()
    monkeypatch.setenv("DISPLAY", ":4711")
    with pytest.raises(UserError, match=r"'?:4711'? .*cannot be reached|libxcb"):
        gui.check()


def test_a_headless_opencv_is_told_with_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(gui.cv2, "currentUIFramework", lambda: "")
    with pytest.raises(UserError, match=r"headless build .* install opencv-contrib-python"):
        gui.check()
