"""A scripted recogniser, microphone and camera for tests."""

from __future__ import annotations

import queue
import threading
from collections.abc import Sequence

import numpy as np

from lipstream.models.speech.engine import SAMPLE_RATE, Encoding, Hypothesis, SpeechEngine, TimedWord, WordSpan
from lipstream.models.speech.split import SplitRecogniser
from lipstream.stages.capture.microphone_backend import MicrophoneInfo
from lipstream.stages.speech.reading.reader import Reading

PATIENCE = 60.0
"""Seconds after which a fake device that should have been dealt with gives up."""

VOCABULARY = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


class CountingEngine(SpeechEngine):
    """Hears the word "n" wherever the samples have the value n / 10 or -n / 10; each run of equal values is a word.

    The last word of what it has heard so far is misheard as "zero", as a recogniser mishears a word cut short.

    Args:
        fail_on: numbers of the calls of `decode`, from 1, that raise.
    """

    def __init__(self, fail_on: Sequence[int] = ()) -> None:
        self.encoded: list[int] = []
        self.decoded = 0
        self.drafts: list[tuple[int, ...]] = []
        self._fail_on = set(fail_on)

    def load(self) -> None: ...

    def encode(self, audio):
        self.encoded.append(len(audio))
        frames = audio[: len(audio) // 320 * 320].reshape(-1, 320)[:, :1]
        return Encoding(np.ascontiguousarray(frames, dtype=np.float32), 50.0, len(audio))

    def decode(self, encoding, prefix=(), draft=()):
        self.decoded += 1
        self.drafts.append(tuple(draft))
        if self.decoded in self._fail_on:
            raise RuntimeError("scripted failure")
        values = np.rint(np.abs(encoding.features[:, 0]) * 10).astype(int)
        runs = [int(v) for i, v in enumerate(values) if i == 0 or v != values[i - 1]]
        heard = [v for v in runs if v > 0]
        if heard and runs[-1] > 0:
            heard[-1] = 0
        tokens = tuple(prefix) + tuple(heard[len(prefix) :])
        return Hypothesis(tokens, (0.9,) * len(tokens), " ".join(VOCABULARY[t] for t in tokens))

    def words(self, tokens):
        return [WordSpan(VOCABULARY[t], i, i + 1) for i, t in enumerate(tokens)]

    def align(self, encoding, hypothesis):
        step = encoding.duration / max(1, len(hypothesis.tokens))
        return [TimedWord(VOCABULARY[t], i * step, (i + 1) * step, 0.9) for i, t in enumerate(hypothesis.tokens)]


def reading(engine: SpeechEngine) -> Reading:
    """The engine as the one recogniser, which reads its own frames."""
    recogniser = SplitRecogniser(engine, is_listener=True)
    return Reading(recogniser, recogniser)


def spoken(words: Sequence[int], seconds_each: float = 0.32, tail: float = 0.4) -> np.ndarray:
    """Sound in which `CountingEngine` hears these numbers."""
    pieces = [np.full(round(seconds_each * SAMPLE_RATE), word / 10, np.float32) for word in words]
    return np.concatenate([*pieces, np.zeros(round(tail * SAMPLE_RATE), np.float32)])


def hummed(words: Sequence[int], seconds_each: float = 0.32, tail: float = 0.4) -> np.ndarray:
    """The same without an offset, for the way through a source, where offsets are taken out."""
    pieces = [buzz(round(seconds_each * SAMPLE_RATE), word / 10) for word in words]
    return np.concatenate([*pieces, np.zeros(round(tail * SAMPLE_RATE), np.float32)])


def buzz(count: int, amplitude: float) -> np.ndarray:
    """(count,) samples of a square wave of 250 Hz: one value, but for its sign, and no offset."""
    return np.where(np.arange(count) // 32 % 2, -amplitude, amplitude).astype(np.float32)


class Room:
    """Devices that do what the test says; also the factory of their backend."""

    def __init__(self, clock, rate=48_000, channels=1):
        self.clock = clock
        self.device = MicrophoneInfo(3, "USB Mic", channels, rate, True)
        self.devices = [self.device]
        self.streams = []
        self.attempts = []
        self.broken = False
        self.open_backends = 0
        self.before = lambda: None

    def __call__(self):
        self.before()
        self.attempts.append(self.clock.now())
        if self.broken:
            raise OSError("device unavailable")
        return Backend(self)

    @property
    def stream(self):
        return self.streams[-1]

    def say(self, samples, overflow=False, recorded=None):
        """Deliver (N,) mono samples on every channel, now; the sound system may say when they were recorded (s)."""
        if self.stream.alive:
            data = np.repeat(samples.astype(np.float32), self.stream.channels)
            self.stream.callback(data.tobytes(), overflow, recorded)


class Backend:
    def __init__(self, room):
        self.room = room
        room.open_backends += 1

    def devices(self):
        return self.room.devices

    def start(self, device, block, callback):
        stream = Stream(device.rate, min(2, device.channels), callback)
        self.room.streams.append(stream)
        return stream

    def close(self):
        self.room.open_backends -= 1


class Stream:
    def __init__(self, rate, channels, callback):
        self.rate, self.channels, self.callback = rate, channels, callback
        self.alive = True

    def active(self):
        return self.alive

    def close(self):
        self.alive = False


class FakeCamera:
    """A camera that gives the frames of the test; also its factory."""

    def __init__(self, clock):
        self.clock = clock
        self.captures = []
        self.attempts = []
        self.broken = False
        self.stuck = False
        self.never = threading.Event()
        self.rolling = threading.Event()
        self.before = lambda: None

    def __call__(self, config):
        self.before()
        self.attempts.append(self.clock.now())
        if self.broken:
            raise OSError("not connected")
        self.captures.append(FakeCapture(self))
        return self.captures[-1]

    def show(self, image):
        """Give a frame, now, and wait until the reader has dealt with it, or has gone."""
        capture = self.captures[-1]
        capture.idle.clear()
        capture.frames.put(image)
        if capture.released.is_set():
            capture.idle.set()
        assert capture.idle.wait(PATIENCE)

    def unplug(self):
        """No more frames."""
        self.captures[-1].frames.put(None)


class FakeCapture:
    def __init__(self, owner):
        self.owner = owner
        self.frames = queue.Queue()
        self.image = None
        self.idle = threading.Event()
        self.retrieved = 0
        self.released = threading.Event()

    def grab(self):
        self.idle.set()
        while True:
            if self.owner.stuck:
                self.owner.never.wait(PATIENCE)
                return False
            try:
                self.image = self.frames.get(timeout=0.001)
            except queue.Empty:
                if self.owner.never.is_set():
                    return False
                if self.owner.rolling.is_set():
                    return True
                continue
            return self.image is not None

    def retrieve(self):
        self.retrieved += 1
        return self.image

    def release(self):
        self.released.set()
        self.idle.set()
