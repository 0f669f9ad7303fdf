"""An hour of live captions at eight times real time, while everything fails at random.

    python bench/soak.py [--minutes 60] [--speed 8] [--seed 0] [--set key=value]...

The graph is that of `live` with the real networks, fed by a fake microphone and a fake camera that play the demo
speaker. The session clock is moved on by the devices, so that time passes eight times as fast for every stage. Two
cores cannot run all networks at eight times the usual rate. So what has a rate (frames looked at, partial updates,
emotions) is asked for at an eighth of it, which makes a second of this run as much work as a second of a live one;
the sound is not thinned: all of it goes through voice activity and recognition at eight times its pace.

Faults, each every minute or two of media: the microphone loses sound with and without a word, delivers late, is
unplugged; the camera freezes, gives nothing, is covered, is unplugged; encoder, decoder and face network raise, the
encoder is slow, a hook sleeps, a hook raises.

Checked: captured + lost sound = processed sound = time played; the memory's slope after warm-up; threads and file
handles left; `End` once. Exit status 1 if one of them does not hold.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import psutil
from live_world import PICTURE_FAULTS, SOUND_FAULTS, Fault, LiveWorld, Media, demo_media, fake_devices
from machine import describe, who_reads

from lipstream.config import Config, load_config, parse_assignment
from lipstream.events import TranscriptFinal, TranscriptPartial
from lipstream.models.face import backend
from lipstream.models.speech import recognisers
from lipstream.pipeline import End, Event, EventSink, Stats
from lipstream.pipeline.running import overload as governor
from lipstream.pipeline.running import watchdog
from lipstream.pipeline.running.runner import Runner
from lipstream.pipeline.testing import ScriptedClock, at_rest
from lipstream.stages.build import build
from lipstream.stages.sinks import FORMATS

NETWORK_FAULTS = ("encoder raises", "decoder raises", "face network raises", "encoder is slow")
HOOK_FAULTS = ("hook sleeps", "hook raises")
LENGTHS = {"microphone unplugged": (2.0, 8.0), "microphone is late": (0.2, 0.8), "microphone overflows": (0.05, 0.5)}
"""Seconds of media that a fault lasts; the others last `USUAL`."""
USUAL = (0.3, 4.0)
MOST_SLOPE = 1.0
"""Megabytes a minute of media, which in a live run is a minute of life."""
JUDGED_FROM = 240.0
"""Real seconds of a run from which on its memory is judged; before, libraries and allocators still warm up."""
MOST_MISSING = 0.5
"""Seconds of sound by which the account may be off: what is on its way when the run stops."""


def make_faults(seconds: float, seed: int, every: float = 100.0) -> list[Fault]:
    """Faults of every kind, each about every so many seconds, leaving the last five alone."""
    random = np.random.default_rng(seed)
    faults = []
    for kind in (*SOUND_FAULTS, *PICTURE_FAULTS, *NETWORK_FAULTS, *HOOK_FAULTS):
        time = random.uniform(2.0, every)
        while time < seconds - 15:
            end = time + random.uniform(*LENGTHS.get(kind, USUAL))
            faults.append(Fault(kind, time, end))
            time = end + random.uniform(0.5, 1.5) * every
    return sorted(faults, key=lambda fault: fault.start)


class Tally(EventSink):
    """Counts events by class, and what came after `End`."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.after_end = 0
        self.reason = ""
        self.stats: Stats | None = None

    def handle(self, event: Event) -> None:
        """Count one."""
        self.after_end += self.counts["End"]
        self.counts[type(event).__name__] += 1
        self.stats = event if isinstance(event, Stats) else self.stats
        self.reason = event.reason if isinstance(event, End) else self.reason


class Fragile:
    """A network that raises, or takes its time, while a fault is on.

    Args:
        network: the real one.
        troubles: for each method, what to do before it.
    """

    def __init__(self, network: Any, troubles: dict[str, Callable[[], None]]) -> None:  # noqa: ANN401 - any network
        self._network = network
        self._troubles = troubles

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the network has
        found = getattr(self._network, name)
        trouble = self._troubles.get(name)
        if trouble is None:
            return found

        def call(*arguments: Any, **keywords: Any) -> Any:  # noqa: ANN401
            trouble()
            return found(*arguments, **keywords)

        return call


