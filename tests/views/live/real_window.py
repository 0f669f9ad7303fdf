"""`live --show` on whatever display there is, with a scripted run: python -m tests.views.live.real_window FOLDER

Once the window shows the caption it is photographed into FOLDER/screen.png, and the run is ended with Ctrl-C; with a
second argument it goes on until somebody presses q. The exit code is `BLACK` if the screen stays black.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import numpy as np
from PIL import ImageGrab

import lipstream.captions
from lipstream.commands.main import main
from lipstream.events import SoundLevel
from lipstream.pipeline import Degraded, Graph, Packet
from lipstream.stages.payloads import VideoFrame
from tests.commands.fakes import Script, sentence
from tests.views.events import emotion, face
from tests.views.live.fakes import CuedCamera

CAPTION = "Bonjour, ça va? 你好。"
PICTURE = np.full((240, 320, 3), (40, 90, 160), np.uint8)
"""A blue that no panel has."""


class Looping(CuedCamera):
    """The same picture again and again."""

    def produce(self) -> bool:
        self._time += 40_000
        self.context.emit("video", Packet(self._time, VideoFrame(PICTURE, (320, 240))))
        self.context.stopping.wait(0.04)
        return True


BLACK = 3
"""On a bare X server, without a window manager, about one Qt process in ten never gets to paint (Qt 5.15)."""
_PATIENCE = 40.0
_PATIENCE_WITH_BLACK = 5.0
"""Seconds of this process's own processor time after which a screen that is still black stays so."""


def photograph(folder: Path) -> bool:
    """Whether the caption can be seen; the screen is kept then."""
    screen = ImageGrab.grab(xdisplay=os.environ["DISPLAY"])
    pixels = np.asarray(screen.convert("RGB"))[:720, :960]
    seen = bool((pixels[620:] > 240).all(axis=2).sum() > 300)
    if seen:
        screen.save(folder / "screen.png")
    return seen


def is_black() -> bool:
    """Whether there is nothing at all to be seen."""
    return not np.asarray(ImageGrab.grab(xdisplay=os.environ["DISPLAY"])).any()


def steps(folder: Path, by_key: bool):
    yield face(1, (0.1, 0.2, 0.4, 0.9))
    yield face(2, (0.6, 0.1, 0.9, 0.8), speaker=False)
    yield sentence(CAPTION, 0.2)
    deadline, begun = time.monotonic() + _PATIENCE, time.process_time()
    while not photograph(folder):
        if time.process_time() - begun > _PATIENCE_WITH_BLACK and is_black():
            os._exit(BLACK)
        if time.monotonic() > deadline:
            os._exit(BLACK if is_black() else 1)
        yield face(1, (0.1, 0.2, 0.4, 0.9))
        yield face(2, (0.6, 0.1, 0.9, 0.8), speaker=False)
        yield emotion(1, "happy")
        yield Degraded(modality="video", stage="camera", reason="the picture has not changed for 2 s")
        yield SoundLevel(time=0.0, level=-20.0, speech=True)
        yield lambda: time.sleep(0.05)
    if not by_key:
        yield lambda: os.kill(os.getpid(), signal.SIGINT)
    while True:
        yield lambda: time.sleep(0.05)


def run(folder: Path, by_key: bool) -> int:
    def build(_):
        graph = Graph()
        graph.add("script", Script(steps(folder, by_key)))
        graph.add("video", Looping())
        return graph

    lipstream.captions._captions_graph = build
    return main(["live", "--show", "--set", "fusion.ask=false", "-o", str(folder), "-f", "txt"])


if __name__ == "__main__":
    code = run(Path(sys.argv[1]), len(sys.argv) > 2)
    sys.stdout.flush()
    os._exit(code)
