"""HTTP connections that hurt only themselves: slow to ask, slow to read, or too many from one place."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from typing import Any, cast

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from lipstream.web.guard import is_local

HEADER_SECONDS = 15.0
"""Longest time from the first byte of a request, or from the connection, to the end of its headers."""
READ_SECONDS = 60.0
"""Longest time that a client takes nothing of an answer."""
MOST_FROM_ONE = 64
"""Most connections from one address, unless it is this machine's, or a proxy's."""
MOST = 512
"""Most connections; requests on further ones are told that the server is busy."""


class Limited(H11Protocol):
    """An HTTP connection with a limit on how long it may keep the server waiting.

    Sockets that become WebSockets are handed over; those have pings, and limits of their own.
    """

    def __init__(self, *args: Any, **arguments: Any) -> None:  # noqa: ANN401 - uvicorn's own
        super().__init__(*args, **arguments)
        self._asking: asyncio.TimerHandle | None = None
        self._reading: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client is there; it has to ask for something soon."""
        super().connection_made(transport)
        crowd = _crowd(self.config)
        if self.client is not None and crowd is not None and not crowd.let_in(self.client[0]):
            transport.abort()
            return
        self._expect()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone."""
        self._drop("_asking")
        self._drop("_reading")
        crowd = _crowd(self.config)
        if self.client is not None and crowd is not None:
            crowd.leave(self.client[0])
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Something came: all of a request's headers, or a part of them."""
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._drop("_asking")
        elif self._asking is None and not self.transport.is_closing():
            self._expect()

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """It becomes a WebSocket."""
        self._drop("_asking")
        crowd = _crowd(self.config)
        if self.client is not None and crowd is not None:
            # `connection_lost` will be the WebSocket's.
            crowd.leave(self.client[0])
        super().handle_websocket_upgrade(event)

    def pause_writing(self) -> None:
        """The client does not read as fast as it is written to."""
        super().pause_writing()
        if self._reading is None:
            self._reading = self.loop.call_later(READ_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """The client has read."""
        self._drop("_reading")
        super().resume_writing()

    def on_response_complete(self) -> None:
        """A request is over; the next one may come, within uvicorn's own limit for that."""
        super().on_response_complete()
        self._drop("_asking")

    def _expect(self) -> None:
        self._asking = self.loop.call_later(HEADER_SECONDS, self.transport.abort)

    def _drop(self, name: str) -> None:
        timer: asyncio.TimerHandle | None = getattr(self, name)
        if timer is not None:
            timer.cancel()
            setattr(self, name, None)


class Crowd:
    """Counts connections by where they come from.

    Args:
        trusts: tells whether an address is a proxy's.
    """

    def __init__(self, trusts: Any) -> None:  # noqa: ANN401 - a function of an address
        self._trusts = trusts
        self._there: Counter[str] = Counter()

    def let_in(self, client: str) -> bool:
        """Count a connection; returns whether it may stay."""
        self._there[client] += 1
        return self._there[client] <= MOST_FROM_ONE or is_local(client) or self._trusts(client)

    def leave(self, client: str) -> None:
        """Count one less."""
        self._there[client] -= 1
        if self._there[client] <= 0:
            del self._there[client]


class _Refusals(logging.Filter):
    """Leaves out that uvicorn takes every WebSocket that is refused with an answer for a mistake of the application."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a record is told."""
        return record.getMessage() != "ASGI callable returned without completing handshake."


_REFUSALS = _Refusals()


class HttpConfig(uvicorn.Config):
    """uvicorn's configuration, and who is there.

    Args:
        app: the application.
        crowd: counts the connections.
        arguments: uvicorn's.
    """

    def __init__(self, app: Any, crowd: Crowd, **arguments: Any) -> None:  # noqa: ANN401 - uvicorn's own
        super().__init__(app, http=Limited, limit_concurrency=MOST, **arguments)
        logging.getLogger("uvicorn.error").addFilter(_REFUSALS)
        self.crowd = crowd


def _crowd(config: uvicorn.Config) -> Crowd | None:
    return cast("Crowd | None", getattr(config, "crowd", None))
