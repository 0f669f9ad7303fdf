"""A room with a fake microphone, camera and networks, in which `live` runs and things go wrong on cue."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from unittest.mock import patch

import numpy as np

from lipstream import Pipeline
from lipstream.events import TranscriptFinal, TranscriptPartial
from lipstream.models.face.backend import BLENDSHAPES, FaceObservation
from lipstream.models.speech.engine import Hypothesis
from lipstream.models.speech.split import SplitRecogniser
from lipstream.pipeline import Degraded, Error, Recovered
from lipstream.pipeline.clock import MonotonicClock
from lipstream.pipeline.running.runner import Runner
from lipstream.pipeline.testing import EventRecorder, ScriptedClock, at_rest
from lipstream.stages.capture.camera import Camera
from lipstream.stages.capture.microphone import Microphone
from tests.models.face.synthetic_faces import placed, unit_face
from tests.stages.fakes import CountingEngine, FakeCamera, Room, buzz, hummed
from tests.stages.speech.fake_vad import LoudnessVad

STEP = 528
"""Samples of sound at 16 kHz in one step of the world; each comes with a picture, so these are 30 a second."""
BLOCK = STEP / 16_000
PATIENCE = 60.0
"""Seconds after which something that should have happened is taken to never happen."""


class Over(Exception):
    """The run has ended before its script."""


class WallClock(MonotonicClock):
    """Session time as it really is, for watching."""

    def __init__(self) -> None:
        super().__init__()
        self._due: int | None = None

    def advance(self, duration: int) -> None:
        """Wait until it is due, whatever was waited for meanwhile."""
        now = self.now()
        self._due = (now if self._due is None else self._due) + duration
        time.sleep(max(0, self._due - now) / 1e6)


class Detector(LoudnessVad):
    """Takes anything but silence for speech, after doing what the test says."""

    def __init__(self) -> None:
        super().__init__(above=0.05)
        self.before: Callable[[], object] = lambda: None

    def probability(self, window):
        self.before()
        return super().probability(window)


class Engine(CountingEngine):
    """A recogniser that first does what the test says, on "load", "encode" and "decode" of so many seconds."""

    def __init__(self) -> None:
        super().__init__()
        self.before: Callable[[str, float], object] = lambda call, seconds: None
        self.mute = False

    def load(self):
        self.before("load", 0.0)

    def encode(self, audio):
        self.before("encode", len(audio) / 16_000)
        return super().encode(audio)

    def decode(self, encoding, prefix=(), draft=()):
        self.before("decode", encoding.duration)
        return Hypothesis((), (), "") if self.mute else super().decode(encoding, prefix, draft)


class Faces:
    """Face networks that see one talking face in every picture, after doing what the test says."""

    def __init__(self) -> None:
        self.before: Callable[[], object] = lambda: None
        self.seen = 0

    def load(self) -> None: ...

    def close(self) -> None: ...

    def detect(self, image, timestamp_us):
        self.before()
        self.seen += 1
        landmarks = placed(unit_face(0.1 + 0.05 * (self.seen % 3)), scale=16.0, at=(32.0, 20.0))
        return [FaceObservation(landmarks, np.zeros(len(BLENDSHAPES), np.float32), 1.0)]


class Ears(Microphone):
    """A microphone that tells when it has had a turn."""

    def __init__(self, config, backend) -> None:
        super().__init__(config, backend)
        self.turns = 0
        self.turned = threading.Condition()

    def produce(self):
        more = super().produce()
        with self.turned:
            self.turns += 1
            self.turned.notify_all()
        return more


class Eyes(Camera):
    """A camera that counts its turns."""

    turns = 0

    def produce(self):
        more = super().produce()
        self.turns += 1
        return more


class World:
    """The devices, the networks, and a script's means to move time on and to speak.

    Args:
        clock: scripted, or the real one to watch.

    Attributes:
        patient: time waits for whatever a picture leads to, so that none gives way to a newer one on a busy machine;
            not for scripts in which a network or a join waits for time to go on.
    """

    def __init__(self, clock: ScriptedClock | WallClock | None = None) -> None:
        self.clock = clock or ScriptedClock()
        self.room = Room(self.clock, 16_000)
        self.camera = FakeCamera(self.clock)
        self.engine = Engine()
        self.faces = Faces()
        self.detector = Detector()
        self.recorder = EventRecorder()
        self.ears: Ears | None = None
        self.eyes: Eyes | None = None
        self.patient = False
        self.runner: Runner | None = None
        self.pipeline: Pipeline | None = None
        self.frozen = False
        self.every = 1
        self.steps = 0
        self.over = threading.Event()
        self.real: set[str] = set()
        self.frames = 0

    # What a script does.

    def speak(self, *words: int, tail: float = 0.8) -> None:
        """Say numbers, and be quiet for a moment."""
        self.hear(hummed(words, tail=tail))

    def quiet(self, seconds: float) -> None:
        """Say nothing."""
        self.hear(np.zeros(round(seconds * 16_000), np.float32))

    def rustle(self, seconds: float) -> None:
        """Say nothing, but not without a sound."""
        self.hear(buzz(round(seconds * 16_000), 0.02))

    def hear(self, samples: np.ndarray, overflow: bool = False) -> None:
        """Let time pass with a sound, (N,) at 16 kHz, and pictures."""
        for first in range(0, len(samples), STEP):
            block = samples[first : first + STEP]
            self.pass_time(len(block) / 16_000)
            if self.room.streams:
                self.room.say(block[:: 16_000 // self.room.stream.rate], overflow and first == 0)
            self.show()
            self.settle()

    def lose(self, seconds: float) -> None:
        """Let time pass without a block from the microphone."""
        for _ in range(round(seconds / BLOCK)):
            self.pass_time(BLOCK)
            self.show()
            self.settle()

    def quiet_until_heard(self) -> None:
        """Say nothing until the microphone that was gone is heard again."""
        assert self.ears is not None
        while "audio" in self.ears.degraded:
            self.quiet(0.1)

    def show(self) -> None:
        """Give a picture that differs from the one before, if there is a camera."""
        self.steps += 1
        if self.camera.captures and self.steps % self.every == 0:
            self.frames += 0 if self.frozen else 1
            self.camera.show(picture(self.frames))

    def freeze(self) -> None:
        """Give the same picture for ever."""
        self.frozen = True

    def pass_time(self, seconds: float) -> None:
        """Only move time on."""
        self._check_over()
        self.clock.advance(round(seconds * 1e6))

    def until(self, condition: Callable[[], object]) -> None:
        """Wait for something that another thread does; time stands still."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            self._check_over()
            assert time.monotonic() < deadline, "it never happened"
            time.sleep(0.001)

    def settle(self) -> None:
        """Let the microphone take what has come, and devices that are being opened or closed be so."""
        ears = self.ears
        if ears is None or isinstance(self.clock, WallClock):
            return
        for thread in threading.enumerate():
            if thread.name in ("open microphone", "close microphone") and thread.ident is not None:
                thread.join(PATIENCE)
        before, deadline = ears.turns, time.monotonic() + PATIENCE
        with ears.turned:
            while ears.turns == before and not self._is_over() and time.monotonic() < deadline:
                # Who ends the run tells nobody.
                ears.turned.wait(0.02)
        if self.patient and self.eyes is not None and self.runner is not None:
            # The turn under way may have begun before the picture came.
            seen = self.eyes.turns + 2
            self.until(lambda: self.eyes.turns >= seen and at_rest(self.runner))

    def stop(self) -> None:
        """Press Ctrl-C."""
        self._check_over()
        signal.raise_signal(signal.SIGINT)

    def until_shown(self, text: str) -> None:
        """Wait until an open segment is shown; time stands still."""
        self.until(lambda: any(event.text == text for event in self.recorder.of(TranscriptPartial)))

    def until_reported(self, text: str) -> None:
        """Wait until a report has this in it; time stands still."""
        self.until(lambda: any(text in report for report in self.reports))

    def until_reported_back(self) -> None:
        """Wait until something that was bad is well again; time stands still."""
        self.until(lambda: any(isinstance(event, Recovered) for event in list(self.recorder.events)))

    def until_written(self, text: str) -> None:
        """Wait until a segment is final; time stands still."""
        self.until(lambda: any(event.text == text for event in self.recorder.of(TranscriptFinal)))

    def quiet_until_written(self, text: str) -> None:
        """Say nothing until a segment is final; time goes on, as waits of the run need it to."""
        deadline = time.monotonic() + PATIENCE
        while not any(event.text == text for event in self.recorder.of(TranscriptFinal)):
            assert time.monotonic() < deadline, "it never happened"
            self.quiet(BLOCK)

    @property
    def reports(self) -> list[str]:
        """What was reported so far, in order."""
        events = [event for event in list(self.recorder.events) if isinstance(event, (Degraded, Error))]
        return [event.message if isinstance(event, Error) else event.reason for event in events]

    def wait_until_heard(self) -> None:
        """Wait until the run has begun and its devices deliver."""
        self.until(lambda: self.runner is not None and self.runner.begun)
        assert self.runner is not None
        if self.ears is not None:
            self.until(lambda: self.ears.turns > 0)
        if "video" in self.runner.nodes and not self.camera.broken:
            self.until(lambda: self.camera.captures and self.camera.captures[-1].idle.is_set())

    def _check_over(self) -> None:
        if self._is_over():
            raise Over

    def _is_over(self) -> bool:
        return self.over.is_set() or (self.runner is not None and self.runner.stopping.is_set())

    # What `live` finds in place of devices and networks.

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Let every run in here be one in this world."""
        with ExitStack() as stack:
            for target, value in self._replacements().items():
                if target not in self.real:
                    stack.enter_context(patch(target, value))
            try:
                yield
            finally:
                self.over.set()
                self.camera.never.set()

    def _replacements(self) -> dict[str, object]:
        poll = 0.001 if isinstance(self.clock, ScriptedClock) else 0.02
        return {
            "lipstream.stages.build.Microphone": self._make_ears,
            "lipstream.stages.build.Camera": self._make_eyes,
            "lipstream.stages.build.SileroVad": lambda: self.detector,
            "lipstream.models.speech.recognisers.listener": lambda *_: self.engine,
            "lipstream.models.speech.recognisers.create": lambda *_: SplitRecogniser(self.engine, is_listener=True),
            "lipstream.models.face.backend.create": lambda *_: self.faces,
            "lipstream.pipeline.session.Runner": self._make_runner,
            "lipstream.stages.capture.microphone.POLL_SECONDS": poll,
            "lipstream.stages.capture.camera.POLL_SECONDS": poll,
        }

    def _make_ears(self, config):
        self.ears = Ears(config, self.room)
        return self.ears

    def _make_eyes(self, config, max_fps):
        self.eyes = Eyes(config, max_fps, self.camera)
        return self.eyes

    def _make_runner(self, graph, **options):
        # Scripted time outruns any processor, which is no overload.
        graph.paced = set()
        graph.add("recorder", self.recorder)
        self.runner = Runner(graph, clock=self.clock, **options)
        return self.runner


def picture(seed: int) -> np.ndarray:
    """(48, 64, 3) uint8, of which no two are alike."""
    return np.random.default_rng(seed).integers(0, 256, (48, 64, 3), dtype=np.uint8)


def words(*numbers: int) -> str:
    """What is written when numbers are spoken."""
    names: Sequence[str] = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
    return " ".join(names[number] for number in numbers)
