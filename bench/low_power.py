"""What `low_power` saves: its processor time beside that of `live`, in turns, in one process.

    python bench/low_power.py [--seconds 30] [--rounds 2]

Both caption the same read speech with the speaker of the demo clip in view, from a fake microphone and a fake camera.
Nothing is left out for lack of time (session time waits for a busy machine), so each does all of its work. Figures are
seconds of processor time, of all threads, in a second of life. Loading and the first round are not counted. Exit status
1 if `low_power` takes more than half.
"""

from __future__ import annotations

import argparse
import sys
import time
from statistics import median
from unittest.mock import patch

from live_world import LiveWorld, Media, demo_media, fake_devices
from machine import describe, who_reads

from lipstream.config import load_config
from lipstream.events import TranscriptFinal
from lipstream.pipeline.running import overload as governor
from lipstream.pipeline.running.runner import Runner
from lipstream.pipeline.testing import EventRecorder, ScriptedClock, at_rest
from lipstream.stages.build import build

MOST = 0.5
NAMES = ("live", "low_power")
NEVER_US = 10**12


def share(name: str, media: Media, seconds: float) -> tuple[float, int]:
    """Processor seconds in a second of a configuration's life, and the sentences it captioned."""
    clock, events = ScriptedClock(), EventRecorder()
    world = LiveWorld(media, seconds, 1.0, clock)
    with fake_devices(world.microphone, world.camera), patch.object(governor, "BEHIND_US", NEVER_US):
        graph = build(load_config(name))
        graph.add("events", events)
        runner = Runner(graph, clock=clock, lossless=False, media_time=False)
        runner.start()
        while not runner.begun and not runner.stopping.is_set():
            runner.done(0.05)
        begin = time.process_time()
        world.start()
        world.over.wait()
        # What a run has not dealt with yet is work of its own too.
        while not at_rest(runner):
            runner.done(0.05)
        used = time.process_time() - begin
        runner.stop()
        runner.wait(30)
        world.camera.release()
    world.thread.join(10)
    return used / world.played, sum(isinstance(event, TranscriptFinal) for event in events.events)


def main() -> int:
    """Run both in turns."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=30.0, help="of life in each run")
    parser.add_argument("--rounds", type=int, default=2, help="runs of each that count")
    args = parser.parse_args()
    print(describe())
    media = demo_media(fps=25.0)
    shares: dict[str, list[float]] = {name: [] for name in NAMES}
    for turn in range(args.rounds + 1):
        for name in NAMES:
            used, sentences = share(name, media, args.seconds)
            print(f"{name:10} {100 * used:6.1f} % of a core, {sentences} sentences{'' if turn else ' (not counted)'}")
            if turn:
                shares[name].append(used)
    for name in NAMES:
        print(f"{name:10} {100 * median(shares[name]):6.1f} %; {who_reads(load_config(name))}")
    ratio = median(shares["low_power"]) / median(shares["live"])
    print(f"low_power takes {100 * ratio:.0f} % of the processor time of live")
    return int(ratio > MOST)


if __name__ == "__main__":
    sys.exit(main())
