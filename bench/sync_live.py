"""A simulated world with a microphone and a camera whose clocks are wrong, and where the live sources place its events.

At each event a beep and a flash begin at the same true moment. Both sources run on a scripted clock, which holds the
true time; each device counts time by its own crystal. The sources do not know of each other, so they run one behind
the other through the same world.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from devices import FakeCamera, FakeMicrophone, UInt8, until

from lipstream.config.schema import AudioConfig, VideoConfig
from lipstream.pipeline.testing import ScriptedClock, run_source
from lipstream.stages.capture import camera, microphone
from lipstream.stages.capture.camera import Camera
from lipstream.stages.capture.microphone import Microphone
from lipstream.stages.payloads import SAMPLE_RATE, AudioBlock

RATE = 48_000
_FPS = 25.0
_STEP = 20_000
_BEEP = 0.6 * np.sin(2 * np.pi * 1000 * np.arange(RATE // 25) / RATE).astype(np.float32)


@dataclass(frozen=True)
class Gap:
    """A stretch of true time in which a device fails.

    Attributes:
        kind: of the microphone "reported" (samples are lost and it says so), "silent" (lost without a word), "late"
            (none are lost, they come in one burst) or "unplugged"; of the camera "stalled" or "unplugged".
        start: microseconds.
        end: microseconds.
    """

    kind: str
    start: float
    end: float


@dataclass(frozen=True)
class World:
    """What happens.

    Attributes:
        seconds: how long it lasts.
        microphone_ppm: by how much the microphone's clock is fast.
        camera_ppm: by how much the camera's clock is fast.
        events: true times of the events, microseconds.
        sound_gaps: the microphone's failures, in order.
        picture_gaps: the camera's failures, in order.
        seed: of the jitter.
    """

    seconds: float
    microphone_ppm: float
    camera_ppm: float
    events: tuple[float, ...]
    sound_gaps: tuple[Gap, ...]
    picture_gaps: tuple[Gap, ...]
    seed: int


def make_world(seconds: float, ppm: float, seed: int) -> World:
    """An event about every two seconds, on a frame of the camera; a failure of each device about every minute."""
    random = np.random.default_rng(seed)
    frame = 1e6 / (_FPS * (1 - ppm * 1e-6))
    times = np.arange(3.0, seconds - 1, 2.0) + random.uniform(-0.4, 0.4, len(np.arange(3.0, seconds - 1, 2.0)))
    events = tuple((np.round(times * 1e6 / frame) * frame).tolist())

    def gaps(lengths: dict[str, tuple[float, float]]) -> tuple[Gap, ...]:
        starts = np.arange(20.0, seconds - 20, 60.0) + random.uniform(0, 30, len(np.arange(20.0, seconds - 20, 60.0)))
        kinds = random.choice(list(lengths), len(starts))
        return tuple(
            Gap(kind, start * 1e6, (start + random.uniform(*lengths[kind])) * 1e6)
            for kind, start in zip(kinds.tolist(), starts.tolist(), strict=True)
        )

    sound = {"reported": (0.05, 0.5), "silent": (0.15, 0.6), "late": (0.2, 0.8), "unplugged": (2.0, 6.0)}
    picture = {"stalled": (0.2, 3.0), "unplugged": (2.0, 6.0)}
    return World(seconds, ppm, -ppm, events, gaps(sound), gaps(picture), seed)


@dataclass
class Found:
    """Session times at which the sources place the events, microseconds."""

    beeps: list[float] = field(default_factory=list)
    flashes: list[float] = field(default_factory=list)


class _Listener(Microphone):
    """Finds beeps in what it emits, and keeps nothing; each of its steps is one of the script's."""

    def __init__(self, device: FakeMicrophone, script: Iterator[None], found: list[float]) -> None:
        super().__init__(AudioConfig(block=_STEP / 1e6), device)
        self._script, self._found, self._last = script, found, -1e9

    def produce(self) -> bool:
        return super().produce() if next(self._script, True) is None else False

    def emit(self, port: str, payload: object, timestamp: int, duration: int = 0) -> None:
        assert isinstance(payload, AudioBlock)
        loud = np.flatnonzero(np.abs(payload.samples) > 0.2)
        if len(loud):
            time = timestamp + loud[0] * 1e6 / SAMPLE_RATE
            if time - self._last > 500_000:
                self._found.append(time)
            self._last = timestamp + loud[-1] * 1e6 / SAMPLE_RATE


class _Watcher(Camera):
    """Finds flashes in what it emits, and keeps nothing."""

    def __init__(self, device: FakeCamera, script: Iterator[None], found: list[float]) -> None:
        super().__init__(VideoConfig(), 60.0, device)
        self._script, self._found, self._last = script, found, -1e9

    def produce(self) -> bool:
        return super().produce() if next(self._script, True) is None else False

    def emit(self, port: str, payload: object, timestamp: int, duration: int = 0) -> None:
        if payload.image[0, 0, 0] > 128:  # type: ignore[attr-defined]
            if timestamp - self._last > 500_000:
                self._found.append(timestamp)
            self._last = timestamp


