"""Many short recordings: `lipstream batch` against a plain loop, by workers, and on two simulated machines.

Usage: python bench/batch.py [--clips 1000] [--seconds 5] [--runs 1] [--of plain,1,2,machines] [--json FILE]
           [-- OPTION...]

The clips are cuts of the read speech of the demo assets. `plain` is `lipstream file` on all of them, one process; a
number is `lipstream batch --workers N` with a Ray of its own; `machines` is a Ray cluster of two nodes of one core each
(`ray.cluster_utils`). What comes behind `--` goes to both commands, such as --quality fast.

Of each way, medians of the runs: seconds to the first recording done; then, from there to the last, seconds a clip,
processor seconds a clip of all processes together, and how much of all cores that is; how much of the time workers had
a clip in hand, by their rows (on a busy machine that tells whether they wait for Ray); memory of a worker, MiB, after
a quarter, a half and nine tenths of the clips; and what an hour of media costs in processor time.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import psutil
from clips import RATE, read_audio
from machine import describe
from results import Results, add_json_argument

from lipstream.models.assets import resolve

MAIN = Path(__file__).resolve().parents[1] / "main.py"
SAMPLE_SECONDS = 0.5
STORE = 80 * 1024 * 1024


@dataclass
class Sample:
    """What the processes of a run had used at a time."""

    time: float
    cpu: float
    worker: float


class Watch:
    """Adds up the processor time of all processes below this one, and notes the memory of the largest worker."""

    def __init__(self) -> None:
        self.samples: list[Sample] = []
        self._over = threading.Event()
        self._used: dict[int, float] = {}
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def _look(self) -> None:
        while not self._over.wait(SAMPLE_SECONDS):
            largest = 0.0
            for process in psutil.Process().children(recursive=True):
                try:
                    times = process.cpu_times()
                    self._used[process.pid] = times.user + times.system
                    command = " ".join(process.cmdline())
                    if command.startswith("ray::MapWorker") or " file " in command:
                        largest = max(largest, process.memory_info().rss / 2**20)
                except psutil.Error:
                    continue
            self.samples.append(Sample(time.time(), sum(self._used.values()), largest))

    def end(self) -> None:
        """Look no more."""
        self._over.set()
        self._thread.join()

    def at(self, moment: float) -> Sample:
        """The sample nearest to a time."""
        return min(self.samples, key=lambda sample: abs(sample.time - moment))


@dataclass
class Figures:
    """What a run came to."""

    first: float
    clip: float
    cpu: float
    busy: float
    working: float
    memory: tuple[float, float, float]


def cut(folder: Path, count: int, seconds: float) -> list[Path]:
    """Write clips of speech, each beginning elsewhere in it."""
    sound = (read_audio(resolve("media/two_cities.wav")) * 32767).astype(np.int16)
    length = round(seconds * RATE)
    paths = []
    for index in range(count):
        start = index * (RATE * 3 // 4) % (len(sound) - length)
        path = folder / f"clip{index:05}.wav"
        with wave.open(str(path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(RATE)
            file.writeframes(sound[start : start + length].tobytes())
        paths.append(path)
    return paths


@contextmanager
def machines() -> Iterator[str]:
    """The address of a cluster of two machines of one core each."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    from ray.cluster_utils import Cluster

    head = {"num_cpus": 1, "object_store_memory": STORE, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, connect=False, head_node_args=head)
    cluster.add_node(num_cpus=1, object_store_memory=STORE)
    try:
        yield str(cluster.address)
    finally:
        cluster.shutdown()


def run(way: str, clips: list[Path], options: list[str]) -> Figures:
    """Caption all clips one way."""
    with tempfile.TemporaryDirectory() as out:
        if way == "machines":
            with machines() as address:
                command = ["batch", str(clips[0].parent), "--address", address]
                return measured(command, Path(out), options, len(clips), workers=2)
        if way == "plain":
            one_core = ["--set", "face.threads=1", "--set", "speech.threads=1"]
            return measured(["file", *map(str, clips), *one_core], Path(out), options, len(clips))
        return measured(["batch", str(clips[0].parent), "--workers", way], Path(out), options, len(clips), int(way))


