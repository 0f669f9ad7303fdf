"""Tells the journal of every request."""

from __future__ import annotations

import time
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lipstream.web.ops.journal import Journal

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Watch:
    """Tells of every request by its route, in which names of sessions and recordings are left out.

    Args:
        app: the application.
        journal: who is told.
    """

    def __init__(self, app: ASGIApp, journal: Journal) -> None:
        self._app = app
        self._journal = journal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on, and tell of it when it is answered."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun, status = time.monotonic(), 0

        async def note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, note)
        finally:
            method = scope["method"] if scope["method"] in _METHODS else "other"
            self._journal.request(route_of(scope), method, status, time.monotonic() - begun)


def route_of(scope: Scope) -> str:
    """The route of a request that was answered, such as "/api/files/{name}"; "other" for what is no route."""
    if "endpoint" not in scope:
        return "other"
    names: dict[str, object] = scope.get("path_params", {})
    if "path" in names:
        return "/static"
    parts = str(scope["path"]).split("/")
    known = {str(value): f"{{{name}}}" for name, value in names.items()}
    return "/".join(known.get(part, part) for part in parts)
