"""Messages on WebSockets: JSON, and no waiting for who does not read them."""

from __future__ import annotations

import asyncio

from starlette.websockets import WebSocket

from lipstream.stages.sinks.text import json_text
from lipstream.web.run_session import RunSession

SLOW_SECONDS = 20.0
"""Longest wait for a client to take a message; then it is given up."""


class TooSlow(Exception):
    """A client does not take what it is sent."""


async def send(websocket: WebSocket, message: object) -> None:
    """Send a message.

    Raises:
        TooSlow: the client takes nothing.
    """
    try:
        async with asyncio.timeout(SLOW_SECONDS):
            await websocket.send_text(json_text(message))
    except TimeoutError as error:
        raise TooSlow from error


async def tell(websocket: WebSocket, event: str, session: RunSession | None, state: str | None = None) -> None:
    """Send a message that is no event of a run."""
    told: dict[str, object] = {"event": event, "session": session.id if session else None}
    await send(websocket, told if state is None else told | {"state": state})
