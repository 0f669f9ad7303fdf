"""False alarms of sounds on speech: how often the tagger hears applause, music and the like where people only talk.

    python bench/sounds.py FOLDER... [--part tune|test]

Each folder has recordings; those of one speaker are joined to one sound, as the tagger hears a stream. Speakers are
those of RAVDESS (the last number of a name), EMO-DB (its first two digits), and of any other folder with a `clips.tsv`
(its column `speaker`); else the folder is one. `tune` has every other speaker, in order of name, `test` the others: the
thresholds of `models/sounds/kinds.py` were chosen on `tune` alone.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections import Counter, defaultdict
from pathlib import Path

import av
import numpy as np
from machine import describe

from lipstream.models.sounds.tracker import SoundTracker
from lipstream.models.sounds.yamnet import SAMPLE_RATE, SAMPLES, Yamnet
from lipstream.stages.sound.sound_events import HOP

ENDINGS = {".mp4", ".wav", ".mkv", ".opus", ".ogg", ".flac", ".m4a", ".mp3"}
QUARTER = 900.0


def read(path: Path) -> np.ndarray:
    """(N,) float32 at 16 kHz."""
    resampler = av.AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE)
    with av.open(str(path)) as container:
        blocks = [block for frame in container.decode(audio=0) for block in resampler.resample(frame)]
    return np.concatenate([block.to_ndarray()[0] for block in blocks])


def speakers(folder: Path) -> dict[str, list[Path]]:
    """The recordings of each speaker of a folder."""
    table = folder / "clips.tsv"
    named: dict[str, str] = {}
    if table.exists():
        with table.open(encoding="utf-8") as file:
            named = {row["clip"]: row["speaker"] for row in csv.DictReader(file, delimiter="\t")}
    found: dict[str, list[Path]] = defaultdict(list)
    for path in sorted(path for path in folder.rglob("*") if path.suffix.lower() in ENDINGS):
        if named:
            who = named.get(path.stem, path.stem)
        elif path.stem.count("-") == 6:
            who = path.stem.rpartition("-")[2]
        else:
            who = path.stem[:2] if path.stem[:2].isdecimal() else folder.name
        found[who].append(path)
    return found


def main() -> int:
    """Count."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--part", choices=("tune", "test"), default="test")
    args = parser.parse_args()
    print(describe())
    tagger = Yamnet()
    tagger.load()
    for folder in args.folders:
        alarms: Counter[str] = Counter()
        seconds = 0.0
        everybody = sorted(speakers(folder).items())
        chosen = [each for number, each in enumerate(everybody) if (number % 2 == 0) == (args.part == "tune")]
        for who, paths in chosen:
            sound, tracker = np.concatenate([read(path) for path in paths]), SoundTracker()
            seconds += len(sound) / SAMPLE_RATE
            for at in range(0, len(sound) - SAMPLES, HOP):
                time = at / SAMPLE_RATE
                for change in tracker.look(tagger.scores(sound[at : at + SAMPLES]), time, time + 0.96):
                    if change.end is None:
                        alarms[change.label] += 1
                        print(f"  {who} {change.start:.1f} s: {change.label} {change.confidence:.2f}")
        quarters = seconds / QUARTER
        each = ", ".join(f"{name} {count}" for name, count in alarms.items()) or "none"
        print(
            f"{folder.name} ({args.part}): {len(chosen)} speakers, {seconds / 60:.1f} min, {sum(alarms.values())} "
            f"alarms ({each}), {sum(alarms.values()) / max(quarters, 1e-9):.2f} a quarter of an hour",
            flush=True,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
