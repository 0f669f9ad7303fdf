"""What recordings cost: time, processor time and memory, start included, beside what others take for parts of it.

Usage: python bench/throughput.py [--only NAME[,NAME]] [--runs 1] [--set key=value]... [--json FILE]
       python bench/throughput.py --only ten,sound,whisper_ten --json FILE      (ten minutes of media)
       python bench/throughput.py --stages minute,two,minute_sound             (where the time goes)

Every line is a process of its own. Speed is told by the wall clock and by the processor seconds that were used, spread
over two cores: on a machine that others use as well only the latter means anything. The clips are the demo speaker at
640x360 and 25 frames a second under read speech, with one face, or with two that both move; ten minutes are one minute,
repeated. With --stages the processor seconds of each component's thread are told, from its opening to its end; what
remains is of other threads: FFmpeg's decoders, the start, and who delivers events.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from clips import RATE, demo_frames, looped, read_audio, talking_clip
from machine import describe
from results import Results, add_json_argument

from lipstream.models.assets import resolve, resolve_folder

CORES = 2
ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Cost:
    """Of one process: wall and processor seconds, peak resident memory in MiB."""

    wall: float
    cpu: float
    peak: float


@dataclass(frozen=True)
class Line:
    """What is measured.

    Attributes:
        title: what it is.
        clip: name of the clip.
        seconds: of media.
        bar: times real time that it should reach; None for none.
        command: what to run on the clip.
    """

    title: str
    clip: str
    seconds: float
    bar: float | None
    command: Callable[[Path], list[str]]


def captions(*options: str) -> Callable[[Path], list[str]]:
    """The command `file` as anybody calls it."""
    more = [part for option in options for part in option.split()]
    return lambda clip: [
        sys.executable,
        "-m",
        "lipstream",
        "file",
        str(clip),
        "-o",
        str(clip.parent),
        "-q",
        "--overwrite",
        *more,
    ]


def inside(what: str, *options: str) -> Callable[[Path], list[str]]:
    """A part of this program."""
    return lambda clip: [sys.executable, __file__, "--inside", what, str(clip), *options]


LINES = {
    "minute": Line("60 s, one face, emotion", "minute", 60, 7, captions()),
    "two": Line("60 s, two faces that both move, emotion", "two", 60, 7, captions()),
    "every": Line("60 s, one face, every picture looked at", "minute", 60, None, captions("--set face.looks=every")),
    "ten": Line("10 min, one face, emotion", "ten", 600, 9, captions()),
    "minute_sound": Line("60 s, sound only", "minute", 60, None, captions("--no-video")),
    "sound": Line("10 min, sound only", "ten", 600, 30, captions("--no-video")),
    "short": Line("9 s, one face, emotion", "short", 9, None, captions()),
    "short_sound": Line("9 s, sound only", "short", 9, None, captions("--no-video")),
    "start": Line("start to the first work", "short", 0, None, inside("start")),
    "whisper": Line("peer: faster-whisper base int8, 60 s of sound", "minute", 60, None, inside("whisper")),
    "whisper_ten": Line("peer: the same, 10 min", "ten", 600, None, inside("whisper")),
    "mediapipe": Line("peer: MediaPipe at every picture, 60 s", "minute", 60, None, inside("mediapipe")),
}


def measure(command: list[str]) -> tuple[Cost, str]:
    """Run a command and tell what it cost, and what it printed."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    begin = time.monotonic()
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    assert child.stdout is not None
    told = child.stdout.read()
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{' '.join(command)} failed with {child.returncode}")
    return Cost(time.monotonic() - begin, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024), told.strip()


