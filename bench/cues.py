"""Subtitle cues by the trade's measures: reading speed, length, fragments; from the JSON that `file` writes.

    lipstream file CLIPS -o out -f json,srt
    python bench/cues.py out
    python bench/cues.py out --srt      # beside the subtitles in the folder, which an older version may have written

The words of the JSON are cut as `file` cuts them by default.
"""

from __future__ import annotations

import argparse
import itertools
import re
import statistics
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from lipstream.config import SubtitlesConfig  # noqa: E402
from lipstream.events import TranscriptFinal  # noqa: E402
from lipstream.stages.sinks.subtitles.cue import Cue  # noqa: E402
from lipstream.stages.sinks.subtitles.cutter import LONGEST_PAUSE_MS, cut  # noqa: E402
from lipstream.stages.sinks.transcript.reading import events_of, read_transcript  # noqa: E402

_TIME = re.compile(r"(\d+):(\d\d):(\d\d)[,.](\d{3}) --> (\d+):(\d\d):(\d\d)[,.](\d{3})")


def finals_of(path: Path) -> list[TranscriptFinal]:
    return [event for event in events_of(read_transcript(path)) if isinstance(event, TranscriptFinal)]


def cues_of_srt(path: Path) -> list[Cue]:
    cues = []
    for block in path.read_text(encoding="utf-8").strip().split("\n\n"):
        _, times, *lines = block.split("\n")
        found = _TIME.fullmatch(times)
        assert found
        numbers = list(map(int, found.groups()))
        start, end = (
            ((hours * 60 + minutes) * 60 + seconds) * 1000 + millis
            for hours, minutes, seconds, millis in (numbers[:4], numbers[4:])
        )
        cues.append(Cue(start, end, tuple(lines)))
    return cues


def could_join(cues: Sequence[Cue], index: int, rules: SubtitlesConfig) -> bool:
    """Whether a cue of one word could stand with a neighbour: it fits, and no long pause is between."""
    lone = cues[index]
    for one, other in ((index - 1, index), (index, index + 1)):
        if one < 0 or other >= len(cues):
            continue
        first, second = cues[one], cues[other]
        beside = second if first is lone else first
        near = second.start - first.end < LONGEST_PAUSE_MS and second.end - first.start <= rules.max_duration * 1000
        if near and len(beside.lines) == 1 and beside.chars + lone.chars + 1 <= rules.max_chars * rules.max_lines:
            return True
    return False


def report(name: str, runs: Iterable[Sequence[Cue]], rules: SubtitlesConfig) -> None:
    runs = [cues for cues in runs if cues]
    cues = [cue for each in runs for cue in each]
    if not cues:
        print(f"{name}: no cues")
        return
    speeds = [cue.cps for cue in cues]
    lengths = [(cue.end - cue.start) / 1000 for cue in cues]
    words = [sum(len(line.split()) for line in cue.lines) for cue in cues]
    lone = sum(count == 1 for count in words)
    joinable = sum(
        len(" ".join(each[index].lines).split()) == 1 and could_join(each, index, rules)
        for each in runs
        for index in range(len(each))
    )
    gaps = [later.start - cue.end for each in runs for cue, later in itertools.pairwise(each)]
    fast = sum(speed > rules.max_cps for speed in speeds)
    short = sum(length < rules.min_duration - 0.001 for length in lengths)
    chars = [cue.chars for cue in cues]
    print(
        f"| {name} | {len(cues)} | {fast / len(cues):.0%} | {max(speeds):.1f} | {statistics.median(speeds):.1f} "
        f"| {statistics.median(chars):.0f} "
        f"| {min(lengths):.2f} / {statistics.median(lengths):.2f} / {max(lengths):.2f} "
        f"| {short / len(cues):.0%} | {lone} | {joinable} "
        f"| {sum(gap < rules.gap * 1000 - 1 for gap in gaps)} of {len(gaps)} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="with the JSON of each recording")
    parser.add_argument("--srt", action="store_true", help="also measure the subtitles in the folder, as they are")
    args = parser.parse_args()
    rules = SubtitlesConfig()
    paths = sorted(args.folder.glob("*.json"))
    if not paths:
        sys.exit(f"no JSON in {args.folder}; lipstream file -f json writes it")
    finals = [finals_of(path) for path in paths]
    spoken = sum(final.end - final.start for each in finals for final in each)
    said = sum(len(final.text) for each in finals for final in each)
    print(f"{len(paths)} recordings, {spoken:.0f} s of speech, {said / spoken:.1f} characters a second of it\n")
    print(
        f"| cut | cues | over {rules.max_cps:g} cps | most cps | median cps | median characters "
        f"| seconds: least / median / most | under {rules.min_duration:g} s | one word | that could join "
        f"| closer than {rules.gap:g} s |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    if args.srt:
        report("as in .srt", [cues_of_srt(path.with_suffix(".srt")) for path in paths], rules)
    report("now", [cut(each, rules) for each in finals], rules)


if __name__ == "__main__":
    main()
