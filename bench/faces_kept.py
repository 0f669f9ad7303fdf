"""Whether faces keep their numbers: through cuts, crossings and absences, in composed recordings.

    python bench/faces_kept.py RECORDING.mp4... [--fps 8] [--by-place]

Recordings are those of bench/who_clips.py, with the truth beside them. Every stretch in which a person is in view
without a break is a case, but for the person's first: the number the face has for most of it, not counting its first
second, is to be that of the first stretch. A cut, a crossing that the person is in, and leaving the picture end a
stretch. Shorter ones than 1.5 s and faces that were never found are told apart. `shared` are numbers that were had by
two people for a second or more.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from who_sources import pictures

from lipstream.models.face.analyser import FaceAnalyser
from lipstream.models.face.backend import create
from lipstream.models.face.identity import FaceEmbedder
from lipstream.models.face.tracking import Box

SETTLE = 1.0
"""Seconds at the beginning of a stretch that do not count."""
SHORTEST = 1.5
_SAME = 0.4
"""Overlap with the true box, intersection over union, from which on a face is that person's."""

Seen = dict[int, list[tuple[float, int]]]
"""Of each person, at what seconds which number was seen."""


@dataclass
class Result:
    """Of one recording or of several.

    Attributes:
        cases: stretches that count.
        kept: of them, those with the right number.
        unseen: stretches in which the face was never found.
        shared: numbers had by two people.
        embeddings: how many faces were looked at.
        seconds: of the recordings.
        cpu: processor seconds for the faces' identity.
        wrong: person, start, end, number wanted and number seen of the cases that went wrong.
    """

    cases: int = 0
    kept: int = 0
    unseen: int = 0
    shared: int = 0
    embeddings: int = 0
    seconds: float = 0.0
    cpu: float = 0.0
    wrong: list[tuple[int, float, float, int, int]] = field(default_factory=list)

    def add(self, other: Result) -> None:
        """Join two results."""
        for name in ("cases", "kept", "unseen", "shared", "embeddings", "seconds", "cpu", "wrong"):
            setattr(self, name, getattr(self, name) + getattr(other, name))


class CountingEmbedder(FaceEmbedder):
    """Counts what is asked of it, and its processor time."""

    def __init__(self) -> None:
        super().__init__()
        self.faces, self.cpu = 0, 0.0

    def embed(self, image: Any, landmarks: Any) -> Any:  # noqa: ANN401
        """See `FaceEmbedder.embed`."""
        began = time.thread_time()
        found = super().embed(image, landmarks)
        self.cpu += time.thread_time() - began
        self.faces += len(landmarks)
        return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recordings", nargs="+", type=Path)
    parser.add_argument("--fps", type=float, default=8.0, help="pictures a second (default: 8)")
    parser.add_argument("--by-place", action="store_true", help="do not look who it is, as a comparison")
    given = parser.parse_args()
    totals: dict[str, Result] = defaultdict(Result)
    for path in given.recordings:
        truth = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        result = judge(path, truth, given.fps, by_place=given.by_place)
        print(f"{path.stem:24} {line(result)}", flush=True)
        totals[truth["kind"]].add(result)
        totals["all"].add(result)
    for kind, result in totals.items():
        print(f"{kind:24} {line(result)}")


def line(result: Result) -> str:
    share = f"{result.kept / result.cases:.3f}" if result.cases else "-"
    rate, cost = result.embeddings / result.seconds, result.cpu / result.seconds
    wrong = " ".join(f"P{who}@{start:.0f}-{end:.0f}:{want}->{got}" for who, start, end, want, got in result.wrong[:6])
    return (
        f"{result.kept}/{result.cases} = {share} kept, {result.unseen} unseen, {result.shared} shared; "
        f"{rate:.1f} looks a second, {100 * cost:.1f} % of a core  {wrong}"
    )


def judge(path: Path, truth: Mapping[str, Any], fps: float, *, by_place: bool = False) -> Result:
    """Run the faces of a recording and compare."""
    embedder = CountingEmbedder()
    seen = watch(path, truth, fps, None if by_place else embedder)
    result = Result(embeddings=embedder.faces, seconds=truth["seconds"], cpu=embedder.cpu)
    usual: dict[int, int] = {}
    for person, start, end in stretches(truth):
        numbers = [number for time, number in seen[person] if start + SETTLE <= time < end]
        if end - start < SHORTEST or not numbers:
            result.unseen += end - start >= SHORTEST
            continue
        number = Counter(numbers).most_common(1)[0][0]
        if person not in usual:
            usual[person] = number
            continue
        result.cases += 1
        result.kept += number == usual[person]
        if number != usual[person]:
            result.wrong.append((person, start, end, usual[person], number))
    owners = defaultdict(set)
    for person, times in seen.items():
        for number, count in Counter(number for _, number in times).items():
            if count >= fps:
                owners[number].add(person)
    result.shared = sum(len(people) > 1 for people in owners.values())
    return result


def watch(path: Path, truth: Mapping[str, Any], fps: float, embedder: FaceEmbedder | None) -> Seen:
    """At what times which numbers were seen where people really are."""
    analyser = FaceAnalyser(create("litert", 4, 0.5), 0.5, embedder)
    analyser.load()
    seen: Seen = defaultdict(list)
    for moment, image in pictures(path, fps):
        found = analyser.analyse(image, round(moment * 1e6) + 1)
        height, width = image.shape[:2]
        boxes = truth["boxes"][min(len(truth["boxes"]) - 1, round(moment * truth["fps"]))]
        for face in found.faces:
            left, top, right, bottom = face.box
            place = (left / width, top / height, right / width, bottom / height)
            best = max(boxes.items(), key=lambda each: overlap(each[1], place), default=None)
            if best is not None and overlap(best[1], place) >= _SAME:
                seen[int(best[0])].append((moment, face.id))
    analyser.close()
    return seen


def stretches(truth: Mapping[str, Any]) -> Iterator[tuple[int, float, float]]:
    """Person, start and end of each time a face is in view without a break, by start."""
    found = []
    for person, first, last in truth["visible"]:
        ends = [
            event.get("end", event["time"])
            for event in truth["events"]
            if event["kind"] in ("cut", "cross") and person in event.get("persons", [person])
        ]
        points = [first, *sorted(end for end in ends if first < end < last), last]
        found += [(person, points[index], points[index + 1]) for index in range(len(points) - 1)]
    yield from sorted(found, key=lambda each: each[1])


def overlap(one: Sequence[float], other: Box) -> float:
    """Intersection over union of two boxes."""
    across = min(one[2], other[2]) - max(one[0], other[0])
    down = min(one[3], other[3]) - max(one[1], other[1])
    common = max(0.0, across) * max(0.0, down)
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return common / (areas - common) if areas > common else 0.0


if __name__ == "__main__":
    main()
