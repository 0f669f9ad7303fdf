"""What a measurement found, as JSON: the form that scripts/numbers_page.py makes a page of."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import statistics
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from machine import describe, percentile

from lipstream.version import version

FORMAT = 1


def add_json_argument(parser: argparse.ArgumentParser) -> None:
    """Add the option that asks for the file."""
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="write the figures there, for scripts/numbers_page.py"
    )


def about(data: str) -> dict[str, str]:
    """What is told of every measurement: which, by which command, when, of which version, and on what.

    Args:
        data: what was measured on, in a few words.
    """
    bench = Path(sys.argv[0])
    arguments = [each for at, each in enumerate(sys.argv[1:]) if "--json" not in (each, sys.argv[at])]
    return {
        "bench": bench.stem,
        "command": shlex.join(["python", f"bench/{bench.name}", *arguments]),
        "day": datetime.now(UTC).date().isoformat(),
        "version": version(),
        "machine": describe(),
        "data": data,
    }


class Results:
    """Gathers the figures of one call.

    Args:
        data: what was measured on, in a few words.
    """

    def __init__(self, data: str) -> None:
        self._data = data
        self._load = os.getloadavg()[0]  # of the minute before: what else runs
        self._figures: list[dict[str, Any]] = []

    def value(self, what: str, system: str, value: float, unit: str) -> None:
        """Note one figure of one system."""
        self._figures.append({"what": what, "system": system, "value": round(value, 4), "unit": unit})

    def spread(self, what: str, system: str, values: Sequence[float], unit: str) -> None:
        """Note the median, the 95th percentile and the number of values; nothing where there are none."""
        if values:
            p50, p95 = statistics.median(values), percentile(values, 0.95)
            figure = {"what": what, "system": system, "p50": round(p50, 4), "p95": round(p95, 4), "n": len(values)}
            self._figures.append({**figure, "unit": unit})

    def write(self, path: Path | None) -> None:
        """Write the file, if one was asked for."""
        if path is None:
            return
        found = {"format": FORMAT, **about(self._data), "load": round(self._load, 1), "figures": self._figures}
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
