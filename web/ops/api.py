"""The addresses of metrics and probes."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from prometheus_client import CONTENT_TYPE_LATEST
from prometheus_client.core import GaugeMetricFamily
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from lipstream.web.files.uploads import Uploads
from lipstream.web.ops.journal import Journal, build_info, gauge, gauges_by
from lipstream.web.sessions import Sessions


class OpsApi:
    """`/metrics`, `/healthz` and `/readyz`.

    Args:
        journal: what was counted.
        sessions: how many there are.
        uploads: how many there are.
    """

    def __init__(self, journal: Journal, sessions: Sessions, uploads: Uploads) -> None:
        self._journal = journal
        self._sessions = sessions
        self._uploads = uploads
        journal.watch(self._gauges)

    @property
    def routes(self) -> list[BaseRoute]:
        """The addresses, with what answers them."""
        return [
            Route("/metrics", self._metrics),
            Route("/healthz", _told(lambda: None)),
            Route("/readyz", _told(self._why_not_ready)),
        ]

    async def _metrics(self, request: Request) -> Response:
        return Response(self._journal.text(), headers={"content-type": CONTENT_TYPE_LATEST})

    def _why_not_ready(self) -> str | None:
        return None if self._sessions.ready else "loading: the networks of the first session are not there yet"

    def _gauges(self) -> Iterable[GaugeMetricFamily]:
        kinds = {"browser": 0.0, "socket": 0.0}
        for session in self._sessions.all:
            kinds[session.kind] += 1
        states = dict.fromkeys(("waiting", "running", "done", "failed"), 0.0)
        for upload in self._uploads.kept:
            states[upload.state] += 1
        yield build_info()
        yield gauges_by("sessions", "Sessions that there are.", "kind", kinds)
        yield gauge("places", "Most sessions at once.", self._sessions.limit)
        yield gauge("places_taken", "Places that are taken, by sessions or a recording.", self._sessions.count)
        yield gauges_by("recordings", "Recordings that are kept.", "state", states)
        yield gauge("ready", "1 once the networks of the first session are there.", float(self._sessions.ready))


def _told(why_not: Callable[[], str | None]) -> Callable[[Request], object]:
    async def tell(request: Request) -> Response:
        reason = why_not()
        return PlainTextResponse(f"{reason or 'ok'}\n", 503 if reason else 200)

    return tell
