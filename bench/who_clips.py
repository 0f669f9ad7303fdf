"""Composed recordings of several people, made from clips of single ones who talk, with the truth beside them.

    python bench/who_clips.py OUT --clips FILE.tsv|FOLDER [--kind beside]... [--people 3] [--count 4] [--seed 0]
        [--split tune|test|all] [--seconds 60] [--away 30] [--face 24] [--size 640x360] [--without SOURCE]...

FILE.tsv has a heading and the columns clip, speaker and perhaps text (see `who_sources.read_clips`). What the kinds are
is said in `who_script`. People are drawn by the seed, by default from all; with --split from one half of them, so that
nobody is both in what is tuned and in what is judged. The same arguments give the same recordings.

For each recording there are NAME.mp4, NAME.rttm (speech by NIST's Rich Transcription format) and NAME.json:

    kind, seed, seconds, fps, size
    persons    name in the table, and whether ever in view, by index: "P0" is the first one
    turns      person, start, end, on_camera, clip, text (where all of the clip is in one turn),
               speech [[start, end]...]
    events     what was arranged: cuts, crossings, absences with their seconds
    visible    [person, start, end] of each stretch in which a face is in view
    boxes      for each picture {person: [left, top, right, bottom]} in parts of the picture; none for a face that is
               behind another one or mostly outside
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from who_render import Boxes, Cast, render
from who_script import KINDS, Script, Wish, write_script
from who_sources import FPS, HEADROOM, Clip, Finder, Source, Wrong, of_split, read_clips

Person = Sequence[tuple[Clip, Source]]


@dataclass(frozen=True)
class Recording:
    """A composed recording.

    Attributes:
        path: the file; the truth lies beside it.
        truth: what is in NAME.json.
    """

    path: Path
    truth: dict[str, Any]


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="folder for the recordings")
    parser.add_argument("--clips", type=Path, required=True, help="table of clips, or a folder with a clips.tsv")
    parser.add_argument("--kind", action="append", choices=KINDS, help="may be given more than once (default: all)")
    parser.add_argument("--people", type=int, default=3, help="how many people (default: 3)")
    parser.add_argument("--count", type=int, default=1, help="recordings of each kind (default: 1)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--split", choices=("all", "tune", "test"), default="all")
    parser.add_argument("--without", action="append", default=[], metavar="SOURCE", help="values of the column source")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--away", type=float, default=30.0, help="seconds of an absence (default: 30)")
    parser.add_argument("--face", type=float, default=0.0, help="height of faces in pixels (default: as room allows)")
    parser.add_argument("--size", default="640x360", help="of the picture (default: 640x360)")
    given = parser.parse_args(argv)
    try:
        width, _, height = given.size.partition("x")
        if not (width.isdigit() and height.isdigit() and given.people >= 1):
            raise Wrong(f"expected a size such as 640x360 and at least one person, got {given.size}, {given.people}")
        clips = of_split(read_clips(given.clips, given.without), given.split)
        for kind in given.kind or KINDS:
            wish = Wish(kind, given.seconds, (int(width), int(height)), given.away, given.face)
            people = 1 if kind == "alone" else given.people
            for seed in range(given.seed, given.seed + given.count):
                made = compose(given.out, clips, wish, people, seed)
                print(f"{made.path}: {made.truth['seconds']:.1f} s, {len(made.truth['turns'])} turns")
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def compose(out: Path, clips: Sequence[Clip], wish: Wish, people: int, seed: int) -> Recording:
    """Make one recording with its truth; one that is there with the same arguments is left as it is.

    Args:
        out: folder for it.
        clips: of at least that many people.
        wish: what it is to be like.
        people: how many.
        seed: of who they are and what happens.

    Raises:
        Wrong: there are too few people whose clips can be used.
        ValueError: see `write_script`.
    """
    name = f"{wish.kind}-{people}-{seed}" + (f"-{wish.face:g}px" if wish.face else "")
    path, beside = out / f"{name}.mp4", out / f"{name}.json"
    made_of = {"clips": [str(clip.path) for clip in clips], "wish": repr(wish)}
    if beside.is_file():
        truth = json.loads(beside.read_text(encoding="utf-8"))
        if truth["made_of"] == made_of:
            return Recording(path, truth)
    chosen = choose(clips, people, seed)
    script = write_script(wish, [[source for _, source in person] for person in chosen], seed)
    largest = max(place.face for shot in script.shots for place in shot.places)
    out.mkdir(parents=True, exist_ok=True)
    boxes = render(path, script, Cast(chosen, largest), wish.size, seed)
    truth = _truth(wish, seed, chosen, script, boxes) | {"made_of": made_of}
    beside.write_text(json.dumps(truth, ensure_ascii=False) + "\n", encoding="utf-8")
    (out / f"{name}.rttm").write_text(rttm(name, truth), encoding="utf-8")
    return Recording(path, truth)


def choose(clips: Sequence[Clip], people: int, seed: int) -> list[Person]:
    """People by chance, each with all of their clips that can be used."""
    finder = Finder()
    names = sorted({clip.person for clip in clips})
    chosen: list[Person] = []
    for name in np.random.default_rng((seed, 2)).permutation(names).tolist():
        usable = [(clip, source) for clip in clips if clip.person == name for source in [finder.source(clip)] if source]
        if usable and sum(end - start for _, source in usable for start, end in source.speech) >= 3.0:
            chosen.append(usable)
        if len(chosen) == people:
            return chosen
    raise Wrong(f"{people} people were wanted, and the clips of only {len(chosen)} of {len(names)} can be used")


def rttm(name: str, truth: dict[str, Any]) -> str:
    """Who speaks when, a line a stretch of speech: NIST, "The 2009 Rich Transcription Evaluation Plan"."""
    lines = [
        (start, f"SPEAKER {name} 1 {start:.3f} {end - start:.3f} <NA> <NA> P{turn['person']} <NA> <NA>\n")
        for turn in truth["turns"]
        for start, end in turn["speech"]
    ]
    return "".join(line for _, line in sorted(lines))


def _truth(wish: Wish, seed: int, people: Sequence[Person], script: Script, boxes: list[Boxes]) -> dict[str, Any]:
    seen = {person for each in boxes for person in each}
    turns = [
        {
            "person": turn.person,
            "start": turn.start,
            "end": turn.end,
            "on_camera": turn.person in seen,
            "clip": people[turn.person][turn.clip][0].path.name,
            "text": people[turn.person][turn.clip][0].text if turn.whole else "",
            "speech": [list(stretch) for stretch in turn.speech],
        }
        for turn in script.turns
    ]
    return {
        "kind": wish.kind,
        "seed": seed,
        "seconds": len(boxes) / FPS,
        "fps": FPS,
        "size": list(wish.size),
        "headroom": HEADROOM,
        "persons": [{"name": clips[0][0].person, "in_view": who in seen} for who, clips in enumerate(people)],
        "turns": turns,
        "events": list(script.events),
        "visible": _visible(boxes, len(people)),
        "boxes": [{str(person): list(box) for person, box in each.items()} for each in boxes],
    }


def _visible(boxes: list[Boxes], people: int) -> list[list[float]]:
    found: list[list[float]] = []
    for person in range(people):
        inside = np.array([False, *(person in each for each in boxes), False])
        edges = np.flatnonzero(inside[1:] != inside[:-1]).reshape(-1, 2)
        found += [[person, first / FPS, last / FPS] for first, last in edges.tolist()]
    return found


if __name__ == "__main__":
    sys.exit(main())