@contextlib.contextmanager
def fragile_networks(active: Callable[[], frozenset[str]]) -> Iterator[None]:
    """Let graphs that are built in the meantime have networks that fail while a fault is on."""

    def raising(kind: str) -> Callable[[], None]:
        def trouble() -> None:
            if kind in active():
                raise RuntimeError(f"injected: {kind}")
            if kind == "encoder raises" and "encoder is slow" in active():
                time.sleep(0.3)

        return trouble

    make_engine, make_faces = recognisers.listener, backend.create
    speech = {"encode": raising("encoder raises"), "decode": raising("decoder raises")}
    face = {"detect": raising("face network raises")}
    with (
        patch.object(recognisers, "listener", lambda *given: Fragile(make_engine(*given), speech)),
        patch.object(backend, "create", lambda *given: Fragile(make_faces(*given), face)),
    ):
        yield


@contextlib.contextmanager
def judged_by_real_time(speed: float) -> Iterator[None]:
    """Judge the load, and who is stuck, by real time, of which session time is a multiple here."""
    names = ("PERIOD_US", "WINDOW_US", "BEHIND_US", "CAUGHT_UP_US", "HOLD_US", "LONGEST_HOLD_US")
    with contextlib.ExitStack() as stack:
        for name in names:
            stack.enter_context(patch.object(governor, name, round(getattr(governor, name) * speed)))
        stack.enter_context(patch.object(watchdog, "STUCK_US", round(watchdog.STUCK_US * speed)))
        yield


def make_config(speed: float, settings: dict[str, object]) -> Config:
    """The `live` configuration with every rate divided by the speed."""
    rates: dict[str, object] = {
        "face.max_fps": 25.0 / speed,
        "face.max_gap": 0.5 * speed,
        "lips.max_gap": 0.2 * speed,
        "lips.report_rate": 12.5 / speed,
        "speech.update_interval": min(5.0, 0.4 * speed),
        "emotion.face_rate": 10.0 / speed,
        "emotion.update_interval": 1.0,
    }
    return load_config("live", rates | settings)


@dataclass
class Soaked:
    """What a run came to.

    Attributes:
        played: media seconds.
        withheld: seconds of sound that the device did not deliver.
        figures: counters of the last `Stats`.
        events: events by class.
        after_end: events after `End`.
        reason: of `End`: "stopped", or "failed" if the run broke off.
        threads: names of the threads left.
        handles: file handles more than before.
        memory: (real seconds, resident bytes).
        wall: real seconds of the run.
        peak_level: the highest level of the governor.
    """

    played: float
    withheld: float
    figures: dict[str, float]
    events: Counter[str]
    after_end: int
    reason: str
    threads: list[str]
    handles: int
    memory: list[tuple[float, float]]
    wall: float
    peak_level: int

    @property
    def unaccounted(self) -> float:
        """The greatest difference, in seconds, between sound played, captured + lost, and processed."""
        accounted = self.figures["audio.captured_seconds"] + self.figures.get("audio.lost_seconds", 0.0)
        processed = self.figures["audio.processed_seconds"]
        return max(abs(accounted - self.played), abs(processed - accounted))

    def slope(self, warm_up: float = 0.25) -> float:
        """Megabytes a minute of media, after a share of the run."""
        samples = np.array([sample for sample in self.memory if sample[0] >= warm_up * self.wall])
        if len(samples) <= 2:
            return float("nan")
        minutes = samples[:, 0] / self.wall * self.played / 60
        return float(np.polyfit(minutes, samples[:, 1] / 1e6, 1)[0])


@dataclass
class _Hooks:
    """Two hooks of which one sleeps and the other raises while the fault is on."""

    world: LiveWorld
    called: int = field(default=0)

    def slow(self, event: Event) -> None:
        self.called += 1
        if "hook sleeps" in self.world.active:
            time.sleep(0.5)

    def raising(self, event: Event) -> None:
        if "hook raises" in self.world.active:
            raise RuntimeError("injected: hook raises")


def soak(media: Media, config: Config, seconds: float, speed: float, faults: Sequence[Fault]) -> Soaked:
    """Run once."""
    process = psutil.Process()
    gc.collect()
    threads, handles = set(threading.enumerate()), process.num_fds()
    clock, tally = ScriptedClock(), Tally()
    world = LiveWorld(media, seconds, speed, clock, faults)
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        stack.enter_context(judged_by_real_time(speed))
        with fake_devices(world.microphone, world.camera), fragile_networks(lambda: world.active):
            graph = build(config)
        for name in ("jsonl", "srt"):
            graph.add(name, FORMATS[name](folder / f"out.{name}"))
        graph.add("tally", tally)
        runner = Runner(graph, clock=clock, lossless=False, media_time=False, stats_interval=10.0 * speed)
        hooks = _Hooks(world)
        runner.bus.add_hook(TranscriptPartial, hooks.slow)
        runner.bus.add_hook(TranscriptFinal, hooks.raising)
        runner.start()
        while not runner.begun and not runner.stopping.is_set():
            runner.done(0.05)
        begin = time.monotonic()
        memory, level = _watch(world, runner, process, begin)
        wall = time.monotonic() - begin
        _work_off(runner)
        runner.stop()
        runner.wait(30)
        world.camera.release()
    world.thread.join(10)
    return Soaked(
        played=world.played,
        withheld=world.lost,
        figures=dict(tally.stats.counters if tally.stats else {}),
        events=tally.counts,
        after_end=tally.after_end,
        reason=tally.reason,
        threads=_left(threads),
        handles=process.num_fds() - handles,
        memory=memory,
        wall=wall,
        peak_level=level,
    )


