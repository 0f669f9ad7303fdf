"""How well vectors of voices tell people apart: AUC and equal error rate over pairs of windows of 1.6 s.

    python bench/voices.py --data DIR
    python bench/voices.py --data DIR --fit resemblyzer/pretrained.pt

DIR has talking_faces/ (clips.tsv), ravdess_speech/ and emodb/. People are parted in two by the hash of their name: the
space in which voices are compared is fitted to the first half (`--fit`), figures are of the second.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from lipstream.models.speech.vad import WINDOW as VAD_WINDOW
from lipstream.models.speech.vad import SileroVad
from lipstream.models.training.media import read_sound
from lipstream.models.voice.embedding import WINDOW, VoiceEmbedder, levelled
from lipstream.models.voice.mel import HOP, mel_power
from lipstream.models.voice.training.export import pretrained_net, write
from lipstream.models.voice.training.space import fit

Float32 = npt.NDArray[np.float32]

MOST = 24
"""Windows of a person at most."""
_SPEECH = 0.5
_MOSTLY = 0.6


@dataclass(frozen=True, slots=True)
class Clip:
    """A recording of one person."""

    path: Path
    person: str
    corpus: str


def clips(data: Path) -> list[Clip]:
    """All recordings there are, in an order that is always the same."""
    found = []
    table = data / "talking_faces" / "clips.tsv"
    if table.is_file():
        with table.open(encoding="utf-8") as lines:
            for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
                found.append(Clip(table.parent / "clips" / f"{row['clip']}.mp4", row["speaker"], "talking_faces"))
    for path in sorted((data / "ravdess_speech").glob("*/*.*")):
        found.append(Clip(path, f"ravdess_{path.stem[-2:]}", "ravdess_speech"))
    for path in sorted((data / "emodb").glob("*.*")):
        found.append(Clip(path, f"emodb_{path.stem[:2]}", "emodb"))
    random.Random(1).shuffle(found)
    return [each for each in found if each.path.is_file()]


def to_judge(person: str) -> bool:
    """Whether a person is of the half that figures are of."""
    return bool(hashlib.sha256(person.encode()).digest()[0] & 1)


def speech_of(sound: Float32, vad: SileroVad) -> tuple[int, int, Float32]:
    """First and last sample of the speech, and the probability of speech in each window of voice activity."""
    vad.reset()
    windows = range(0, len(sound) - VAD_WINDOW + 1, VAD_WINDOW)
    voiced = np.array([vad.probability(sound[at : at + VAD_WINDOW]) for at in windows], np.float32)
    where = np.flatnonzero(voiced > _SPEECH)
    return (0, 0, voiced) if not len(where) else (where[0] * VAD_WINDOW, (where[-1] + 1) * VAD_WINDOW, voiced)


def windows_of(sound: Float32, vad: SileroVad) -> Iterator[Float32]:
    """Windows of speech, every 0.8 s; of a short clip all of it."""
    first, last, voiced = speech_of(sound, vad)
    if last - first < WINDOW // 3:
        return
    for start in range(first, max(first + 1, last - WINDOW + 1), WINDOW // 2):
        window = sound[start : min(last, start + WINDOW)]
        if voiced[start // VAD_WINDOW : (start + len(window)) // VAD_WINDOW].mean() >= _MOSTLY:
            yield window


def auc(same: Float32, other: Float32) -> float:
    """Probability that a pair of one person is more alike than a pair of two."""
    rank = np.concatenate([same, other]).argsort().argsort()
    return float((rank[: len(same)].sum() - len(same) * (len(same) - 1) / 2) / (len(same) * len(other)))


def equal_error(same: Float32, other: Float32) -> tuple[float, float]:
    """Rate at the threshold at which as many of both are wrong, and that threshold."""
    best = min(
        ((abs((same < at).mean() - (other >= at).mean()), at) for at in np.quantile(other, np.linspace(0.5, 1, 500))),
        key=lambda each: each[0],
    )[1]
    return float(((same < best).mean() + (other >= best).mean()) / 2), float(best)


def main() -> None:
    """Measure, or fit first."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument(
        "--fit", type=Path, metavar="PRETRAINED", help="take weights from here, fit the space, write both"
    )
    args = parser.parse_args()
    vad = SileroVad()
    vad.load()
    count: dict[str, int] = defaultdict(int)
    sounds, people, paths, corpora = [], [], [], []
    for clip in clips(args.data):
        if count[clip.person] >= MOST:
            continue
        for window in windows_of(read_sound(clip.path), vad):
            if count[clip.person] < MOST:
                count[clip.person] += 1
                sounds.append(window)
                people.append(clip.person)
                paths.append(clip.path.name)
                corpora.append(clip.corpus)
    if args.fit is not None:
        network = pretrained_net(args.fit)
        rows = [row for row, person in enumerate(people) if not to_judge(person)]
        with torch.no_grad():
            raw = [network.published(_mels(sounds[row])).numpy()[0] for row in rows]
        mean, turn = fit(np.stack(raw), [people[row] for row in rows])
        network.mean, network.turn = torch.from_numpy(mean).float(), torch.from_numpy(turn).float()
        write(network)
    embedder = VoiceEmbedder()
    embedder.load()
    vectors = np.concatenate([embedder.embed(sounds[at : at + 32]) for at in range(0, len(sounds), 32)])
    judged = np.array([to_judge(person) for person in people])
    others = len({person for person in people if to_judge(person)})
    print(f"{len(sounds)} windows of {len(count)} people, {judged.sum()} windows of {others} people judged")
    print("| corpus | pairs of one person | AUC | equal error rate | at |\n|---|---|---|---|---|")
    for corpus in (*dict.fromkeys(sorted(corpora)), "all"):
        rows = [row for row in np.flatnonzero(judged) if corpus in ("all", corpora[row])]
        alike = vectors[rows] @ vectors[rows].T
        who, clip = np.array([people[row] for row in rows]), np.array([paths[row] for row in rows])
        upper = np.triu(np.ones_like(alike, bool), 1)
        one = who[:, None] == who
        # Of talking faces most people are in one clip alone; of the others, windows of two clips are compared.
        within = corpus in ("talking_faces", "all")
        same = alike[upper & one & (within | (clip[:, None] != clip))]
        rate, at = equal_error(same, alike[upper & ~one])
        print(f"| {corpus} | {len(same)} | {auc(same, alike[upper & ~one]):.3f} | {rate:.3f} | {at:.2f} |")


def _mels(window: Float32) -> torch.Tensor:
    return torch.from_numpy(mel_power(levelled(window))[: max(1, len(window) // HOP)])[None]


if __name__ == "__main__":
    main()
