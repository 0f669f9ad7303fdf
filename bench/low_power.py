"""What `low_power` saves: its processor time beside that of `live`, in turns, in one process.

    python bench/low_power.py [--seconds 30] [--rounds 2] [--quality fast] [--parts] [--json FILE]

All caption the same read speech from a fake microphone, `live` and one of the two `low_power` with the speaker of the
demo clip in view, from a fake camera. Nothing is left out for lack of time: session time waits for a busy machine, and
each picture until the last was dealt with. Figures are seconds of processor time in a second of life, of all threads
but the two that play the world. Loading and the first round are not counted. `--quality fast` is how `live` reads on a
slow machine; on a fast one it takes Whisper. `--parts` tells what each thread took. Exit status 1 if `low_power`, with
the camera or without, takes more than half.
"""

from __future__ import annotations

import argparse
import sys
import threading
from collections import Counter
from statistics import median
from unittest.mock import patch

import psutil
from devices import until
from live_world import LiveWorld, Media, demo_media, fake_devices
from machine import describe, who_reads
from results import Results, add_json_argument

from lipstream.config import Config, load_config
from lipstream.events import TranscriptFinal
from lipstream.pipeline.running import overload as governor
from lipstream.pipeline.running.runner import Runner
from lipstream.pipeline.testing import EventRecorder, ScriptedClock, at_rest
from lipstream.stages.build import build

MOST = 0.5
NEVER_US = 10**12
LONGEST_WAIT = 3.0
HELD_BACK = 5
"""Blocks that the microphone's clock may hold back."""
PLAYERS = ("world", "MainThread")


def configurations(quality: str) -> dict[str, Config]:
    """What is compared, by name; the first is what the others are compared with."""
    return {
        "live": load_config("live", {"speech.quality": quality}),
        "low_power": load_config("low_power"),
        "low_power --camera 0": load_config("low_power", {"video.enabled": True}),
    }


def taken() -> dict[int, float]:
    """Processor seconds of the threads that there are, by id."""
    return {each.id: each.user_time + each.system_time for each in psutil.Process().threads()}


def by_name(begin: dict[int, float], end: dict[int, float]) -> Counter[str]:
    """Seconds that were taken in between, by the name of the thread; those of libraries together."""
    names = {thread.native_id: thread.name for thread in threading.enumerate()}
    seconds: Counter[str] = Counter()
    for thread, took in end.items():
        seconds[names.get(thread, "of libraries")] += took - begin.get(thread, 0.0)
    return seconds


def share(config: Config, media: Media, seconds: float) -> tuple[Counter[str], int]:
    """Processor seconds in a second of a configuration's life, by thread, and the sentences it captioned."""
    clock, events = ScriptedClock(), EventRecorder()
    world = LiveWorld(media, seconds, 1.0, clock)
    with fake_devices(world.microphone, world.camera), patch.object(governor, "BEHIND_US", NEVER_US):
        graph = build(config)
        graph.add("events", events)
        runner = Runner(graph, clock=clock, lossless=False, media_time=False)
        world.settle = Settling(runner, world)
        runner.start()
        while not runner.begun and not runner.stopping.is_set():
            runner.done(0.05)
        begin = taken()
        world.start()
        world.over.wait()
        # What a run has not dealt with yet is work of its own too.
        while not at_rest(runner):
            runner.done(0.05)
        used = by_name(begin, taken())
        runner.stop()
        runner.wait(30)
        world.camera.release()
    world.thread.join(10)
    told = sum(isinstance(event, TranscriptFinal) for event in events.events)
    parts = {name: took / world.played for name, took in used.items() if name not in PLAYERS}
    return Counter(parts), told


class Settling:
    """Waits until what the devices gave has been taken, and nothing is on its way any more.

    Args:
        runner: of the run.
        world: what it hears and sees.
    """

    def __init__(self, runner: Runner, world: LiveWorld) -> None:
        self._runner = runner
        self._world = world
        self._lost = {"audio": HELD_BACK, "video": 0}

    def __call__(self) -> None:
        """Wait."""
        self._world.camera.settle()
        if not until(self._dealt_with, LONGEST_WAIT):
            # What a device has dropped does not come any more.
            self._lost = {source: max(lost, self._waiting(source)) for source, lost in self._lost.items()}

    def _dealt_with(self) -> bool:
        return all(self._waiting(source) <= lost for source, lost in self._lost.items()) and at_rest(self._runner)

    def _waiting(self, source: str) -> int:
        """Of what a device gave, how much has not come into the graph."""
        node = self._runner.nodes.get(source)
        if node is None:
            return 0
        given = self._world.camera.taken if source == "video" else self._world.microphone.blocks
        return given - node.metrics.packets_out


def main() -> int:
    """Run all in turns."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=30.0, help="of life in each run")
    parser.add_argument("--rounds", type=int, default=2, help="runs of each that count")
    parser.add_argument("--quality", default="auto", help="how live reads: auto, fast, balanced")
    parser.add_argument("--parts", action="store_true", help="what each thread took")
    add_json_argument(parser)
    args = parser.parse_args()
    results = Results(f"read speech and the demo speaker, {args.seconds:g} s, medians of {args.rounds}")
    print(describe())
    media, compared = demo_media(fps=25.0), configurations(args.quality)
    shares: dict[str, list[float]] = {name: [] for name in compared}
    for turn in range(args.rounds + 1):
        for name, config in compared.items():
            parts, sentences = share(config, media, args.seconds if turn else min(10.0, args.seconds))
            used = parts.total()
            print(f"{name:20} {100 * used:6.1f} % of a core, {sentences} sentences{'' if turn else ' (not counted)'}")
            if turn:
                shares[name].append(used)
            if args.parts:
                print("   " + ", ".join(f"{part} {100 * took:.1f}" for part, took in parts.most_common(12)))
            sys.stdout.flush()
    holds = True
    for name, config in compared.items():
        ratio = median(shares[name]) / median(shares["live"])
        holds = holds and (name == "live" or ratio <= MOST)
        print(f"{name:20} {100 * median(shares[name]):6.1f} %, {100 * ratio:.0f} % of live; {who_reads(config)}")
        results.value("share of a core", name, median(shares[name]), "share")
        results.value("of what live takes", name, ratio, "share")
    results.write(args.json)
    return int(not holds)


if __name__ == "__main__":
    sys.exit(main())
