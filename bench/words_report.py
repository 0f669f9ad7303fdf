"""The measures of `bench/words.py` put together over all clips, and as tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, astuple
from typing import Any, TypeVar

from machine import percentile
from words_shown import Reading, delays, erasure, languages_told
from words_systems import Row, Run
from words_texts import UNSPACED, Errors, SentenceEnds, repeats, sentence_ends, word_errors

Measures = dict[str, Any]
_Counts = TypeVar("_Counts", Errors, SentenceEnds)


def measure(run: Run, rows: Sequence[Row]) -> Measures:
    """What holds for every system."""
    pairs = list(zip(rows, run.readings, strict=True))
    repeated = [repeats(reading.text, row.text, row.language) for row, reading in pairs]
    spaced = [(row, reading) for row, reading in pairs if row.language not in UNSPACED]
    told = [languages_told(reading.said, row.language) for row, reading in pairs]
    return {
        **errors(pairs),
        "silent_with_text": sum(bool(reading.text.strip()) for reading in run.silent),
        "silent": len(run.silent),
        "repeats": sum(map(len, repeated)),
        "clips_with_repeats": sum(map(bool, repeated)),
        "sentence_ends": asdict(
            _sum(
                SentenceEnds,
                (sentence_ends(row.text, [each.text for each in reading.said]) for row, reading in spaced),
            )
        ),
        "languages_right": sum(right for right, _ in told),
        "languages_of": sum(count for _, count in told),
        "failed": [reading.error for reading in [*run.readings, *run.silent] if reading.error],
        "shed": sum(reading.shed for reading in run.readings),
        "troubles": [trouble for reading in [*run.readings, *run.silent] for trouble in reading.troubles],
    }


def measure_live(run: Run, rows: Sequence[Row]) -> Measures:
    """What only a run at the sound's own pace has: delays in seconds, and normalised erasure."""
    found: dict[str, list[float]] = {}
    counts: dict[str, int] = {}
    for row, reading in zip(rows, run.readings, strict=True):
        for name, values in delays(reading, row.language).items():
            found.setdefault(name, []).extend(values)
        for name, count in erasure(reading, row.language).items():
            counts[name] = counts.get(name, 0) + count
    return {
        "delays": {
            name: {"p50": percentile(values, 0.5), "p95": percentile(values, 0.95), "count": len(values)}
            if values
            else {"count": 0}
            for name, values in found.items()
        },
        "erasure": _share(counts["shown"], counts["final"]),
        "erasure_words": _share(counts["words"], counts["final_words"]),
        "words_gone": _share(counts["gone"], counts["final_words"]),
        "erasure_stable": _share(counts["stable"], counts["final"]),
        "erasure_corrections": _share(counts["corrected"], counts["final_words"]),
        "words_gone_corrections": _share(counts["corrected_gone"], counts["final_words"]),
        "finals": sum(len(reading.said) for reading in run.readings),
        "finals_corrected": sum(len(reading.corrected) for reading in run.readings),
    }


def errors(pairs: Sequence[tuple[Row, Reading]]) -> Measures:
    """Word errors by language and over all."""
    languages = sorted({row.language for row, _ in pairs})
    by_language = {
        language: word_errors([(row.text, each.text) for row, each in pairs if row.language == language], language)
        for language in languages
    }
    everything = _sum(Errors, by_language.values())
    return {
        **asdict(everything),
        "wer": everything.rate,
        "languages": {language: {**asdict(each), "wer": each.rate} for language, each in by_language.items()},
    }


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _sum(kind: type[_Counts], values: Iterable[_Counts]) -> _Counts:
    return kind(*map(sum, zip(astuple(kind()), *map(astuple, values), strict=True)))


def print_words(systems: dict[str, Measures]) -> None:
    """Word errors, made up text, repeats, sentence ends, languages and cost, a row for each system."""
    languages = sorted({language for each in systems.values() for language in each["languages"]})
    apart = languages if len(languages) > 1 else []
    _table(
        ["words", "clips", "WER", "sub", "del", "ins", *apart, "text in silence", "repeats"],
        {
            name: [
                *(len(each["readings"]), _percent(each["wer"])),
                *(each["substitutions"], each["deletions"], each["insertions"]),
                *(_percent(each["languages"].get(language, {}).get("wer")) for language in apart),
                f"{each['silent_with_text']}/{each['silent']}",
                f"{each['repeats']} in {each['clips_with_repeats']}",
            ]
            for name, each in systems.items()
        },
    )
    _table(
        ["sentence ends", "at pauses, wrong", "at pauses, right", "anywhere, wrong", "anywhere, found"],
        {name: _ends(each["sentence_ends"]) for name, each in systems.items()},
    )
    _table(
        ["cost", "processor s", "RTF", "wall s", "language right", "failed", "troubles", "work left out"],
        {
            name: [
                *(f"{each['cpu']:.1f}", f"{each['rtf']:.3f}", f"{each['wall']:.1f}"),
                f"{each['languages_right']}/{each['languages_of']}",
                *(len(each["failed"]), len(each["troubles"]), each["shed"]),
            ]
            for name, each in systems.items()
        },
    )
    for name, each in systems.items():
        for failure in each["failed"][:5]:
            print(f"  {name} failed on {failure}")
        for trouble, count in Counter(each["troubles"]).most_common(5):
            print(f"  {name} told, {count} times: {trouble}")


def print_live(systems: dict[str, Measures]) -> None:
    """Delays, erasure and how much worse the finals are than those of `file`, a row for each live system."""
    delays_of = {
        "partial lag": "partial",
        "first text": "first",
        "final": "final",
        "final, sound ends": "final_at_end",
    }
    _table(
        ["live, p50 p95 s (n)", *delays_of, "WER - file", "at the end"],
        {
            name: [
                *(_delay(each["delays"][key]) for key in delays_of.values()),
                *(f"{100 * (wer - each['file_wer']):+.2f} points" for wer in (each["wer"], each["wer_at_end"])),
            ]
            for name, each in systems.items()
        },
    )
    taken = ("erasure", "erasure_words", "words_gone", "erasure_stable")
    corrections = ("erasure_corrections", "words_gone_corrections")
    _table(
        ["erasure", "as shown", "words only", "words gone", "stable", "by corrections: words", "gone", "finals"],
        {
            name: [
                *(_number(each[key]) for key in (*taken, *corrections)),
                f"{each['finals_corrected']}/{each['finals']}",
            ]
            for name, each in systems.items()
        },
    )


def _ends(ends: dict[str, int]) -> list[str]:
    return [
        f"{ends['inside_marked']}/{ends['inside']}",
        f"{ends['between_marked']}/{ends['between']}",
        f"{ends['marked_wrong']}/{ends['marked']}",
        f"{ends['found']}/{ends['reference']}",
    ]


def _delay(values: dict[str, float]) -> str:
    return f"{values['p50']:.2f} {values['p95']:.2f} ({values['count']})" if values["count"] else "-"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _percent(rate: float | None) -> str:
    return "-" if rate is None else f"{100 * rate:.2f} %"


def _table(head: Sequence[str], rows: dict[str, list[Any]]) -> None:
    lines = [list(head), *([name, *map(str, cells)] for name, cells in rows.items())]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    print()
    for first, *cells in lines:
        right = "   ".join(cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True))
        print(f"{first.ljust(widths[0])}   {right}")
