"""Two people in view who speak at once: whose words are captioned, with one caption for both and with one for each.

    python bench/who_clips.py OUT --clips DIR --kind together --people 2 --count 14 --seconds 1 --split test
    python bench/who_together.py OUT [--set KEY=VALUE]...

Each recording is captioned twice, with `speakers.overlaps` off and on. What is captioned under a face is compared with
what the person of that face says, by the conventions of Whisper's English normaliser; words under no face count for who
says most of them. Who is not captioned at all has all of their words missing. Also printed: the same with each
caption given to the person whom it suits best (as cpWER has it), and the captions of the second by themselves.
Recordings of other kinds (beside, alone) are compared as they are: whether any word, face, speaker or time differs.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import permutations
from pathlib import Path
from typing import Any

from lipstream import Pipeline
from lipstream.config import parse_assignment
from lipstream.events import FaceFound, TranscriptFinal
from lipstream.models.av_speech.evaluation.word_errors import WordErrors, count_errors, normaliser, right_words

_NONE = WordErrors(0, 0, 0, 0)
WAYS = ("one caption", "one each")


@dataclass
class Told:
    """What was captioned of a recording: finals, and the person of each face."""

    finals: list[TranscriptFinal] = field(default_factory=list)
    people: dict[int, int] = field(default_factory=dict)


@dataclass
class Sums:
    """Errors by face and by the best assignment; words of second captions, right ones, and right ones of the other."""

    by_face: WordErrors = _NONE
    best: WordErrors = _NONE
    second: int = 0
    right: int = 0
    other: int = 0

    def add(self, by_face: WordErrors, best: WordErrors) -> None:
        """Add the errors of a recording."""
        self.by_face, self.best = self.by_face + by_face, self.best + best


def main() -> None:
    """Print a row for each recording and the sums."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="of the configuration")
    args = parser.parse_args()
    changed = dict(map(parse_assignment, args.set))
    sums = {way: Sums() for way in WAYS}
    errors = " | ".join(f"errors, {way}" for way in WAYS)
    print(f"| recording | words | both captioned | {errors} | second: words, right, the other's |")
    print("|---|---|---|---|---|---|")
    for path in sorted(args.folder.glob("*.mp4")):
        truth = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        each = _told(path, truth, {**changed, "speakers.overlaps": True})
        # Where nobody else is captioned the other way is the same; that it is, is seen in the other kinds.
        again = truth["kind"] != "together" or any(final.overlaps for final in each.finals)
        one = _told(path, truth, {**changed, "speakers.overlaps": False}) if again else each
        told = dict(zip(WAYS, (one, each), strict=True))
        if truth["kind"] != "together":
            same = [[_plain(final) for final in way.finals] for way in (one, each)]
            print(f"| {path.stem} | | {'the same' if same[0] == same[1] else 'DIFFERENT'} | | | |", flush=True)
            continue
        _compare(path.stem, truth, told, sums)
    for way, total in sums.items() if sums["one each"].by_face.words else ():
        found = total.by_face.words - total.by_face.substitutions - total.by_face.deletions
        print(
            f"{way}: WER by face {total.by_face.rate:.3f}, with the best assignment {total.best.rate:.3f}; "
            f"{found} of {total.by_face.words} words found, {total.by_face.insertions} put in"
        )
    total = sums["one each"]
    if total.second:
        print(f"second captions: {total.second} words, {total.right} right, {total.other} of the other person")


def _plain(final: TranscriptFinal) -> tuple[Any, ...]:
    return final.text, final.face, final.speaker, final.words, final.overlaps


def _told(path: Path, truth: dict[str, Any], changed: dict[str, Any]) -> Told:
    told = Told()
    run = Pipeline.from_config("file", input=path, **{"emotion.enabled": False, "speakers.people": False}, **changed)

    def see(event: FaceFound) -> None:
        left, _, right, _ = event.box
        now = truth["boxes"][min(round(event.time * truth["fps"]), len(truth["boxes"]) - 1)]
        middles = {int(who): (box[0] + box[2]) / 2 for who, box in now.items()}
        told.people[event.face] = min(middles, key=lambda who: abs(middles[who] - (left + right) / 2))

    run.on(FaceFound, see)
    run.on(TranscriptFinal, told.finals.append)
    run.run()
    return told


def _compare(name: str, truth: dict[str, Any], told: dict[str, Told], sums: dict[str, Sums]) -> None:
    clean = normaliser()
    said = defaultdict(list)
    for turn in truth["turns"]:
        said[turn["person"]] += clean(turn["text"]).split()
    errors = []
    for way, each in told.items():
        captions: dict[int | None, list[str]] = defaultdict(list)
        for final in each.finals:
            person = each.people.get(final.face) if final.face is not None else None
            captions[person] += clean(final.text).split()
        unseen = captions.pop(None, [])
        if unseen:
            captions[max(said, key=lambda who: len(right_words(said[who], unseen)))] += unseen
        by_face = _errors([(said[who], captions.get(who, [])) for who in said])
        texts = list(captions.values()) + [[]] * (len(said) - len(captions))
        ways = ([(said[who], text) for who, text in zip(said, order, strict=False)] for order in permutations(texts))
        best = min(map(_errors, ways), key=lambda found: found.rate)
        sums[way].add(by_face, best)
        errors.append(f"{_count(by_face)} ({_count(best)})")
    both = told["one each"]
    overlapping = [final for final in both.finals if final.overlaps]
    seconds = overlapping[1::2]
    counted = ""
    for final in seconds:
        words, own = clean(final.text).split(), both.people[final.face or 0]
        right = len(right_words(said[own], words))
        other = sum(len(right_words(said[who], words)) for who in said if who != own)
        total = sums["one each"]
        total.second, total.right, total.other = total.second + len(words), total.right + right, total.other + other
        counted = f"{len(words)}, {right}, {other}"
    count = sum(map(len, said.values()))
    print(f"| {name} | {count} | {'yes' if seconds else 'no'} | {' | '.join(errors)} | {counted} |", flush=True)
    for way, each in told.items():
        for final in each.finals:
            who = each.people.get(final.face) if final.face is not None else None
            print(f"    {way}: P{who} speaker {final.speaker}: {final.text}")


def _errors(pairs: list[tuple[list[str], list[str]]]) -> WordErrors:
    found = [count_errors([" ".join(said)], [" ".join(captioned)]) for said, captioned in pairs]
    total = found[0]
    for each in found[1:]:
        total = total + each
    return total


def _count(errors: WordErrors) -> int:
    return errors.insertions + errors.deletions + errors.substitutions


if __name__ == "__main__":
    main()
