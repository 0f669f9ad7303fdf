"""A day of the real pipeline in accelerated time: memory, and whether every sentence is in every format.

    python bench/all_day_pipeline.py [--hours 8] [--every 60] [--config live] [--set key=value]... [--json FILE]

Microphone and camera are fake, the rest is what `live` runs: sound in blocks of 20 ms, voice activity, recognisers,
speakers, emotion, faces, into every text format and a terminal. Every minute (`--every`) some 5 s are read speech and
the rest is a quiet room, as most of a day is; a picture of a face comes every 10 s. The world goes on once what came
was dealt with, so nothing is lost on a slow machine, and a fast one is as fast as it can be. (`bench/all_day.py` is a
day of events alone, `bench/soak.py` an hour with faults and full pictures.)

Checked: every format has a sentence for each time that somebody spoke; resident memory grows by less than 30 MB from
the first quarter to the end. Exit status 1 if not.
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
import tempfile
import time
from pathlib import Path
from unittest.mock import patch

import numpy as np
import psutil
from all_day import KEPT, Terminal
from live_world import DEVICE_RATE, LiveWorld, Media, demo_media, fake_devices
from low_power import NEVER_US, Settling
from machine import describe, who_reads
from results import Results, add_json_argument

from lipstream.config import Config, load_config, parse_assignment
from lipstream.pipeline.running import overload as governor
from lipstream.pipeline.running.runner import Runner
from lipstream.pipeline.testing import ScriptedClock, at_rest
from lipstream.stages.build import build
from lipstream.stages.sinks import FORMATS, ConsoleSink
from lipstream.stages.sinks.text_file import TextFile

SPOKEN = 5.4
"""Seconds of read speech; it ends in a pause of its reader."""
ROOM = 0.0005
"""Level of a quiet room, full scale being 1."""
PICTURES = 0.1
"""A second."""
MOST_GROWTH = 30.0
SETTINGS = {"video.freeze_after": 60.0, "face.max_gap": 30.0, "lips.max_gap": 0.2}
"""A picture in ten seconds is no camera that hangs."""


def day(every: float) -> Media:
    """One stretch of it, which comes over and over again."""
    whole = demo_media(PICTURES)
    room = np.random.default_rng(1).normal(0.0, ROOM, round(every * DEVICE_RATE)).astype(np.float32)
    begin, count = round(every * DEVICE_RATE) // 2, round(SPOKEN * DEVICE_RATE)
    room[begin : begin + count] += whole.sound[:count]
    return Media(room, whole.pictures, PICTURES)


def run(config: Config, hours: float, every: float, results: Results) -> bool:
    """Live through it; whether all of it holds."""
    process, clock = psutil.Process(), ScriptedClock()
    # As fast as it can: the world waits for what came to be dealt with.
    world = LiveWorld(day(every), hours * 3600, 1e6, clock)
    memory: list[tuple[float, float]] = []
    with (
        tempfile.TemporaryDirectory() as folder,
        fake_devices(world.microphone, world.camera),
        patch.object(governor, "BEHIND_US", NEVER_US),
    ):
        graph = build(config)
        places = {name: Path(folder) / f"day.{name}" for name in KEPT}
        for name, path in places.items():
            graph.add(name, FORMATS[name](path, "live"))
        graph.add("console", ConsoleSink(Terminal(), Terminal()))
        graph.add("text file", TextFile(Path(folder) / "now.txt"))
        runner = Runner(graph, clock=clock, lossless=False, media_time=False, stats_interval=600.0)
        world.settle = Settling(runner, world)
        runner.start()
        while not runner.begun and not runner.stopping.is_set():
            runner.done(0.05)
        begin, used, mark = time.monotonic(), time.process_time(), 0.0
        world.start()
        while not world.over.wait(1.0):
            memory.append((world.played / 3600, process.memory_info().rss / 1e6))
            if memory[-1][0] >= mark:
                mark += hours / 8
                # The terminal takes what is printed while it shows something.
                line = f"  after {memory[-1][0]:4.2f} h: {memory[-1][1]:6.1f} MB resident"
                print(line, file=sys.__stdout__, flush=True)
        while not at_rest(runner):
            runner.done(0.05)
        gc.collect()
        memory.append((world.played / 3600, process.memory_info().rss / 1e6))
        wall, used = time.monotonic() - begin, time.process_time() - used
        runner.stop()
        runner.wait(60)
        world.camera.release()
        found = {name: sentences(name, path) for name, path in places.items()}
    world.thread.join(10)
    quarter = next(rss for hour, rss in memory if hour >= hours / 4)
    growth, spoken = memory[-1][1] - quarter, int(hours * 3600 / every)
    for eighth in range(1, 9):
        hour, rss = min(memory, key=lambda sample: abs(sample[0] - hours * eighth / 8))
        results.value(f"resident memory after {hour:.2g} h", "Lipstream", rss, "MB")
    results.value("processor time of an hour", "Lipstream", used / hours, "s")
    results.value("sentences", "Lipstream", min(found.values()), f"of {spoken}")
    print(f"{hours:g} hours in {wall:.0f} s, {used:.0f} s of processor time; {memory[-1][1]:.1f} MB at the end")
    print(f"  from the first quarter on: {growth:+.1f} MB")
    print(f"  somebody spoke {spoken} times; sentences kept: " + ", ".join(f"{k} {n}" for k, n in found.items()))
    return growth < MOST_GROWTH and all(count >= spoken for count in found.values())


def sentences(name: str, path: Path) -> int:
    """How many sentences a file has; of subtitles, cues."""
    text = path.read_text(encoding="utf-8")
    if name == "json":
        return len(json.loads(text)["segments"])
    if name == "jsonl":
        return sum('"TranscriptFinal"' in line for line in text.splitlines())
    if name in ("srt", "vtt"):
        return text.count(" --> ")
    return len(text.splitlines()) - (name == "tsv")


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, default=8.0)
    parser.add_argument("--every", type=float, default=60.0, help="seconds from one sentence to the next")
    parser.add_argument("--config", default="live")
    parser.add_argument("--set", dest="settings", action="append", default=[], metavar="KEY=VALUE")
    add_json_argument(parser)
    args = parser.parse_args()
    results = Results(f"{args.hours:g} h, a sentence every {args.every:g} s, a picture every {1 / PICTURES:g} s")
    config = load_config(args.config, {**SETTINGS, **dict(map(parse_assignment, args.settings))})
    print(describe())
    print(who_reads(config))
    holds = run(config, args.hours, args.every, results)
    results.write(args.json)
    print("all of it holds" if holds else "NOT all of it holds")
    return int(not holds)


if __name__ == "__main__":
    sys.exit(main())
