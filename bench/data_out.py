"""What tables, annotations and features cost: processor seconds of whole runs on a clip, and the size of the files.

Usage: python bench/data_out.py [CLIP] [--runs 3] [--set key=value]...

All runs are in one process, in turn, after one that is not counted: networks are loaded once. Without a clip it is the
demo speaker, 8.7 s. Then what one row costs, without any network: the event of a face, and each table of 10,000 of them
with values that differ in every row.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
from machine import describe

from lipstream import Pipeline
from lipstream.config import load_config, parse_assignment
from lipstream.models.assets import resolve
from lipstream.models.face.backend import FaceObservation
from lipstream.models.face.lips import aperture
from lipstream.models.face.pose import CANONICAL_FACE, STABLE_LANDMARKS, head_pose
from lipstream.models.face.tracking import TrackedFace
from lipstream.pipeline import End, Packet
from lipstream.pipeline.testing import run_stage
from lipstream.stages.face.face_features import FeatureReport
from lipstream.stages.payloads import FaceView
from lipstream.stages.sinks import writer_class
from lipstream.stages.sinks.data.formats import format_settings

WANTED: dict[str, tuple[tuple[str, ...], dict[str, object]]] = {
    "no file": ((), {}),
    "words, segments, emotion": (("words.csv", "segments.csv", "emotion.csv"), {}),
    "TextGrid, eaf": (("TextGrid", "eaf"), {}),
    "features as events": ((), {"face.features_rate": 120.0}),
    "features.csv": (("features.csv",), {}),
    "features.parquet": (("features.parquet",), {}),
    "features.csv, landmarks": (("features.csv",), {"face.landmarks": True}),
    "features.parquet, landmarks": (("features.parquet",), {"face.landmarks": True}),
}


def run(clip: Path, folder: Path, formats: tuple[str, ...], settings: dict[str, object]) -> float:
    """Processor seconds of a run that writes these formats."""
    wanted = {**format_settings(formats), "input": str(clip), "events.stats_interval": 0, **settings}
    pipeline = Pipeline(load_config("file", wanted))
    for name in formats:
        pipeline.add_sink(name.replace(".", " "), writer_class(name)(folder / f"clip.{name}", str(clip)))
    begin = time.process_time()
    pipeline.run()
    return time.process_time() - begin


def pictures(count: int) -> list[Packet[FaceView]]:
    """Views of a face that moves at random, a second for every 25."""
    random = np.random.default_rng(0)
    face = np.zeros((478, 3), np.float32)
    face[STABLE_LANDMARKS] = CANONICAL_FACE
    image = np.zeros((360, 640, 3), np.uint8)
    made = []
    for at in range(count):
        landmarks = (80 * (face + random.normal(0, 0.02, face.shape)) + 200).astype(np.float32)
        seen = FaceObservation(landmarks, random.random(52, np.float32), 1.0)
        tracked = TrackedFace(1, seen, (100.0, 100.0, 300.0, 300.0), 0)
        pose = head_pose(landmarks)
        view = FaceView(image, (tracked,), 1, frozenset(), {1: pose}, {1: aperture(landmarks, pose)})
        made.append(Packet(at * 40_000, view))
    return made


def rows(landmarks: bool, count: int) -> None:
    """Tell what a row costs."""
    packets = pictures(count)
    begin = time.process_time()
    events = run_stage(FeatureReport(120.0, landmarks), packets).events
    report = time.process_time() - begin
    told = [f"event {1e6 * report / count:.0f} us"]
    with tempfile.TemporaryDirectory() as name:
        for ending in ("features.csv", "features.parquet"):
            writer = writer_class(ending)(Path(name) / f"clip.{ending}")
            begin = time.process_time()
            for event in [*events, End(reason="finished", duration=count / 25)]:
                writer.handle(event)
            spent = time.process_time() - begin
            size = writer.path.stat().st_size
            told.append(f"{ending} {1e6 * spent / count:.0f} us, {size / count:.0f} bytes")
    print(f"a row{' with landmarks' if landmarks else ''}: {'; '.join(told)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clip", nargs="?", type=Path)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    arguments = parser.parse_args()
    print(describe())
    clip = arguments.clip or resolve("media/obama_speech.mp4")
    given = dict(parse_assignment(text) for text in arguments.set)
    spent: dict[str, list[float]] = {name: [] for name in WANTED}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run(clip, folder, (), given)
        for _ in range(arguments.runs):
            for what, (formats, settings) in WANTED.items():
                spent[what].append(run(clip, folder, formats, {**given, **settings}))
                sizes = {each: (folder / f"clip.{each}").stat().st_size / 1000 for each in formats}
                if len(spent[what]) == arguments.runs:
                    told = ", ".join(f"{each} {size:.0f} kB" for each, size in sizes.items())
                    print(f"{what:28} {statistics.median(spent[what]):6.2f} s of processor   {told}")
    rows(landmarks=False, count=10_000)
    rows(landmarks=True, count=1_000)


if __name__ == "__main__":
    main()
