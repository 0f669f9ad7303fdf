"""How often the label of an emotion changes on people who talk: `python bench/emotion_labels.py CLIPS...`.

Each clip goes through `file`; of the face that is seen longest (the voice, where none is) the changes of the label are
counted, those from and to `unknown` left out, in the first 8 s of evidence and after them. Nothing is written.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from lipstream import Pipeline  # noqa: E402
from lipstream.config import load_config  # noqa: E402
from lipstream.events import EmotionUpdate  # noqa: E402
from lipstream.models.emotion.classes import EMOTIONS, UNCLEAR, UNKNOWN  # noqa: E402

FIRST: Final = 8.0
"""Seconds of evidence in which what is usual for a person is not known."""
OTHERS: Final = "others"


@dataclass(frozen=True)
class Labels:
    """What was counted, in the first 8 s of evidence and after them.

    Attributes:
        seconds: of evidence.
        changes: of the label.
        shown: updates by label: neutral, unclear, or another emotion.
    """

    seconds: tuple[float, float] = (0.0, 0.0)
    changes: tuple[int, int] = (0, 0)
    shown: Counter[str] = field(default_factory=Counter)

    def __add__(self, other: Labels) -> Labels:
        seconds = (self.seconds[0] + other.seconds[0], self.seconds[1] + other.seconds[1])
        changes = (self.changes[0] + other.changes[0], self.changes[1] + other.changes[1])
        return Labels(seconds, changes, self.shown + other.shown)

    def __str__(self) -> str:
        first, after = (_a_minute(*each) for each in zip(self.changes, self.seconds, strict=True))
        whole, count = _a_minute(sum(self.changes), sum(self.seconds)), max(1, self.shown.total())
        shares = ", ".join(f"{name} {self.shown[name] / count:.2f}" for name in (EMOTIONS[0], UNCLEAR, OTHERS))
        return f"{sum(self.seconds):.0f} s, changes a minute {whole} (first 8 s {first}, after {after}); {shares}"


def _a_minute(changes: int, seconds: float) -> str:
    return f"{60 * changes / seconds:.1f}" if seconds else "-"


def counted(updates: Iterable[EmotionUpdate]) -> Labels:
    """Count the labels of the face that is judged most often in a clip."""
    by_face: dict[int | None, list[EmotionUpdate]] = defaultdict(list)
    for update in updates:
        by_face[update.face].append(update)
    known = {face: sum(each.label != UNKNOWN for each in found) for face, found in by_face.items()}
    if not any(known.values()):
        return Labels()
    seconds, changes, shown = [0.0, 0.0], [0, 0], Counter[str]()
    before = UNKNOWN
    for update in by_face[max(known, key=lambda face: known[face])]:
        if update.label != UNKNOWN:
            late = sum(seconds) + update.end - update.start > FIRST
            seconds[late] += update.end - update.start
            changes[late] += before not in (UNKNOWN, update.label)
            shown[update.label if update.label in (EMOTIONS[0], UNCLEAR) else OTHERS] += 1
        before = update.label
    return Labels((seconds[0], seconds[1]), (changes[0], changes[1]), shown)


def main() -> None:
    """Count, clip by clip and in all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clips", nargs="+", type=Path)
    args = parser.parse_args()
    whole = Labels()
    for clip in args.clips:
        updates: list[EmotionUpdate] = []
        pipeline = Pipeline(load_config("file", {"input": str(clip), "speech.quality": "fast"}))
        pipeline.on(EmotionUpdate)(updates.append)
        pipeline.run()
        whole += (found := counted(updates))
        print(f"{clip.stem}: {found}", flush=True)
    print(f"in all: {whole}")


if __name__ == "__main__":
    main()