def make_clips(folder: Path, wanted: set[str]) -> dict[str, Path]:
    """The clips that are needed."""
    sound = np.tile(read_audio(resolve("media/two_cities.wav")), 2)
    made: dict[str, Path] = {}
    if wanted & {"minute", "ten"}:
        made["minute"] = talking_clip(folder / "minute.mp4", sound[: 60 * RATE])
    if "ten" in wanted:
        made["ten"] = looped(made["minute"], folder / "ten.mp4", 10)
    if "short" in wanted:
        made["short"] = talking_clip(folder / "short.mp4", sound[: 9 * RATE])
    if "two" in wanted:
        one = demo_frames(320, 360)
        other = one[len(one) // 2 :] + one[: len(one) // 2]
        both = [np.hstack(pair) for pair in zip(one, other, strict=True)]
        made["two"] = talking_clip(folder / "two.mp4", sound[: 60 * RATE], frames=both)
    return made


def run_start(clip: Path) -> None:
    """Print the seconds of this process until the first sound is handed on: on the wall clock, and of the processor."""
    import psutil

    from lipstream import Pipeline
    from lipstream.config import Config, load_config
    from lipstream.pipeline import Graph, Packet, Port, Sink
    from lipstream.stages.build import build
    from lipstream.stages.payloads import AudioBlock

    first: list[tuple[float, float]] = []

    class First(Sink):
        inputs = {"audio": Port(AudioBlock)}  # noqa: RUF012 - as every component has it

        def process(self, port: str, packet: Packet[AudioBlock]) -> None:
            if not first:
                first.append((time.time() - psutil.Process().create_time(), time.process_time()))

    def graph(config: Config) -> Graph:
        made = build(config)
        made.add("first", First())
        made.connect("audio.audio", "first.audio")
        return made

    pipeline = Pipeline(load_config("file", {"input": str(clip)}), graph)
    pipeline.run()
    wall, cpu = first[0]
    print(f"{wall:.2f} s, {cpu:.2f} processor seconds, to the first sound that is handed on")


def run_whisper(clip: Path) -> None:
    """Transcribe with faster-whisper as it comes, with its own voice activity."""
    from faster_whisper import WhisperModel

    model = WhisperModel(str(resolve_folder("whisper-base/")), device="cpu", compute_type="int8", cpu_threads=CORES)
    found, _ = model.transcribe(str(clip), vad_filter=True, word_timestamps=True)
    print(f"{sum(len(each.text.split()) for each in found)} words")


def run_mediapipe(clip: Path) -> None:
    """Look at every picture with MediaPipe's face landmarker, two faces, blendshapes."""
    import av
    import mediapipe as mp
    from mediapipe.tasks.python import BaseOptions, vision

    options = vision.FaceLandmarkerOptions(
        base_options=BaseOptions(model_asset_path=str(resolve("face_landmarker.task"))),
        running_mode=vision.RunningMode.VIDEO,
        num_faces=2,
        output_face_blendshapes=True,
    )
    seen = 0
    with vision.FaceLandmarker.create_from_options(options) as landmarker, av.open(str(clip)) as container:
        for frame in container.decode(video=0):
            image = mp.Image(image_format=mp.ImageFormat.SRGB, data=frame.to_ndarray(format="rgb24"))
            seen += len(landmarker.detect_for_video(image, round(float(frame.time or 0) * 1000)).face_landmarks)
    print(f"{seen} faces in all pictures")


def note(results: Results, line: Line, costs: list[Cost]) -> None:
    """Note the median of the runs."""
    wall, cpu, peak = (statistics.median(getattr(cost, each) for cost in costs) for each in ("wall", "cpu", "peak"))
    results.value("seconds by the clock", line.title, wall, "s")
    results.value("processor seconds", line.title, cpu, "s")
    results.value("most memory", line.title, peak, "MiB")
    if line.seconds:
        results.value("times real time by the clock", line.title, line.seconds / wall, "")
        results.value(
            f"times real time by processor seconds on {CORES} cores", line.title, line.seconds * CORES / cpu, ""
        )


def run_stages(clip: Path, *settings: str) -> None:
    """Print the processor seconds of each component of a run over a clip, and of the whole process, as JSON."""
    from lipstream import Pipeline
    from lipstream.config import Config, load_config, parse_assignment
    from lipstream.pipeline import Component, Graph
    from lipstream.stages.build import build

    used: dict[str, float] = {}

    def timed(name: str, component: Component) -> None:
        close = component.close

        def closed() -> None:
            close()
            used[name] = time.thread_time()
            # Else the component would refer to itself.
            vars(component).pop("close")

        vars(component)["close"] = closed

    def graph(config: Config) -> Graph:
        used["imports"] = time.process_time()
        made = build(config)
        used["imports"] = time.process_time()
        for name, component in made.components.items():
            timed(name, component)
        return made

    Pipeline(load_config("file", {"input": str(clip), **dict(map(parse_assignment, settings))}), graph).run()
    used["all"] = time.process_time()
    print(json.dumps(used))


INSIDE: dict[str, Callable[..., None]] = {
    "stages": run_stages,
    "start": run_start,
    "whisper": run_whisper,
    "mediapipe": run_mediapipe,
}


def show(line: Line, costs: list[Cost], told: str) -> None:
    """Print the median of the runs."""
    wall, cpu, peak = (statistics.median(getattr(cost, each) for cost in costs) for each in ("wall", "cpu", "peak"))
    speed = ""
    if line.seconds:
        by_cpu = line.seconds * CORES / cpu
        bar = "" if line.bar is None else f" (wanted {line.bar:.0f})"
        speed = f"  {line.seconds / wall:5.1f}x by the clock  {by_cpu:5.1f}x by the processor{bar}"
    print(f"{line.title:46} {wall:7.1f} s  {cpu:7.1f} cpu s  {peak:5.0f} MiB{speed}  {told}", flush=True)


def show_stages(names: list[str], settings: list[str], runs: int, results: Results) -> None:
    """Print where the processor seconds of some lines go, the median of the runs."""
    with tempfile.TemporaryDirectory() as folder:
        clips = make_clips(Path(folder), {LINES[name].clip for name in names})
        for name in names:
            line = LINES[name]
            sound_only = "--no-video" in line.command(Path())
            wanted = [*settings, *(["video.enabled=false"] if sound_only else [])]
            command = [sys.executable, __file__, "--inside", "stages", str(clips[line.clip]), *wanted]
            found: list[dict[str, float]] = [json.loads(measure(command)[1]) for _ in range(runs)]
            used = {part: statistics.median(each[part] for each in found) for part in found[0]}
            total = used.pop("all")
            used["other threads"] = total - sum(used.values())
            print(f"{line.title}: {total:.1f} processor seconds")
            for part, seconds in sorted(used.items(), key=lambda item: -item[1]):
                if seconds >= 0.005 * total:
                    print(f"  {part:20} {seconds:6.2f} s  {seconds / total:5.1%}", flush=True)
                    results.value(f"processor seconds: {part}", line.title, seconds, "s")
            results.value("processor seconds: all", line.title, total, "s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(LINES), metavar="NAME[,NAME]", help=", ".join(LINES))
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="for the lines of Lipstream")
    parser.add_argument("--stages", metavar="NAME[,NAME]", help="tell where the time goes instead")
    parser.add_argument("--inside", nargs="+", metavar="WHAT CLIP", help=argparse.SUPPRESS)
    add_json_argument(parser)
    arguments = parser.parse_args()
    if arguments.inside:
        what, clip, *more = arguments.inside
        INSIDE[what](Path(clip), *more)
        return
    print(describe(), flush=True)
    results = Results("the demo speaker at 640x360 and 25 frames a second under read speech")
    if arguments.stages:
        show_stages(arguments.stages.split(","), arguments.set, arguments.runs, results)
        results.write(arguments.json)
        return
    names = arguments.only.split(",")
    with tempfile.TemporaryDirectory() as folder:
        clips = make_clips(Path(folder), {LINES[name].clip for name in names})
        for name in names:
            line = LINES[name]
            command = line.command(clips[line.clip])
            if "-m" in command:
                command += [part for value in arguments.set for part in ("--set", value)]
            runs = [measure(command) for _ in range(arguments.runs)]
            costs = [cost for cost, _ in runs]
            show(line, costs, runs[-1][1] if "--inside" in command else "")
            note(results, line, costs)
    results.write(arguments.json)


if __name__ == "__main__":
    main()
