"""Whether small faces are found, and what is taken for a face where there is none.

    python bench/faces_far.py RECORDING.mp4... [--range far] [--fps 8]
    python bench/faces_far.py --empty CLIPS [--count 60] [--split test] [--without SOURCE]... [--range far]

Recordings are those of `bench/who_clips.py --face 24`. Of each face it is told how much of the time it was found, not
counting its first 2 s, and what was found where no face is. With --empty pictures without faces are made of clips of
people who talk (see `who_sources.read_clips`): the head is painted over with its surroundings, the picture brought to
640 x 360. Cost is processor time of the networks' thread for each picture.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from faces_kept import overlap
from who_sources import Finder, UInt8, of_split, pictures, read_clips

from lipstream.models.face.analyser import FaceAnalyser
from lipstream.models.face.backend import Reach, create
from lipstream.models.face.identity import FaceEmbedder

SETTLE = 2.0
SIZE = (640, 360)
_SAME = 0.3
_HIDDEN = 1.1
"""Half the side of what is painted over, in heights of the face."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recordings", nargs="*", type=Path)
    parser.add_argument("--range", choices=("near", "far", "auto"), default="far")
    parser.add_argument("--fps", type=float, default=8.0, help="pictures a second (default: 8)")
    parser.add_argument("--max-faces", type=int, default=4)
    parser.add_argument("--empty", type=Path, help="table of clips, or a folder with a clips.tsv")
    parser.add_argument("--count", type=int, default=60, help="how many of the clips (default: 60)")
    parser.add_argument("--split", choices=("all", "tune", "test"), default="test")
    parser.add_argument("--without", action="append", default=[], metavar="SOURCE")
    given = parser.parse_args()
    if given.recordings:
        recorded(given.recordings, given.range, given.fps, given.max_faces)
    if given.empty:
        clips = of_split(read_clips(given.empty, given.without), given.split)
        order = np.random.default_rng(0).permutation(len(clips))[: given.count]
        empty([clips[index].path for index in order], given)


def recorded(paths: Sequence[Path], reach: Reach, fps: float, most: int) -> None:
    total = np.zeros(2)
    false, seconds = 0, 0.0
    for path in paths:
        truth = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        right, strangers, cost = watch(path, truth, reach, fps, most)
        total += right
        false += strangers
        seconds += truth["seconds"]
        print(f"{path.stem:28} found {right[0] / right[1]:.3f}, {strangers} false, {cost:.1f} ms a picture", flush=True)
    print(f"all: {total[0] / total[1]:.3f} of {int(total[1])} faces, {false} false in {seconds / 60:.1f} minutes")


def watch(
    path: Path, truth: dict[str, object], reach: Reach, fps: float, most: int
) -> tuple[tuple[int, int], int, float]:
    """Faces found and faces there, numbers that were of no face, and milliseconds a picture."""
    analyser = FaceAnalyser(create("litert", most, 0.5, 1, reach), 0.5, FaceEmbedder())
    analyser.load()
    boxes: Sequence[dict[str, Sequence[float]]] = truth["boxes"]  # type: ignore[assignment]
    found = there = count = 0
    cost = 0.0
    real: set[int] = set()
    every: set[int] = set()
    for moment, image in pictures(path, fps):
        began = time.thread_time()
        seen = analyser.analyse(image, round(moment * 1e6) + 1)
        cost += time.thread_time() - began
        count += 1
        height, width = image.shape[:2]
        places = {f.id: (f.box[0] / width, f.box[1] / height, f.box[2] / width, f.box[3] / height) for f in seen.faces}
        now = boxes[min(len(boxes) - 1, round(moment * 25))]
        every |= set(places)
        for box in now.values():
            matching = {number for number, place in places.items() if overlap(box, place) >= _SAME}
            real |= matching
            if moment >= SETTLE:
                there += 1
                found += bool(matching)
    analyser.close()
    return (found, there), len(every - real), 1000 * cost / max(1, count)


def empty(paths: Sequence[Path], given: argparse.Namespace) -> None:
    finder = Finder()
    count = false = clips = 0
    seconds = cost = 0.0
    for path in paths:
        backend = create("litert", given.max_faces, 0.5, 1, given.range)
        analyser = FaceAnalyser(backend, 0.5, FaceEmbedder())
        analyser.load()
        clips += 1
        newest = 0.0
        strangers: set[int] = set()
        for moment, image in without_faces(finder, path, given.fps):
            began = time.thread_time()
            strangers |= {face.id for face in analyser.analyse(image, round(moment * 1e6) + 1).faces}
            cost += time.thread_time() - began
            count += 1
            newest = moment
        analyser.close()
        seconds += newest
        false += len(strangers)
        if strangers:
            print(f"{path.stem}: {len(strangers)} found", flush=True)
    minutes = max(seconds, 1e-9) / 60
    print(f"{clips} clips, {minutes:.1f} minutes, {count} pictures: {false} false = {false / minutes:.2f} a minute")
    print(f"{1000 * cost / max(1, count):.1f} ms a picture")


def without_faces(finder: Finder, path: Path, rate: float) -> Iterator[tuple[float, UInt8]]:
    """The pictures of a clip with its face painted over; none if it is not known where the face is all the time."""
    from who_sources import Clip

    source = finder.source(Clip(path, ""))
    if source is None:
        return
    for moment, image in pictures(path, rate):
        index = min(len(source.boxes) - 1, round(moment * 25))
        left, top, right, bottom = source.boxes[index]
        reach = _HIDDEN * (bottom - top)
        x, y = (left + right) / 2, (top + bottom) / 2
        height, width = image.shape[:2]
        x0, x1 = max(0, round(x - reach)), min(width, round(x + reach))
        y0, y1 = max(0, round(y - reach)), min(height, round(y + reach))
        covered = image.copy()
        # What is left and right of the head, stretched over it.
        strips = [image[y0:y1, max(0, x0 - 8) : x0 + 1], image[y0:y1, x1 - 1 : min(width, x1 + 8)]]
        edges = np.concatenate([strip.mean(axis=1, keepdims=True) for strip in strips], axis=1)
        covered[y0:y1, x0:x1] = cv2.resize(edges, (x1 - x0, y1 - y0), interpolation=cv2.INTER_LINEAR).astype(np.uint8)
        scale = min(SIZE[0] / width, SIZE[1] / height)
        way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        yield moment, np.asarray(cv2.resize(covered, None, fx=scale, fy=scale, interpolation=way), np.uint8)


if __name__ == "__main__":
    main()
