"""The live window: the camera's picture and what is known of it, and keys to switch things off and on."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from lipstream import Pipeline
from lipstream.config import Config
from lipstream.stages.capture.camera_capture import CameraKind, camera_kind
from lipstream.stages.enrol.consent import GrowthConsent
from lipstream.stages.switches import EMOTION, LIPS, PICTURE, SOUND
from lipstream.views.drawing.beside import Beside
from lipstream.views.drawing.help_card import HelpCard
from lipstream.views.drawing.overlay import Overlay
from lipstream.views.drawing.scene import Scene
from lipstream.views.drawing.sprites import Painter
from lipstream.views.live.controls import ESCAPE, QUIT, SNAPSHOT, Controls
from lipstream.views.live.gui import Gui, OpenCvGui
from lipstream.views.live.live_scene import LiveScene, mirrored
from lipstream.views.live.question import LINES, GrowthQuestion
from lipstream.views.live.snapshots import save_snapshot
from lipstream.views.live.tap import Tap

UInt8 = npt.NDArray[np.uint8]

TITLE = "Lipstream"
REPORT_RATES = {"face.report_rate": 25.0, "audio.report_rate": 20.0}
"""The settings of the events that a window shows."""

_SIZE = (1280, 720)
"""Windows smaller than this are enlarged, so that letters are sharp."""
_GROUND = (30, 26, 24)
_EMPTY: UInt8 = np.full((540, 960, 3), _GROUND, np.uint8)
_STILL_SECONDS = 2.0
"""A picture older than this is shown darker: it is not what is there now."""
_DARKER = 0.45
_WAIT_SECONDS = 0.015
_REDRAW_SECONDS = 1 / 15
_NOTE_SECONDS = 4.0


def report_settings(config: Config) -> dict[str, object]:
    """The settings a window needs, where the configuration has none of its own."""
    present = {"face.report_rate": config.face.report_rate, "audio.report_rate": config.audio.report_rate}
    return {key: rate for key, rate in REPORT_RATES.items() if present[key] == 0}


class Window:
    """Shows a live run; make it before the run starts, then call `update` again and again on the main thread.

    The picture comes through a channel that holds the newest one only, and the events through a sink of their own, so
    neither capture nor recognition ever waits for the drawing. Captions stand below the picture and all panels at its
    right: nothing covers a face. A camera of this machine is shown as in a mirror; a file
    or a network stream as it is.

    Args:
        pipeline: the run, not started yet.
        folder: for snapshots.
        gui: the window on the screen.
        clock: seconds, steadily growing.
        consent: whether a profile may grow, where the window is to ask; None where nothing could grow.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        folder: Path,
        gui: Gui | None = None,
        clock: Callable[[], float] = time.monotonic,
        consent: GrowthConsent | None = None,
    ) -> None:
        self._pipeline = pipeline
        self._folder = folder
        self._gui = gui or OpenCvGui()
        self._clock = clock
        parts = _parts(pipeline)
        self._mirrors = camera_kind(pipeline.config.video.camera) is CameraKind.DEVICE
        self._tap = Tap.on(pipeline.graph, "window_picture", clock)
        self._live = LiveScene(SOUND in parts, pipeline.switches, clock)
        pipeline.add_sink("window", self._live)
        self._question = None if consent is None else GrowthQuestion(consent)
        self._controls = Controls(pipeline.switches, parts, asks=consent is not None)
        self._overlay = Overlay("bgr")
        self._painter = Painter("bgr")
        self._base = _EMPTY
        self._around = Beside.around(_EMPTY.shape[1], _EMPTY.shape[0])
        self._canvas = self._blank()
        self._count = 0
        self._taken = self._drawn = -np.inf
        self._note = ("", 0.0)
        self._greeted = False

    def __enter__(self) -> Window:
        """Open the window."""
        self._gui.open(TITLE)
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self._gui.close()

    def update(self) -> bool:
        """Show what is new, waiting a moment for it, and obey the keys.

        Returns:
            False once the user wants to quit; the window is closed then.
        """
        fresh = self._take()
        if fresh or self._clock() - self._drawn >= _REDRAW_SECONDS:
            self._draw()
        key = self._gui.key()
        if key in (QUIT, ESCAPE) or self._gui.closed():
            self._gui.close()
            return False
        if key is not None:
            self._press(key)
        return True

    def _take(self) -> bool:
        if self._tap is None:
            time.sleep(_WAIT_SECONDS)
            return False
        news = self._tap.newer(self._count, _WAIT_SECONDS)
        if news is None:
            return False
        image, self._count = news
        if self._controls.paused:
            return False
        around = Beside.within((image.shape[1], image.shape[0]), _SIZE)
        self._base = _prepared(image, self._mirrors, around.picture)
        if around != self._around:
            self._around = around
            self._canvas = self._blank()
        self._taken = self._clock()
        return True

    def _press(self, key: str) -> None:
        if key == SNAPSHOT:
            try:
                self._say(f"saved {save_snapshot(self._canvas, self._folder).name}")
            except OSError as error:
                self._say(f"cannot save a snapshot in {self._folder}: {error.strerror or error}")
        elif self._question is not None and (said := self._question.press(key)) is not None:
            self._say(said)
        else:
            self._controls.press(key)
        self._draw()

    def _say(self, note: str) -> None:
        self._note = note, self._clock()

    def _blank(self) -> UInt8:
        return np.full((self._around.height, self._around.width, 3), _GROUND, np.uint8)

    def _draw(self) -> None:
        now = self._drawn = self._clock()
        scene = self._scene(now)
        width, height = self._around.picture
        self._canvas[:, width:] = self._canvas[height:] = _GROUND
        picture = self._canvas[:height, :width]
        still = self._base is not _EMPTY and now - self._taken > _STILL_SECONDS and not self._controls.paused
        picture[:] = cv2.convertScaleAbs(self._base, alpha=_DARKER) if still else self._base
        self._overlay.draw_faces(picture, scene)
        self._overlay.draw_panels(self._canvas, self._around.arrange(scene))
        asks = self._question is not None and self._question.frame(now, room=not self._controls.help)
        if self._controls.help:
            HelpCard(self._controls.keys, self._around.width, self._around.height).draw(self._canvas, self._painter)
        elif asks:
            # Over the picture alone: captions can be read meanwhile.
            HelpCard(LINES, width, height).draw(self._canvas, self._painter)
        self._gui.show(self._canvas)

    def _scene(self, now: float) -> Scene:
        scene = self._live.scene(now)
        if self._mirrors:
            scene = mirrored(scene)
        rate = (("frames", f"{self._tap.rate():.0f} / s"),) if self._tap is not None and self._count else ()
        return replace(
            scene, figures=(*rate, *scene.figures), switched_off=self._controls.words, notes=self._notes(now)
        )

    def _notes(self, now: float) -> tuple[str, ...]:
        if not self._pipeline.begun:
            return ("loading, wait before you speak",)
        lasting: tuple[str, ...] = (f"recording into {self._live.recording}",) if self._live.recording else ()
        lasting += tuple(f"[{label}]" for label in self._live.sounds)
        if not self._greeted:
            self._greeted = True
            self._say("press h for the keys")
        text, since = self._note
        return (*lasting, text) if text and now - since <= _NOTE_SECONDS else lasting


def _parts(pipeline: Pipeline) -> set[str]:
    """Which of the switches there is anything behind."""
    components: Mapping[str, object] = pipeline.graph.components
    needed = {SOUND: "audio", PICTURE: "video", LIPS: "video", EMOTION: "emotion"}
    return {part for part in pipeline.switches.names if needed.get(part) in components}


def _prepared(image: UInt8, mirror: bool, size: tuple[int, int]) -> UInt8:
    """A copy to show: BGR, mirrored if asked for, of a size (width and height)."""
    shown: UInt8 = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    if mirror:
        cv2.flip(shown, 1, dst=shown)
    if (shown.shape[1], shown.shape[0]) != size:
        shown = cv2.resize(shown, size, interpolation=cv2.INTER_LINEAR)
    return shown
