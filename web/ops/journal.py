"""What happens on a server, counted for Prometheus and told to the log; never what is said."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from lipstream.version import version

log = logging.getLogger(__name__)

FIELDS: Final = "fields"
"""Attribute of a log record: what happened, as names and values."""
_SECONDS: Final = (0.005, 0.02, 0.1, 0.5, 2, 10, 60, 300)


class Journal:
    """Counts and tells what happens. Of people it holds nothing: no text, no names, no addresses, no paths."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self.registry)

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"lipstream_{name}", text, labels, registry=self.registry)

        self._requests = counter("http_requests", "Requests that were answered.", "route", "method", "status")
        self._request_seconds = Histogram(
            "lipstream_http_request_seconds",
            "Seconds from a request to the end of its answer.",
            ("route",),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._begun = counter("sessions_begun", "Sessions that began.", "kind")
        self._ended = counter("sessions_ended", "Sessions that ended.", "kind")
        self._session_seconds = counter("session_seconds", "Seconds of sessions that have ended.", "kind")
        self._refused = counter("sessions_refused", "Sessions that found no place.", "kind")
        self._recordings = counter("recordings_finished", "Recordings that are done or failed.", "kind", "result")
        self._media_seconds = counter("recording_media_seconds", "Seconds of recordings that are done.")
        self._run_seconds = counter("recording_run_seconds", "Seconds it took to caption them.")

    def watch(self, gauges: Callable[[], Iterable[GaugeMetricFamily]]) -> None:
        """Ask for what a server is like whenever somebody looks."""
        self.registry.register(_Asked(gauges))

    def text(self) -> bytes:
        """All of it in Prometheus's text format."""
        return generate_latest(self.registry)

    # What happens.

    def request(self, route: str, method: str, status: int, seconds: float) -> None:
        """A request was answered; `route` has no names of sessions or recordings in it."""
        self._requests.labels(route, method, status).inc()
        self._request_seconds.labels(route).observe(seconds)
        self._tell("request", route=route, method=method, status=status, seconds=round(seconds, 4))

    def session_begun(self, kind: str) -> None:
        """A session has a place."""
        self._begun.labels(kind).inc()
        self._tell("session begun", kind=kind)

    def session_refused(self, kind: str) -> None:
        """A session found none."""
        self._refused.labels(kind).inc()
        self._tell("session refused", kind=kind)

    def session_ended(self, kind: str, seconds: float) -> None:
        """A session is over."""
        self._ended.labels(kind).inc()
        self._session_seconds.labels(kind).inc(seconds)
        self._tell("session ended", kind=kind, seconds=round(seconds, 1))

    def recording(self, kind: str, result: str, media: float | None, seconds: float) -> None:
        """A recording is done, or has failed."""
        self._recordings.labels(kind, result).inc()
        if result == "done":
            self._media_seconds.inc(media or 0.0)
            self._run_seconds.inc(seconds)
        self._tell("recording finished", kind=kind, result=result, media_seconds=media, seconds=round(seconds, 2))

    def _tell(self, event: str, **fields: object) -> None:
        log.info("%s", event, extra={FIELDS: {"event": event, **fields}})


class _Asked:
    """Asks for gauges when they are collected."""

    def __init__(self, gauges: Callable[[], Iterable[GaugeMetricFamily]]) -> None:
        self._gauges = gauges

    def collect(self) -> Iterable[Metric]:
        """The gauges, as they are now."""
        yield from self._gauges()


def gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    """A gauge without labels."""
    return GaugeMetricFamily(f"lipstream_{name}", text, value=value)


def gauges_by(name: str, text: str, label: str, values: dict[str, float]) -> GaugeMetricFamily:
    """A gauge for each value of a label."""
    family = GaugeMetricFamily(f"lipstream_{name}", text, labels=(label,))
    for each, value in values.items():
        family.add_metric((each,), value)
    return family


def build_info() -> GaugeMetricFamily:
    """Which version this is."""
    return gauges_by("build_info", "1 for the version that runs.", "version", {version(): 1.0})
