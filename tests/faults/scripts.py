"""What goes wrong, as scripts: each speaks, breaks something, speaks on. `bench/inject.py` shows them to a person."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable

import numpy as np

from lipstream.stages.capture.microphone_backend import MicrophoneInfo
from tests.faults.world import BLOCK, PATIENCE, STEP, World
from tests.stages.fakes import hummed

Script = Callable[[World], None]
SCRIPTS: dict[str, Script] = {}


def fault(script: Script) -> Script:
    """Name a script after its function."""
    SCRIPTS[script.__name__.replace("_", "-")] = script
    return script


@fault
def nothing(world: World) -> None:
    """Nothing goes wrong."""
    world.speak(1, 2, 3)
    world.speak(4, 5, 6)


# The microphone.


@fault
def microphone_overflow(world: World) -> None:
    """The device loses 0.2 s of sound, and says so."""
    world.speak(1, 2, 3)
    world.quiet(1.0)
    world.lose(0.2)
    world.hear(np.zeros(16_000, np.float32), overflow=True)
    world.speak(4, 5, 6)
    world.quiet(2.0)


@fault
def microphone_gap(world: World) -> None:
    """The device loses 0.5 s of sound, and does not say so."""
    world.speak(1, 2, 3)
    world.quiet(1.0)
    world.lose(0.5)
    world.quiet(1.5)
    world.speak(4, 5, 6)
    world.quiet(2.0)


@fault
def microphone_disconnect(world: World) -> None:
    """The device is pulled out in mid-sentence, and comes back after 5 s."""
    world.speak(1, 2, 3, tail=0.0)
    world.room.stream.alive = False
    world.room.broken = True
    world.lose(5.0)
    world.room.broken = False
    while len(world.room.streams) < 2:
        world.lose(0.1)
    world.quiet_until_heard()
    world.speak(4, 5, 6)


@fault
def microphone_rate_change(world: World) -> None:
    """The device goes over to half its sample rate, as a headset that is called does, and says nothing."""
    world.speak(1, 2, 3)
    before = len(world.room.streams)
    world.room.devices = [MicrophoneInfo(3, "USB Mic", 1, 8000, True)]
    while len(world.room.streams) == before:
        world.pass_time(BLOCK)
        world.room.say(np.zeros(STEP // 2))
        world.show()
        world.settle()
    world.quiet_until_heard()
    world.speak(4, 5, 6)


@fault
def microphone_muted(world: World) -> None:
    """The device gives nothing but zeros, as one that is muted or not permitted does."""
    world.quiet(12.0)
    world.speak(1, 2, 3)


# The camera.


@fault
def camera_unplug(world: World) -> None:
    """The camera is pulled out for 4 s."""
    world.speak(1, 2, 3)
    world.camera.broken = True
    world.camera.unplug()
    world.quiet(4.0)
    world.camera.broken = False
    while len(world.camera.captures) < 2:
        world.quiet(0.1)
    world.speak(4, 5, 6)


@fault
def camera_freeze(world: World) -> None:
    """The camera goes on giving its last picture, for ever."""
    world.speak(1, 2, 3)
    world.freeze()
    world.quiet(4.0)
    world.speak(4, 5, 6)


@fault
def camera_in_the_dark(world: World) -> None:
    """The camera halves its frame rate, to 15 a second, because it is dark."""
    world.speak(1, 2, 3)
    world.every = 2
    world.speak(4, 5, 6)


@fault
def camera_time_jumps(world: World) -> None:
    """Frames come with the time of the one before, and with earlier ones."""
    world.speak(1, 2, 3)
    for back in (0, 50_000, 300_000):
        world.clock.advance(-back)
        world.show()
        world.show()
        world.clock.advance(back)
    world.speak(4, 5, 6)


# The networks.


@fault
def decoder_raises_once(world: World) -> None:
    """The speech decoder fails once, in the pause behind a sentence."""
    speak_and_fail(world, "decode", times=1)
    world.speak(4, 5, 6)


@fault
def decoder_raises_always(world: World) -> None:
    """The speech decoder fails whenever it is called."""
    fail(world, "decode")
    world.speak(1, 2, 3)
    world.speak(4, 5, 6)


@fault
def decoder_takes_10_s(world: World) -> None:
    """The speech decoder takes 10 s for one call."""
    stick(world, "decode")


@fault
def decoder_gives_up(world: World) -> None:
    """The speech decoder fails on the end of a sentence, and fails again when it is tried again."""
    speak_and_fail(world, "decode")
    world.until_written("one two three")
    world.engine.before = lambda name, seconds: None
    world.speak(4, 5, 6)


@fault
def encoder_raises_once(world: World) -> None:
    """The speech encoder fails once, in the pause behind a sentence."""
    speak_and_fail(world, "encode", times=1)
    world.speak(4, 5, 6)


@fault
def encoder_raises_always(world: World) -> None:
    """The speech encoder fails whenever it is called."""
    fail(world, "encode")
    world.speak(1, 2, 3)
    world.speak(4, 5, 6)


@fault
def encoder_takes_10_s(world: World) -> None:
    """The speech encoder takes 10 s for one call."""
    stick(world, "encode")


@fault
def face_network_raises_once(world: World) -> None:
    """The face network fails on one picture."""
    calls = iter(range(1_000_000))

    def before() -> None:
        if next(calls) == 10:
            raise RuntimeError("out of memory")

    world.faces.before = before
    world.speak(1, 2, 3)
    world.speak(4, 5, 6)


@fault
def face_network_raises_always(world: World) -> None:
    """The face network fails on every picture."""
    world.speak(1, 2, 3)
    world.faces.before = lambda: _raise("out of memory")
    world.speak(4, 5, 6)


@fault
def face_network_takes_10_s(world: World) -> None:
    """The face network takes 10 s for one picture."""
    world.speak(1, 2, 3)
    caught, released = threading.Event(), threading.Event()

    def before() -> None:
        caught.set()
        released.wait(PATIENCE)

    world.faces.before = before
    try:
        while not caught.is_set():
            world.quiet(0.1)
        world.speak(4, 5, 6)
        # While it is stuck.
        world.quiet_until_written("four five six")
        world.quiet(8.0)
        world.until_reported("the face network does not answer")
    finally:
        world.faces.before = lambda: None
        released.set()
    world.quiet(1.0)


@fault
def voice_activity_raises(world: World) -> None:
    """The voice activity network fails in mid-sentence, for a second."""
    calls = iter(range(1_000_000))

    def before() -> None:
        if 10 <= next(calls) < 40:
            raise RuntimeError("out of memory")

    world.detector.before = before
    world.speak(1, 2, 3)
    world.speak(4, 5, 6)


def _raise(message: str) -> None:
    raise RuntimeError(message)


def speak_and_fail(world: World, call: str, times: float = math.inf) -> None:
    """Say a sentence, and have calls of a kind fail in the pause behind it.

    What was shown has every word: the end was foreseen. A rustle makes sure that the networks are asked once more.
    """
    world.speak(1, 2, 3, tail=0.3)
    world.until_shown("one two three")
    fail(world, call, times)
    world.rustle(0.5)


def fail(world: World, call: str, times: float = math.inf) -> None:
    """Have the next calls of a kind fail."""
    left = times

    def before(name: str, _: float) -> None:
        nonlocal left
        if name == call and left:
            left -= 1
            _raise("out of memory")

    world.engine.before = before


def stick(world: World, call: str) -> None:
    """Have one call of a kind take 10 s, during which somebody speaks on."""
    caught, released = threading.Event(), threading.Event()

    def before(name: str, _: float) -> None:
        if name == call and not released.is_set():
            caught.set()
            released.wait(PATIENCE)

    world.engine.before = before
    try:
        world.speak(1, 2, 3)
        world.until(caught.is_set)
        for sentence in ((4, 5, 6), (7, 8, 9), (1, 3, 5), (2, 4, 6), (3, 5, 7)):
            world.hear(hummed(sentence, tail=1.04))
        world.until_reported("does not answer")
    finally:
        released.set()
    world.until_reported_back()
    world.speak(9, 8, 7)
