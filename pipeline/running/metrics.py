"""Counters and percentiles in constant memory."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass, field

_PER_DECADE = 48
_DECADES = 9
_PER_PACKET = frozenset({"process", "produce", "handle"})


class Histogram:
    """Percentiles of durations, from logarithmic buckets 5 % wide between 1 us and 1000 s.

    Constant memory whatever the length of the run, as in HdrHistogram. One writer, any number of readers.
    """

    def __init__(self) -> None:
        self._buckets = [0] * (_PER_DECADE * _DECADES + 1)
        self.count = 0
        self.total = 0
        self.maximum = 0

    def add(self, microseconds: int) -> None:
        """Record one duration in microseconds; negative ones count as 0."""
        value = max(0, microseconds)
        index = 0 if value < 1 else min(int(math.log10(value) * _PER_DECADE) + 1, len(self._buckets) - 1)
        self._buckets[index] += 1
        self.count += 1
        self.total += value
        self.maximum = max(self.maximum, value)

    def percentile(self, fraction: float) -> float:
        """Upper edge of the bucket that holds this fraction of the durations, in microseconds; 0 when empty."""
        wanted = fraction * self.count
        seen = 0
        for index, count in enumerate(self._buckets):
            seen += count
            if count and seen >= wanted:
                return min(float(self.maximum), 10 ** (index / _PER_DECADE))
        return 0.0


@dataclass(slots=True)
class StageMetrics:
    """What one component has done so far.

    Attributes:
        packets_in: packets taken from inputs; of a sink or a hook, events.
        packets_out: packets emitted.
        late: packets that came after one with a later timestamp.
        failures: packets it could not handle.
        busy: microseconds spent in all of its methods, less the time blocked in `emit`.
        service: time of one packet: in `process`, `produce` or `handle`, less the time blocked in `emit`.
        latency: session time of emission minus the end of the emitted packet's time, at live or real-time pace.
    """

    packets_in: int = 0
    packets_out: int = 0
    late: int = 0
    failures: int = 0
    busy: int = 0
    service: Histogram = field(default_factory=Histogram)
    latency: Histogram = field(default_factory=Histogram)

    def account(self, method: str, microseconds: int) -> None:
        """Add the time one call of a method took."""
        self.busy += microseconds
        if method in _PER_PACKET:
            self.service.add(microseconds)

    def snapshot(self) -> dict[str, float]:
        """The figures as plain numbers; times in milliseconds, `busy_seconds` in seconds."""
        figures = {
            "packets_in": float(self.packets_in),
            "packets_out": float(self.packets_out),
            "late": float(self.late),
            "failures": float(self.failures),
            "busy_seconds": round(self.busy / 1e6, 4),
        }
        for name, histogram in (("service", self.service), ("latency", self.latency)):
            if histogram.count:
                figures[f"{name}_p50_ms"] = round(histogram.percentile(0.5) / 1e3, 3)
                figures[f"{name}_p95_ms"] = round(histogram.percentile(0.95) / 1e3, 3)
                figures[f"{name}_max_ms"] = round(histogram.maximum / 1e3, 3)
        return figures


class Counters:
    """The run's named totals, added to from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._totals: dict[str, float] = {}

    def add(self, name: str, amount: float) -> None:
        """Add to a total."""
        with self._lock:
            # Plain numbers whatever the caller's are: the totals go into JSON.
            self._totals[name] = self._totals.get(name, 0.0) + float(amount)

    def snapshot(self) -> dict[str, float]:
        """All totals, sorted by name."""
        with self._lock:
            return dict(sorted(self._totals.items()))
