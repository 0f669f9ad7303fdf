"""The WebSocket on which pages and programs get the events of a session."""

from __future__ import annotations

import asyncio
from functools import partial

from starlette.websockets import WebSocket, WebSocketDisconnect

from lipstream.web.messages import send, tell
from lipstream.web.run_session import RunSession
from lipstream.web.sessions import Sessions

MAX_CLIENTS = 32
"""Most WebSockets at once."""
NO_SESSION = 4404
"""Close code: there is no such session, or not any more."""
TOO_MANY = 1013
"""Close code: try again later."""
# What was superseded long ago is of no use to somebody who has just come.
_STALE_US = 1_000_000


class EventStream:
    """Sends events to WebSockets.

    A client that names a session gets its events and is closed at its end. One that does not gets those of the newest
    session, and of the next one when that has ended.

    Args:
        sessions: where the events come from.
    """

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._clients = 0

    async def serve(self, websocket: WebSocket) -> None:
        """Serve one client until it goes, or its session ends."""
        await websocket.accept()
        if self._clients >= MAX_CLIENTS:
            await websocket.close(TOO_MANY, "too many listeners")
            return
        self._clients += 1
        sender = asyncio.ensure_future(self._send(websocket))
        listener = asyncio.ensure_future(_until_gone(websocket))
        try:
            await asyncio.wait([sender, listener], return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._clients -= 1
            for task in (sender, listener):
                task.cancel()
            await asyncio.gather(sender, listener, return_exceptions=True)

    async def _send(self, websocket: WebSocket) -> None:
        wanted = websocket.query_params.get("session")
        session = self._sessions.newest() if wanted is None else self._sessions.get(wanted)
        if session is None and wanted is not None:
            await websocket.close(NO_SESSION, "there is no such session")
            return
        await tell(websocket, "Hello", session, session.state if session else "loading")
        followed: str | None = None
        while True:
            if session is not None:
                await self._send_session(websocket, session)
                if wanted is not None:
                    await websocket.close()
                    return
                followed = session.id
            # Nothing of a session is held on to when it is over.
            session = None
            await self._sessions.until(partial(self._is_another, followed))
            session = self._sessions.newest()

    def _is_another(self, followed: str | None) -> bool:
        """Whether there is a newer session than the one that was followed, which may still be ending."""
        newest = self._sessions.newest()
        return newest is not None and newest.id != followed

    async def _send_session(self, websocket: WebSocket, session: RunSession) -> None:
        """Send the events of a session, from the first, until its end."""
        await self._sessions.until(lambda: session.state != "loading")
        if session.state == "running":
            await tell(websocket, "Running", session)
        begun = session.now()
        async for event in session.events():
            if not event.ephemeral or event.emitted * 1e6 >= begun - _STALE_US:
                await send(websocket, event.to_dict())


async def _until_gone(websocket: WebSocket) -> None:
    """Read what a client sends, which is nothing of interest, until it goes."""
    try:
        while True:
            await websocket.receive_text()
    except (WebSocketDisconnect, KeyError, RuntimeError):
        return