def simulate(world: World) -> Found:
    """Run both live sources through a world."""
    found = Found()
    polls = microphone.POLL_SECONDS, camera.POLL_SECONDS
    # How long they wait for what the script has not delivered, in real time.
    microphone.POLL_SECONDS = camera.POLL_SECONDS = 0.001
    try:
        clock, sound = ScriptedClock(), FakeMicrophone(RATE)
        listener = _Listener(sound, _speak(world, clock, sound), found.beeps)
        run_source(listener, clock=clock, lossless=False, steps=10**9)
        clock, picture = ScriptedClock(), FakeCamera()
        run_source(
            _Watcher(picture, _shine(world, clock, picture), found.flashes), clock=clock, lossless=False, steps=10**9
        )
        picture.release()
    finally:
        microphone.POLL_SECONDS, camera.POLL_SECONDS = polls
    return found


def _move(clock: ScriptedClock, time: float) -> None:
    clock.advance(max(0, round(time) - clock.now()))


def _jitter(random: np.random.Generator, spike: float) -> Iterator[float]:
    """Lateness in microseconds: some milliseconds, now and then up to `spike`."""
    while True:
        usual = random.exponential(3_000, 4096)
        for late, rare in zip(usual, random.random(4096), strict=True):
            yield float(random.uniform(0, spike) if rare < 0.01 else late)


def _speak(world: World, clock: ScriptedClock, device: FakeMicrophone) -> Iterator[None]:
    """Deliver the sound of the world block by block; one step for each."""
    rate = RATE * (1 + world.microphone_ppm * 1e-6)
    size = RATE * _STEP // 1_000_000
    span = size * 1e6 / rate
    late = _jitter(np.random.default_rng(world.seed + 1), 80_000)
    events, gaps = list(world.events), list(world.sound_gaps)
    silence = np.zeros(size, np.float32)
    held: list[np.ndarray] = []
    lost = False
    yield
    for start in itertools.takewhile(lambda time: time < world.seconds * 1e6, itertools.count(0.0, span)):
        while gaps and gaps[0].end <= start:
            gaps.pop(0)
        gap = gaps[0] if gaps and gaps[0].start <= start else None
        while events and (events[0] - start) * rate / 1e6 + len(_BEEP) <= 0:
            events.pop(0)
        block = _block(events, start, rate, silence)
        _move(clock, start + span + next(late))
        if gap is not None and gap.kind == "unplugged":
            yield from _unplugged(device, clock, gap)
        elif gap is not None and gap.kind == "late":
            held.append(block)
        elif gap is not None:
            lost = lost or gap.kind == "reported"
        else:
            for each in (*held, block):
                device.say(each, overflow=lost)
                lost = False
                yield
            held = []


def _block(events: list[float], start: float, rate: float, silence: np.ndarray) -> np.ndarray:
    block = silence
    for event in events[:2]:
        first = round((event - start) * rate / 1e6)
        if -len(_BEEP) < first < len(silence):
            block = block.copy()
            begin, skip = max(0, first), max(0, -first)
            piece = _BEEP[skip : skip + len(block) - begin]
            block[begin : begin + len(piece)] = piece
    return block


def _unplugged(device: FakeMicrophone | FakeCamera, clock: ScriptedClock, gap: Gap) -> Iterator[None]:
    device.unplug()
    if clock.now() + 2 * _STEP >= gap.end:
        device.plugged = True
    for _ in range(3):
        yield


def _shine(world: World, clock: ScriptedClock, device: FakeCamera) -> Iterator[None]:
    """Show the frames of the world; a step for each."""
    random = np.random.default_rng(world.seed + 2)
    dark = random.integers(0, 60, (61, 24, 32, 3), dtype=np.uint8)
    bright = random.integers(190, 255, (17, 24, 32, 3), dtype=np.uint8)
    late = _jitter(random, 25_000)
    span = 1e6 / (_FPS * (1 + world.camera_ppm * 1e-6))
    events, gaps = list(world.events), list(world.picture_gaps)
    yield
    until(lambda: device.open)
    for index in range(int(world.seconds * 1e6 / span)):
        time = index * span
        while gaps and gaps[0].end <= time:
            gaps.pop(0)
        gap = gaps[0] if gaps and gaps[0].start <= time else None
        while events and events[0] + 100_000 < time:
            events.pop(0)
        _move(clock, time + next(late))
        if gap is not None and gap.kind == "unplugged":
            yield from _unplugged(device, clock, gap)
        elif gap is not None:
            yield
        else:
            shown = bool(events) and events[0] - 1_000 <= time
            image: UInt8 = bright[index % 17] if shown else dark[index % 61]
            device.show(image)
            device.settle()
            yield


def skews(world: World, found: Found) -> list[tuple[float, float]]:
    """Where the sources place the events that both devices could see and hear.

    Args:
        world: what happened.
        found: where the sources placed it.

    Returns:
        For each event, the seconds since the last failure of a device was over, infinite before the first, and the
        seconds by which its sound is placed before its picture.
    """
    result = []
    beeps, flashes = np.array(found.beeps), np.array(found.flashes)
    gaps = (*world.sound_gaps, *world.picture_gaps)
    for event in world.events:
        spoiled = any(gap.start - 150_000 <= event <= gap.end for gap in gaps)
        near = [times[np.abs(times - event) < 900_000] for times in (beeps, flashes)]
        if not spoiled and all(len(each) for each in near):
            beep, flash = (min(each.tolist(), key=lambda time: abs(time - event)) for each in near)
            since = min((event - gap.end for gap in gaps if gap.end < event), default=float("inf"))
            result.append((since / 1e6, (flash - beep) / 1e6))
    return result
