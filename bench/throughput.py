"""Speed of file runs at full pace: with faces on a 640x360 clip at 25 frames a second, and with the sound alone.

Usage: python bench/throughput.py [--runs 3] [--set key=value]...
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
from clips import RATE, read_audio, talking_clip
from machine import describe
from results import Results, add_json_argument

from lipstream import Pipeline
from lipstream.config import load_config, parse_assignment
from lipstream.models.assets import resolve
from lipstream.pipeline import Stats


def run(clip: Path, settings: dict[str, object]) -> tuple[float, Stats]:
    """Wall seconds from the start, loading included, to the end; and the last metrics."""
    begin = time.monotonic()
    pipeline = Pipeline(load_config("file", {"input": str(clip), "events.stats_interval": 0, **settings}))
    stats = [event for event in pipeline.events() if isinstance(event, Stats)][-1]
    return time.monotonic() - begin, stats


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--repeat", type=int, default=4, help="how often the sound is repeated in the clip")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    add_json_argument(parser)
    arguments = parser.parse_args()
    print(describe())
    sound = np.tile(read_audio(resolve("media/two_cities.wav")), arguments.repeat)
    seconds = len(sound) / RATE
    settings = dict(parse_assignment(text) for text in arguments.set)
    results = Results(f"{seconds:.0f} s of read speech, a 640x360 picture at 25 frames a second, {arguments.runs} runs")
    with tempfile.TemporaryDirectory() as folder:
        clip = talking_clip(Path(folder) / "clip.mp4", sound)
        for name, extra in (("sound and faces", {}), ("sound alone", {"video.enabled": False})):
            runs = [run(clip, {**settings, **extra}) for _ in range(arguments.runs)]
            wall = statistics.median(wall for wall, _ in runs)
            print(f"{name:16} {seconds:.0f} s of media in {wall:.1f} s: {seconds / wall:.1f} times real time")
            results.value("times real time, loading included", name, seconds / wall, "")
            for stage, figures in runs[-1][1].stages.items():
                print(f"    {stage:12} busy {figures['busy_seconds']:7.2f} s")
    results.write(arguments.json)


if __name__ == "__main__":
    main()
