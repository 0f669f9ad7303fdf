"""Memory: over a long file, and over many short runs in one process.

Usage: python bench/memory.py [--minutes 60] [--set key=value]...
       python bench/memory.py --runs 60 [--of file,python,serve] [--faces both]

Without --runs: the demo speaker looped to an hour; resident memory after 5 minutes and at the end. With it, the
resident memory of a process that captions so many copies of a talking head of 4 s, after the third, after every tenth
and at the end: by the command `file`, by `Pipeline` in Python, and by uploads to `serve`.
"""

from __future__ import annotations

import argparse
import math
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psutil
from clips import RATE, looped, read_audio, talking_clip
from machine import describe

from lipstream import Pipeline
from lipstream.commands.main import main as lipstream
from lipstream.config import load_config, parse_assignment
from lipstream.models.assets import resolve
from lipstream.stages.sinks import FORMATS

SECONDS = 4.0
ROOT = Path(__file__).resolve().parents[1]


def resident(process: psutil.Process) -> float:
    """Resident memory in MiB."""
    return float(process.memory_info().rss) / 2**20


def long_file(minutes: float, settings: dict[str, object]) -> None:
    """Caption a long file and tell the memory on the way."""
    sound = read_audio(resolve("media/two_cities.wav"))
    times = math.ceil(minutes * 60 * RATE / len(sound))
    process = psutil.Process()
    with tempfile.TemporaryDirectory() as folder:
        once = talking_clip(Path(folder) / "once.mp4", sound)
        clip = looped(once, Path(folder) / "clip.mp4", times)
        pipeline = Pipeline(load_config("file", {"input": str(clip), **settings}))
        for name, writer in FORMATS.items():
            pipeline.add_sink(name, writer(Path(folder) / f"clip.{name}"))
        next_report, at_five = 0.0, 0.0
        for event in pipeline.events():
            if event.emitted >= next_report:
                now = resident(process)
                print(f"{event.emitted / 60:6.1f} min of media   {now:7.1f} MiB", flush=True)
                at_five = now if 300 <= event.emitted < 600 else at_five
                next_report += 300
        pipeline.wait()
        now = resident(process)
        print(f"end: {now:.1f} MiB, {now - at_five:+.1f} MiB since minute 5")


def by_python(clips: list[Path], faces: bool) -> Iterator[float]:
    """One `Pipeline` after the other."""
    process = psutil.Process()
    for clip in clips:
        Pipeline.from_config("file", input=str(clip), **{"video.enabled": faces}).run()
        yield resident(process)


def by_file(clips: list[Path], faces: bool) -> Iterator[float]:
    """One command for all: looked at whenever another output is there."""
    process, out = psutil.Process(), clips[0].parent / "out"
    options = [] if faces else ["--no-video"]
    command = ["file", *map(str, clips), "-o", str(out), "-f", "srt", "-q", *options]
    running = threading.Thread(target=lipstream, args=(command,))
    running.start()
    for clip in clips:
        while running.is_alive() and not (out / f"{clip.stem}.srt").exists():
            time.sleep(0.01)
        yield resident(process)
    running.join()


def by_serve(clips: list[Path], faces: bool) -> Iterator[float]:
    """A server, and one upload after the other."""
    options = [] if faces else ["--set", "video.enabled=false"]
    command = [sys.executable, "-m", "lipstream", "serve", "--port", "0", *options]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as server:
        try:
            assert server.stderr is not None
            url = next(found[0] for line in server.stderr if (found := re.search(r"http://\S+", line))).rstrip("/")
            process = psutil.Process(server.pid)
            with httpx.Client(base_url=url, timeout=120) as client:
                for clip in clips:
                    _upload(client, clip)
                    yield resident(process)
        finally:
            server.terminate()


def _upload(client: httpx.Client, clip: Path) -> None:
    sent = client.post(
        "/api/files",
        params={"name": clip.name},
        content=clip.read_bytes(),
        headers={"Origin": str(client.base_url).rstrip("/")},
    )
    sent.raise_for_status()
    address = f"/api/files/{sent.json()['file']}"
    while (state := client.get(address).json()["state"]) not in ("done", "failed"):
        time.sleep(0.05)
    if state != "done":
        raise RuntimeError(f"{clip.name} was not captioned")
    client.delete(address, headers={"Origin": str(client.base_url).rstrip("/")})


WAYS: dict[str, Callable[[list[Path], bool], Iterator[float]]] = {
    "file": by_file,
    "python": by_python,
    "serve": by_serve,
}


def many_runs(way: str, count: int, faces: bool) -> None:
    """Caption copies of a clip in one way and tell the memory on the way."""
    with tempfile.TemporaryDirectory() as folder:
        sound = read_audio(resolve("media/two_cities.wav"))[: round(SECONDS * RATE)]
        once = talking_clip(Path(folder) / "once.mp4", sound)
        clips = [Path(shutil.copy(once, Path(folder) / f"clip{index}.mp4")) for index in range(count)]
        after: dict[int, float] = {}
        for index, now in enumerate(WAYS[way](clips, faces), 1):
            if index == 3 or index % 10 == 0 or index == count:
                after[index] = now
        last = max(after)
        row = "  ".join(f"{index}: {now:.0f}" for index, now in after.items())
        print(
            f"{way:7}{'with' if faces else 'without'} faces  {row} MiB  {after[last] - after[3]:+.0f} since the third"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--runs", type=int)
    parser.add_argument("--of", default=",".join(WAYS), metavar="WAY[,WAY]")
    parser.add_argument("--faces", choices=("both", "with", "without"), default="both")
    parser.add_argument("--in-this-process", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.runs is None:
        print(describe())
        long_file(arguments.minutes, dict(parse_assignment(text) for text in arguments.set))
    elif arguments.in_this_process:
        many_runs(arguments.of, arguments.runs, arguments.faces == "with")
    else:
        print(describe(), flush=True)
        for way in arguments.of.split(","):
            for faces in ("with", "without") if arguments.faces == "both" else (arguments.faces,):
                options = ["--runs", str(arguments.runs), "--of", way, "--faces", faces, "--in-this-process"]
                subprocess.run([sys.executable, __file__, *options], check=True)


if __name__ == "__main__":
    main()
