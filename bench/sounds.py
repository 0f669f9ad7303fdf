"""False alarms of sounds on speech: how often the tagger hears applause, music and the like where people only talk.

    python bench/sounds.py FOLDER... [--part tune|test|all] [--rule] [--each]
                           [--seconds N] [--json FILE]

Each folder has recordings; those of one speaker are joined to one sound, as the tagger hears a stream. Speakers are
those of RAVDESS (the last number of a name), EMO-DB (its first two digits), and of any other folder with a `clips.tsv`
(its column `speaker`); else the folder is one. `tune` has every other speaker, in order of name, `test` the others: the
thresholds of `models/sounds/kinds.py` and `models/sounds/loud.py` were chosen on `tune` alone. `--rule` judges by
the rule that needs no network. `--each` takes each recording for itself, of which `--seconds` are heard: so with
recordings that are no speech it tells what is found in them.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import av
import numpy as np
from machine import describe
from results import Results, add_json_argument

from lipstream.models.sounds.loud import WINDOW, LoudSounds
from lipstream.models.sounds.tracker import Change, SoundTracker
from lipstream.models.sounds.yamnet import SAMPLE_RATE, SAMPLES, Yamnet
from lipstream.models.speech.vad import SileroVad
from lipstream.stages.sound.sound_events import HOP

ENDINGS = {".mp4", ".wav", ".mkv", ".opus", ".ogg", ".flac", ".m4a", ".mp3", ".oga"}
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


Changes = Iterator[Change]


def by_network(tagger: Yamnet, sound: np.ndarray) -> Changes:
    """What the network tells of a stream, as it tells it."""
    tracker = SoundTracker()
    for at in range(0, len(sound) - SAMPLES, HOP):
        time = at / SAMPLE_RATE
        yield from tracker.look(tagger.scores(sound[at : at + SAMPLES]), time, time + 0.96)
    yield from tracker.finish()


def by_rule(voices: SileroVad, sound: np.ndarray) -> Changes:
    """What the rule tells of it."""
    rule = LoudSounds()
    voices.reset()
    for at in range(0, len(sound) - WINDOW + 1, WINDOW):
        window = sound[at : at + WINDOW]
        yield from rule.hear(window, voices.probability(window), (at + WINDOW) / SAMPLE_RATE)
    yield from rule.finish()


def judge(rule: bool) -> Callable[[np.ndarray], Changes]:
    """What is asked, loaded."""
    if rule:
        voices = SileroVad()
        voices.load()
        return partial(by_rule, voices)
    tagger = Yamnet()
    tagger.load()
    return partial(by_network, tagger)


def main() -> int:
    """Count."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--part", choices=("tune", "test", "all"), default="test")
    parser.add_argument("--rule", action="store_true", help="judge by the rule that needs no network")
    parser.add_argument("--each", action="store_true", help="each recording for itself")
    parser.add_argument("--seconds", type=float, default=None, help="of each that are heard")
    add_json_argument(parser)
    args = parser.parse_args()
    results = Results(f"part {args.part} of the speakers")
    print(describe())
    told = judge(args.rule)
    for folder in args.folders:
        alarms: Counter[str] = Counter()
        lasting: Counter[str] = Counter()
        seconds = 0.0
        found = speakers(folder).items()
        everybody = sorted((path.stem, [path]) for _, paths in found for path in paths) if args.each else sorted(found)
        halves = ("tune", "test")
        chosen = [each for number, each in enumerate(everybody) if args.part in ("all", halves[number % 2])]
        for who, paths in chosen:
            sound = np.concatenate([read(path) for path in paths])
            sound = sound if args.seconds is None else sound[: round(args.seconds * SAMPLE_RATE)]
            seconds += len(sound) / SAMPLE_RATE
            for change in told(sound):
                if change.end is None:
                    alarms[change.label] += 1
                    print(f"  {who} {change.start:.1f} s: {change.label} {change.confidence:.2f}")
                else:
                    lasting[change.label] += change.end - change.start
        quarters = seconds / QUARTER
        each = ", ".join(f"{name} {count} ({lasting[name]:.0f} s)" for name, count in alarms.items()) or "none"
        print(
            f"{folder.name} ({args.part}): {len(chosen)} speakers, {seconds / 60:.1f} min, {sum(alarms.values())} "
            f"told ({each}), {sum(alarms.values()) / max(quarters, 1e-9):.2f} a quarter of an hour",
            flush=True,
        )
        results.value("minutes", folder.name, seconds / 60, "min")
        results.value("sounds told", folder.name, sum(alarms.values()), "")
        results.value("in a quarter of an hour", folder.name, sum(alarms.values()) / max(quarters, 1e-9), "")
    results.write(args.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