def _watch(
    world: LiveWorld, runner: Runner, process: psutil.Process, begin: float
) -> tuple[list[tuple[float, float]], int]:
    """Play the world to its end; returns the memory, and the highest level of the governor."""
    memory: list[tuple[float, float]] = []
    level, next_line = 0, 60.0
    world.start()
    while not world.over.wait(1.0):
        memory.append((time.monotonic() - begin, float(process.memory_info().rss)))
        level = max(level, runner.load.level)
        if runner.stopping.is_set():
            world.over.set()
        if world.played >= next_line * 5:
            print(
                f"  {world.played / 60:5.1f} min of media after {memory[-1][0] / 60:4.1f} min: "
                f"{memory[-1][1] / 1e6:7.1f} MB, {len(threading.enumerate())} threads, load level {runner.load.level}",
                flush=True,
            )
            next_line += 60.0
    return memory, level


def _work_off(runner: Runner, patience: float = 60.0) -> None:
    """Wait until nothing is on its way any more, so that the stop has nothing to discard."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline and not runner.stopping.is_set():
        if at_rest(runner):
            return
        runner.done(0.1)


def _left(before: set[threading.Thread]) -> list[str]:
    deadline = time.monotonic() + 10
    while left := [thread for thread in threading.enumerate() if thread not in before]:
        if time.monotonic() > deadline:
            return [thread.name for thread in left]
        left[0].join(0.2)
    return []


def report(result: Soaked, faults: Sequence[Fault]) -> bool:
    """Print what a run came to; returns whether all of it holds."""
    kinds = Counter(fault.kind for fault in faults)
    figures = result.figures
    print(f"{result.played / 60:.1f} min of media in {result.wall / 60:.1f} min, {len(faults)} faults:")
    print("  " + ", ".join(f"{kind} {count}" for kind, count in kinds.items()))
    print("  events: " + ", ".join(f"{name} {count}" for name, count in sorted(result.events.items())))
    print(
        f"  sound: played {result.played:.2f} s, captured {figures['audio.captured_seconds']:.2f} s "
        f"+ reported lost {figures.get('audio.lost_seconds', 0.0):.2f} s (not delivered by the device: "
        f"{result.withheld:.2f} s), processed {figures['audio.processed_seconds']:.2f} s"
    )
    print(
        f"  speech: {figures.get('audio.speech_seconds', 0.0):.1f} s, recognised "
        f"{figures.get('audio.recognised_seconds', 0.0):.1f} s, segments that failed "
        f"{figures.get('speech.failed_segments', 0.0):.0f}; highest load level {result.peak_level}"
    )
    slope, long_enough = result.slope(), result.wall >= JUDGED_FROM
    checks = {
        f"every second of sound accounted for (off by {result.unaccounted:.3f} s)": result.unaccounted <= MOST_MISSING,
        f"memory slope {slope:+.2f} MB a minute of media ({slope * result.played / result.wall:+.2f} of this run)"
        f"{'' if long_enough else ', too short a run to judge'}": slope < MOST_SLOPE or not long_enough,
        f"threads left: {', '.join(result.threads) or 'none'}": not result.threads,
        f"file handles left: {max(0, result.handles)}": result.handles <= 0,
        f"End ({result.reason}) {result.events['End']} time, {result.after_end} events after it": (
            result.events["End"] == 1 and result.after_end == 0 and result.reason == "stopped"
        ),
    }
    for text, holds in checks.items():
        print(f"  {'ok  ' if holds else 'FAIL'} {text}")
    return all(checks.values())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60.0, help="minutes of media")
    parser.add_argument("--speed", type=float, default=8.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    arguments = parser.parse_args()
    print(describe())
    config = make_config(arguments.speed, dict(parse_assignment(text) for text in arguments.set))
    print(who_reads(config))
    media = demo_media(fps=max(5.0, 50.0 / arguments.speed))
    # Libraries open files and start threads when they are first used.
    soak(media, config, 10.0, arguments.speed, [])
    faults = make_faults(arguments.minutes * 60, arguments.seed)
    return 0 if report(soak(media, config, arguments.minutes * 60, arguments.speed, faults), faults) else 1


if __name__ == "__main__":
    sys.exit(main())
