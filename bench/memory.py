"""Memory over a long file: the demo speaker looped to an hour, resident memory after 5 minutes and at the end.

Usage: python bench/memory.py [--minutes 60] [--set key=value]...
"""

from __future__ import annotations

import argparse
import math
import tempfile
from pathlib import Path

import psutil
from clips import RATE, looped, read_audio, talking_clip
from machine import describe

from lipstream import Pipeline
from lipstream.config import load_config, parse_assignment
from lipstream.models.assets import resolve
from lipstream.stages.sinks import FORMATS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    arguments = parser.parse_args()
    print(describe())
    sound = read_audio(resolve("media/two_cities.wav"))
    times = math.ceil(arguments.minutes * 60 * RATE / len(sound))
    process = psutil.Process()
    with tempfile.TemporaryDirectory() as folder:
        once = talking_clip(Path(folder) / "once.mp4", sound)
        clip = looped(once, Path(folder) / "clip.mp4", times)
        settings = dict(parse_assignment(text) for text in arguments.set)
        pipeline = Pipeline(load_config("file", {"input": str(clip), **settings}))
        for name, writer in FORMATS.items():
            pipeline.add_sink(name, writer(Path(folder) / f"clip.{name}"))
        next_report, at_five = 0.0, 0.0
        for event in pipeline.events():
            if event.emitted >= next_report:
                resident = process.memory_info().rss / 2**20
                print(f"{event.emitted / 60:6.1f} min of media   {resident:7.1f} MiB", flush=True)
                at_five = resident if 300 <= event.emitted < 600 else at_five
                next_report += 300
        pipeline.wait()
        resident = process.memory_info().rss / 2**20
        print(f"end: {resident:.1f} MiB, {resident - at_five:+.1f} MiB since minute 5")


if __name__ == "__main__":
    main()
