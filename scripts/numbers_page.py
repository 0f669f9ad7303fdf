"""Write docs/numbers.md from what the measurements found, and nothing else.

    python bench/latency.py --json bench/results/latency.json
    python scripts/install_size.py --installed --json bench/results/install.json
    python scripts/numbers_page.py [FILE...] [--output docs/numbers.md]

Without names, all files of bench/results/ are taken. Each gives a section: what was measured, on what, by which
command, on which day and machine. A file of another form is refused; a figure is written as it stands there. The file
of `bench/words.py --json` is read as well.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "bench" / "results"
OUTPUT = ROOT / "docs" / "numbers.md"
FORMAT = 1
BUSY = 1.0
"""Load of a machine above which times are said to be those of a busy one."""
_ABOUT = ("bench", "command", "day", "version", "machine", "data")
_HEAD = """\
# Numbers

Written by `python scripts/numbers_page.py` from the files in `bench/results/`, each of which a measurement has written
with `--json`; nothing here is typed by hand. What the figures mean, and those that were measured before this page was
there, are in [measured](measured.md).
"""


class WrongResultError(Exception):
    """A file that is no result of a measurement, in one line."""


def read(path: Path) -> dict[str, Any]:
    """A result.

    Raises:
        WrongResultError: it is of another form.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise WrongResultError(f"{path}: {error}") from None
    if isinstance(found, dict) and "systems" in found and "format" not in found:
        return of_words(path, found)
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise WrongResultError(f"{path}: expected a result of format {FORMAT}, as `--json` of a measurement writes it")
    if missing := [key for key in (*_ABOUT, "figures") if key not in found]:
        raise WrongResultError(f"{path}: without {', '.join(missing)}")
    for figure in found["figures"]:
        known = {"what", "system", "unit"} <= set(figure)
        if not known or not ({"value"} <= set(figure) or {"p50", "p95", "n"} <= set(figure)):
            raise WrongResultError(
                f"{path}: {figure} is no figure: expected what, system, unit, and value or p50, p95, n"
            )
    return found


def of_words(path: Path, found: dict[str, Any]) -> dict[str, Any]:
    """A result of bench/words.py, which has a form of its own.

    Raises:
        WrongResultError: it says not when or by which command it was made, or a system failed on some of it.
    """
    if missing := [key for key in ("command", "day", "version", "data") if key not in found]:
        raise WrongResultError(f"{path}: without {', '.join(missing)}: measure again with `bench/words.py --json`")
    for system, measures in found["systems"].items():
        if measures.get("failed"):
            raise WrongResultError(
                f"{path}: {system} failed on {len(measures['failed'])} clips, so its words are not all there"
            )
    names = {"wer": "words wrong", "words": "of so many", "substitutions": "substituted", "deletions": "left out"}
    names |= {
        "insertions": "added",
        "silent_with_text": "sounds without speech that got a text",
        "silent": "of so many such",
    }
    figures = [
        {"what": names[key], "system": system, "value": measures[key], "unit": "share" if key == "wer" else ""}
        for system, measures in found["systems"].items()
        for key in names
        if key in measures and (measures.get("silent") or not key.startswith("silent"))
    ]
    return {"bench": "words", **{key: found[key] for key in _ABOUT if key != "bench"}, "figures": figures}


def page(results: list[dict[str, Any]]) -> str:
    """The page."""
    parts = [_HEAD]
    for result in results:
        parts.append(f"## {result['bench'].replace('_', ' ').capitalize()}\n")
        parts.append(f"`{result['command']}`, {result['day']}, Lipstream {result['version']}: {result['data']}.")
        busy = f" The machine was busy with other work (load {result['load']})." if busy_with(result) else ""
        parts.append(f"On {result['machine']}.{busy}\n")
        parts.append(table(result["figures"]))
    if not results:
        parts.append("There are none yet.\n")
    return "\n".join(parts)


def busy_with(result: dict[str, Any]) -> bool:
    """Whether times were taken while something else ran."""
    return float(result.get("load", 0.0)) > BUSY


def table(figures: list[dict[str, Any]]) -> str:
    """One row for each thing measured, one column for each system, in the order of the file."""
    systems = list(dict.fromkeys(figure["system"] for figure in figures))
    rows = list(dict.fromkeys((figure["what"], figure["unit"]) for figure in figures))
    cells = {(figure["what"], figure["unit"], figure["system"]): shown(figure) for figure in figures}
    lines = [f"| | {' | '.join(systems)} |", f"|---|{'---|' * len(systems)}"]
    for what, unit in rows:
        # What was not measured of a system stays empty.
        told = " | ".join(cells.get((what, unit, system), "") for system in systems)
        lines.append(f"| {what} | {told} |")
    return "\n".join(lines) + "\n"


def shown(figure: dict[str, Any]) -> str:
    """A figure with its unit."""
    unit = figure["unit"]
    if "value" in figure:
        value = figure["value"]
        return f"{100 * value:.1f} %" if unit == "share" else f"{value:g} {unit}".strip()
    return f"{figure['p50']:.2f} / {figure['p95']:.2f} {unit} (p50 / p95 of {figure['n']})"


def main() -> int:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path, help="results (default: those of bench/results/)")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    args = parser.parse_args()
    try:
        results = [read(path) for path in args.files or sorted(RESULTS.glob("*.json"))]
    except WrongResultError as wrong:
        print(wrong, file=sys.stderr)
        return 2
    args.output.write_text(page(results), encoding="utf-8")
    print(f"{args.output}: {len(results)} measurements")
    return 0


if __name__ == "__main__":
    sys.exit(main())
