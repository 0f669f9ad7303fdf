"""How well embeddings of faces tell people apart, on clips of people who talk.

    python bench/faces_alike.py --clips FILE.tsv|FOLDER [--split test] [--without SOURCE]... [--count 0]

Of each clip eight pictures are looked at (see `who_sources.read_clips` for the table). Pairs are one look at the first
half of a clip and one at the second half, which is made worse: blurred, small, dark, bright; besides, looks at another
clip of the same person, and looks at a turned head against those at a straight one. Two people are those whose names
differ. Printed are the area under the curve and the equal error rate of `likeness`, and what all but 5 % of
the pairs of one person have at least, all but 1 % and 0.1 % of those of two people at most.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt
from who_sources import Clip, UInt8, of_split, pictures, read_clips

from lipstream.models.face.backend import FaceObservation, Float32
from lipstream.models.face.identity import FaceEmbedder, likeness
from lipstream.models.face.litert_backend import LiteRtBackend
from lipstream.models.face.pose import head_pose

LOOKS = 8
LEAST_HEIGHT = 40.0
_JITTER = 0.012
"""How far off landmarks of a worse picture are put, in heights of the face."""


@dataclass(frozen=True)
class Look:
    """One look: whose, in which clip, in its second half or not, and how far the head was turned, in degrees."""

    person: str
    clip: str
    later: bool
    yaw: float
    image: UInt8
    landmarks: Float32


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=Path, required=True)
    parser.add_argument("--split", choices=("all", "tune", "test"), default="test")
    parser.add_argument("--without", action="append", default=[], metavar="SOURCE")
    parser.add_argument("--count", type=int, default=0, help="how many of the clips, by chance (default: all)")
    given = parser.parse_args()
    clips = of_split(read_clips(given.clips, given.without), given.split)
    if given.count:
        order = np.random.default_rng(0).permutation(len(clips))[: given.count]
        clips = [clips[index] for index in order]
    looks = list(all_looks(clips))
    people, names = {look.person for look in looks}, {look.clip for look in looks}
    print(f"{len(looks)} looks, {len(names)} clips, {len(people)} people")
    embedder = FaceEmbedder()
    embedder.load()
    plain = np.stack([embedder.embed(look.image, [look.landmarks])[0] for look in looks])
    every = list(range(len(looks)))
    first, later = ([index for index in every if looks[index].later == half] for half in (False, True))
    same_clip = {"clip": True}
    tell("as it is", looks, (plain, first), (plain, later), **same_clip)
    tell("another clip", looks, (plain, every), (plain, every), clip=False)
    turned = [index for index in every if abs(looks[index].yaw) > 25]
    straight = [index for index in every if abs(looks[index].yaw) < 15]
    tell("turned > 25 against < 15", looks, (plain, turned), (plain, straight), **same_clip)
    chance = np.random.default_rng(0)
    for way in ("blurred", "32 px", "24 px", "18 px", "dark", "bright"):
        worse = plain.copy()
        for index in later:
            image, landmarks = made_worse(looks[index], way, chance)
            worse[index] = embedder.embed(image, [landmarks])[0]
        tell(way, looks, (plain, first), (worse, later), **same_clip)


def all_looks(clips: Sequence[Clip]) -> Iterator[Look]:
    """Looks at the largest face of eight pictures of each clip, cut out with some room around it."""
    backend = LiteRtBackend(3, 0.5)
    backend.load()
    for clip in clips:
        try:
            frames = list(pictures(clip.path, 4.0))
        except av.FFmpegError:
            continue
        for index in sorted({int(each) for each in np.linspace(0, len(frames) - 1, LOOKS)}):
            image = frames[index][1]
            backend.reset()
            faces = backend.detect(image, 0)
            if faces:
                face = max(faces, key=height)
                if height(face) >= LEAST_HEIGHT:
                    yield look_at(clip, face, image, later=2 * index >= len(frames))


def look_at(clip: Clip, face: FaceObservation, image: UInt8, *, later: bool) -> Look:
    low, high = face.landmarks[:, :2].min(axis=0), face.landmarks[:, :2].max(axis=0)
    room = 0.5 * float((high - low).max())
    size = np.array(image.shape[1::-1])
    (x0, y0), (x1, y1) = np.clip([low - room, high + room], 0, size).astype(int).tolist()
    landmarks = face.landmarks - np.array([x0, y0, 0], np.float32)
    yaw = head_pose(face.landmarks).angles[1]
    return Look(clip.person, clip.path.stem, later, yaw, image[y0:y1, x0:x1].copy(), landmarks.astype(np.float32))


def height(face: FaceObservation) -> float:
    return float(np.ptp(face.landmarks[:, 1]))


def made_worse(look: Look, way: str, chance: np.random.Generator) -> tuple[UInt8, Float32]:
    """The picture as a worse camera, light or distance would show it, and the landmarks as they would be put."""
    tall = float(np.ptp(look.landmarks[:, 1]))
    off = look.landmarks + np.array([*chance.normal(0, _JITTER * tall, 2), 0], np.float32)
    if way == "blurred":
        return np.asarray(cv2.GaussianBlur(look.image, (0, 0), 0.035 * tall), np.uint8), off.astype(np.float32)
    if way.endswith("px"):
        scale = min(1.0, float(way.split()[0]) / tall)
        small = cv2.resize(look.image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        true = np.array([small.shape[1] / look.image.shape[1], small.shape[0] / look.image.shape[0], scale], np.float32)
        return np.asarray(small, np.uint8), (off * true).astype(np.float32)
    gamma, colour = (1.8, (200, 180, 150)) if way == "dark" else (0.6, (235, 245, 255))
    lit = np.clip((look.image / 255.0) ** gamma * np.array(colour), 0, 255)
    return lit.astype(np.uint8), look.landmarks


def tell(
    name: str,
    looks: Sequence[Look],
    one: tuple[Float32, Sequence[int]],
    other: tuple[Float32, Sequence[int]],
    *,
    clip: bool,
) -> None:
    """A line of figures: looks of one person at the same clip, or another, against those at two people."""
    alike = likeness(one[0][list(one[1])][:, None], other[0][list(other[1])][None])
    here, there = ([looks[index] for index in side[1]] for side in (one, other))
    persons = np.array([[a.person == b.person for b in there] for a in here])
    clips = np.array([[a.clip == b.clip for b in there] for a in here])
    same, two = alike[persons & (clips == clip)], alike[~persons]
    if not len(same) or not len(two):
        print(f"{name:26} no pairs")
        return
    auc, eer = curve(same, two)
    print(
        f"{name:26} {len(same):6} pairs: AUC {auc:.4f}, EER {eer:.3f}; one person 95 % >= "
        f"{np.quantile(same, 0.05):.2f}, two people 99 % <= {np.quantile(two, 0.99):.2f}, 99.9 % <= "
        f"{np.quantile(two, 0.999):.2f}",
        flush=True,
    )


def curve(same: npt.NDArray[np.float64], two: npt.NDArray[np.float64]) -> tuple[float, float]:
    """Area under the receiver operating characteristic, and the equal error rate."""
    values = np.concatenate([same, two])
    ranks = np.argsort(np.argsort(values)) + 1
    auc = (ranks[: len(same)].sum() - len(same) * (len(same) + 1) / 2) / len(same) / len(two)
    limits = np.sort(values)
    refused = np.searchsorted(np.sort(same), limits) / len(same)
    taken = 1 - np.searchsorted(np.sort(two), limits) / len(two)
    best = int(np.argmin(np.abs(refused - taken)))
    return float(auc), float(refused[best] + taken[best]) / 2


if __name__ == "__main__":
    main()
