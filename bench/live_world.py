"""A room in front of a fake microphone and a fake camera: plays sound and pictures to a live run, with faults."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from unittest.mock import patch

import cv2
import numpy as np
from clips import RATE, demo_frames, read_audio
from devices import FakeCamera, FakeMicrophone, Float32, UInt8

import lipstream.stages.build
from lipstream.models.assets import resolve
from lipstream.pipeline.testing import ScriptedClock
from lipstream.stages.capture.camera import Camera
from lipstream.stages.capture.microphone import Microphone

STEP = 0.02
"""Seconds of media in one step: a block of sound."""
_STEPS_HEARD = 25
DEVICE_RATE = 48_000
"""Samples a second of a usual microphone."""

SOUND_FAULTS = ("microphone loses sound", "microphone overflows", "microphone is late", "microphone unplugged")
PICTURE_FAULTS = ("camera frozen", "camera silent", "camera dark", "camera unplugged")


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong for a while.

    Attributes:
        kind: one of `SOUND_FAULTS`, `PICTURE_FAULTS`, or a name somebody else looks at.
        start: media seconds.
        end: media seconds.
    """

    kind: str
    start: float
    end: float


@dataclass
class Media:
    """What there is to hear and to see, over and over again.

    Attributes:
        sound: (N,) float32.
        pictures: (H, W, 3) uint8 BGR.
        fps: pictures a second.
        rate: samples a second of the sound, and of the microphone.
    """

    sound: Float32
    pictures: Sequence[UInt8]
    fps: float
    rate: int = DEVICE_RATE


def demo_media(fps: float) -> Media:
    """Read speech, and the speaker of the demo clip at 640x360, to and fro."""
    sound = read_audio(resolve("media/two_cities.wav"))
    positions = np.arange(len(sound) * DEVICE_RATE // RATE) * (RATE / DEVICE_RATE)
    frames = [cv2.cvtColor(frame, cv2.COLOR_RGB2BGR) for frame in demo_frames(640, 360)]
    loud = np.interp(positions, np.arange(len(sound)), sound).astype(np.float32)
    return Media(loud, frames + frames[-2:0:-1], fps)


@contextmanager
def fake_devices(microphone: FakeMicrophone, camera: FakeCamera) -> Iterator[None]:
    """Let graphs that are built in the meantime use these devices."""
    with (
        patch.object(lipstream.stages.build, "Microphone", lambda config: Microphone(config, microphone)),
        patch.object(lipstream.stages.build, "Camera", lambda config, fps: Camera(config, fps, camera)),
    ):
        yield


@dataclass
class LiveWorld:
    """Plays media to the devices on a thread, at a multiple of its own pace.

    Args:
        media: what is played.
        seconds: media seconds to play.
        speed: media seconds in a second of real time.
        clock: the session clock, moved on with what is played, so that its time is that of the devices however slowly
            this machine runs; None for a session on the real clock, at speed 1.
        faults: what goes wrong, ordered by start.
        settle: called before each picture and each half second of sound, on the thread of the world; for one that waits
            until what came before was dealt with, where nothing is to be missed.

    Attributes:
        played: media seconds played so far.
        lost: seconds of sound that the device did not deliver.
        active: kinds of the faults that are on.
    """

    media: Media
    seconds: float
    speed: float = 1.0
    clock: ScriptedClock | None = None
    faults: Sequence[Fault] = ()
    settle: Callable[[], object] = lambda: None
    camera: FakeCamera = field(default_factory=FakeCamera)
    played: float = 0.0
    lost: float = 0.0
    active: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        self.microphone = FakeMicrophone(self.media.rate)
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._play, name="world", daemon=True)
        self._waiting = list(self.faults)
        self._on: list[Fault] = []
        self._held: list[Float32] = []
        self._overflow = False

    def start(self) -> None:
        """Begin to play."""
        self.thread.start()

    def _play(self) -> None:
        begin, shown = time.monotonic(), -1
        for step in range(round(self.seconds / STEP)):
            if self.over.is_set():
                break
            ahead = begin + (step + 1) * STEP / self.speed - time.monotonic()
            time.sleep(max(0.0, ahead))
            if step % _STEPS_HEARD == 0:
                self.settle()
            self.played = (step + 1) * STEP
            self._follow_faults()
            if self.clock is not None:
                self.clock.advance(round(STEP * 1e6))
            self._sound(step)
            picture = int(self.played * self.media.fps)
            # A camera does not catch up: what nobody took in time is gone.
            if picture != shown and (ahead > -2 * STEP or self.clock is not None):
                shown = picture
                self._picture(picture)
        self.over.set()

    def _follow_faults(self) -> None:
        while self._waiting and self._waiting[0].start <= self.played:
            self._on.append(self._waiting.pop(0))
        self._on = [fault for fault in self._on if fault.end > self.played]
        self.active = frozenset(fault.kind for fault in self._on)
        self.microphone.plugged = "microphone unplugged" not in self.active
        self.camera.plugged = "camera unplugged" not in self.active

    def _sound(self, step: int) -> None:
        size = round(STEP * self.media.rate)
        first = step * size % (len(self.media.sound) - size)
        block = self.media.sound[first : first + size]
        if "microphone unplugged" in self.active:
            self.microphone.unplug()
            self.lost += STEP
        elif self.active & {"microphone loses sound", "microphone overflows"}:
            self._overflow = self._overflow or "microphone overflows" in self.active
            self.lost += STEP
        elif "microphone is late" in self.active:
            self._held.append(block)
        else:
            for each in (*self._held, block):
                self.microphone.say(each, self._overflow)
                self._overflow = False
            self._held = []

    def _picture(self, index: int) -> None:
        self.settle()
        pictures = self.media.pictures
        if "camera unplugged" in self.active:
            self.camera.unplug()
        elif "camera frozen" in self.active:
            self.camera.show(pictures[0])
        elif "camera dark" in self.active:
            self.camera.show(np.zeros_like(pictures[0]))
        elif "camera silent" not in self.active:
            self.camera.show(pictures[index % len(pictures)])
