"""What a benchmark ran on."""

from __future__ import annotations

import contextlib
import os
import platform
import statistics
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from lipstream.config import Config
from lipstream.stages.speech.readers import choose, quality_of


def describe() -> str:
    """One line: processor, cores, memory, system and the versions that matter for speed."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    packages = ", ".join(map(" ".join, _versions("onnxruntime", "mediapipe", "torch", "av")))
    return (
        f"{_processor()}, {os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}, {packages}"
    )


def _versions(*names: str) -> Iterator[tuple[str, str]]:
    """Names and versions of those packages that are there."""
    for name in names:
        with contextlib.suppress(PackageNotFoundError):
            yield name, version(name)


def who_reads(config: Config) -> str:
    """One line: who reads in runs of this configuration, which `speech.quality=auto` leaves to the machine."""
    chosen, quality = choose(config), quality_of(config)
    first = f", partials with {chosen.first}" if config.partials else ""
    return f"finals with {chosen.final} {chosen.model}{first} (quality {config.speech.quality}, here {quality})"


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown processor"


def percentile(values: Sequence[float], fraction: float) -> float:
    """The value nearest to a fraction of the way from the smallest to the largest; NaN when there are none.

    Of fewer than about 20 values the 95th percentile is the largest or the one before it: give their number with it.
    """
    if not values:
        return float("nan")
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(fraction * (len(ordered) - 1)))]


def summary(values: Sequence[float]) -> str:
    """Median and 95th percentile of seconds."""
    if not values:
        return "none"
    return f"p50 {statistics.median(values):6.3f} s   p95 {percentile(values, 0.95):6.3f} s   (n={len(values)})"