def working(out: Path, workers: int) -> float:
    """Share of the time, from the first row to the last, in which workers had a clip in hand; NaN without rows."""
    rows = out / "manifest.out.jsonl"
    if not rows.exists():
        return float("nan")
    records = [json.loads(line) for line in rows.read_text(encoding="utf-8").splitlines()]
    spans = [(datetime.fromisoformat(each["finished"]).timestamp(), each["wall"]) for each in records]
    begin, end = min(done for done, _ in spans), max(done for done, _ in spans)
    in_hand = sum(max(0.0, done - max(begin, done - wall)) for done, wall in spans)
    return in_hand / (workers * (end - begin))


def measured(command: list[str], out: Path, options: list[str], count: int, workers: int = 1) -> Figures:
    """Run a command, and work out its figures from when each clip was done."""
    watch, begun = Watch(), time.time()
    subprocess.run([sys.executable, MAIN, *command, "-o", out, "-f", "txt,json", "-q", *options], check=True)
    watch.end()
    done = sorted(path.stat().st_mtime for path in out.glob("*.json"))
    assert len(done) == count, f"{len(done)} of {count} clips were done"
    first, last = watch.at(done[0]), watch.at(done[-1])
    wall, cpu = last.time - first.time, last.cpu - first.cpu
    memory = [watch.at(done[index]).worker for index in (count // 4, count // 2, count * 9 // 10)]
    return Figures(
        first=done[0] - begun,
        clip=wall / (count - 1),
        cpu=cpu / (count - 1),
        busy=cpu / wall / (os.cpu_count() or 1),
        working=working(out, workers),
        memory=(memory[0], memory[1], memory[2]),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--of", default="plain,1,2,machines")
    parser.add_argument("options", nargs="*")
    add_json_argument(parser)
    arguments = parser.parse_args()
    print(describe())
    results = Results(f"{arguments.clips} clips of {arguments.seconds:g} s of read speech")
    load = os.getloadavg()[0]
    print(
        f"{arguments.clips} clips of {arguments.seconds:g} s; load before {load:.1f}; medians of {arguments.runs} runs"
    )
    header = ("first s", "s/clip", "cpu s/clip", "cores busy", "workers working", "worker MiB", "cpu s/h of media")
    print(f"{'way':10}" + "".join(f"{each:>17}" for each in header))
    ways = arguments.of.split(",")
    figures: dict[str, list[Figures]] = {way: [] for way in ways}
    with tempfile.TemporaryDirectory() as folder:
        clips = cut(Path(folder), arguments.clips, arguments.seconds)
        for _ in range(arguments.runs):
            for way in ways:
                figures[way].append(run(way, clips, arguments.options))
    for way, runs in figures.items():
        names = ("first", "clip", "cpu", "busy", "working")
        first, clip, cpu, busy, work = (statistics.median(getattr(each, name) for each in runs) for name in names)
        memory = " ".join(f"{value:.0f}" for value in runs[-1].memory)
        hour = cpu * 3600 / arguments.seconds
        print(f"{way:10}{first:17.1f}{clip:17.2f}{cpu:17.2f}{busy:17.0%}{work:17.0%}{memory:>17}{hour:17.0f}")
        system = {"plain": "file, one process", "machines": "two machines of one core"}.get(way, f"{way} workers")
        results.value("first clip done after", system, first, "s")
        results.value("seconds a clip", system, clip, "s")
        results.value("processor seconds a clip", system, cpu, "s")
        results.value("of all cores busy", system, busy, "share")
        if work == work:  # there are no rows of `file`
            results.value("workers with a clip in hand", system, work, "share")
        for when, value in zip(("a quarter", "a half", "nine tenths"), runs[-1].memory, strict=True):
            results.value(f"memory of a worker after {when}", system, value, "MiB")
        results.value("processor seconds for an hour of media", system, hour, "s")
    results.write(arguments.json)


if __name__ == "__main__":
    main()
