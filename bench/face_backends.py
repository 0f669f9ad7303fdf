"""Milliseconds a frame of the face backends, side by side in one run.

    python -m bench.face_backends [CLIP] [--frames 100]

Every frame is scaled to 360 lines first and given to the backends in turn, so that a busy moment of the machine meets
all of them. `follow` is the normal course of things; for `search` a backend forgets its faces before each frame (which
is not timed), so that it looks for them anew.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import av
import cv2
import numpy as np

from lipstream.models.assets import resolve
from lipstream.models.face.backend import FaceBackend, UInt8, create

BACKENDS = ("mediapipe", "litert")
LINES = 360
WARM_UP = 5
FRAME_STEP_US = 40_000

Clip = list[UInt8]
Cost = tuple[float, float]  # seconds of wall clock and of processor time, all threads together


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clip", nargs="?", type=Path, help="a video with a face (default: the demo clip)")
    parser.add_argument("--frames", type=int, default=100)
    arguments = parser.parse_args()
    path = arguments.clip or resolve("media/obama_speech.mp4")
    frames = read_frames(path, arguments.frames)
    height, width = frames[0].shape[:2]
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    print(f"{path.name}: {len(frames)} frames at {width}x{height}; median ms a frame, wall clock / processor\n")
    print(f"{'picture':<10}{'max_faces':>9}  {'backend':<11}{'faces':>6}{'follow':>14}{'search':>14}")
    for picture, clip in (("one face", around_largest_face(frames)), ("as it is", frames)):
        for max_faces in (1, 2):
            for row in compare(max_faces, clip):
                print(f"{picture:<10}{max_faces:>9}  {row}")


def read_frames(path: Path, count: int) -> Clip:
    frames = []
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            width = round(frame.width * LINES / frame.height)
            frames.append(cv2.resize(frame.to_ndarray(format="rgb24"), (width, LINES), interpolation=cv2.INTER_AREA))
            if len(frames) == count:
                break
    return frames


def around_largest_face(frames: Clip) -> Clip:
    """The clip with everything but the largest face of its middle frame covered in gray."""
    finder = create("litert", 4, 0.5)
    finder.load()
    faces = finder.detect(frames[len(frames) // 2], 0)
    if not faces:
        raise SystemExit("no face in the middle frame of the clip; choose another clip")
    largest = max(faces, key=lambda face: float(np.ptp(face.landmarks[:, 1])))
    centre = float(largest.landmarks[:, 0].mean())
    reach = 1.2 * float(np.ptp(largest.landmarks[:, 0]))
    first, last = max(0, round(centre - reach)), round(centre + reach)
    covered = []
    for frame in frames:
        canvas = np.full_like(frame, 128)
        canvas[:, first:last] = frame[:, first:last]
        covered.append(canvas)
    return covered


def compare(max_faces: int, clip: Clip) -> list[str]:
    """One line for each backend."""
    backends = {name: create(name, max_faces, 0.5) for name in BACKENDS}
    for backend in backends.values():
        backend.load()
    follow, faces = run(backends, clip, lambda backend: None)
    for backend in backends.values():
        backend.reset()
    search, _ = run(backends, clip, lambda backend: backend.reset())
    for backend in backends.values():
        backend.close()
    return [
        f"{name:<11}{faces[name] / len(clip):>6.2f}{medians(follow[name]):>14}{medians(search[name]):>14}"
        for name in BACKENDS
    ]


def run(
    backends: Mapping[str, FaceBackend], clip: Clip, prepare: Callable[[FaceBackend], None]
) -> tuple[dict[str, list[Cost]], dict[str, int]]:
    """Cost of each frame and the number of faces found, by backend. `prepare` is called before each frame."""
    seconds: dict[str, list[Cost]] = {name: [] for name in backends}
    faces = dict.fromkeys(backends, 0)
    for index, frame in enumerate(clip):
        for name, backend in backends.items():
            prepare(backend)
            wall, cpu = time.perf_counter(), time.process_time()
            found = backend.detect(frame, index * FRAME_STEP_US)
            seconds[name].append((time.perf_counter() - wall, time.process_time() - cpu))
            faces[name] += len(found)
    return seconds, faces


def medians(costs: list[Cost]) -> str:
    wall, cpu = (1000 * statistics.median(column) for column in zip(*costs[WARM_UP:], strict=True))
    return f"{wall:.1f} / {cpu:.1f}"


if __name__ == "__main__":
    main()
