"""A server with the interface of `serve` and no networks behind it: the tests say which events it sends."""

from __future__ import annotations

import asyncio
import json
import secrets
import socket
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket, WebSocketDisconnect

from lipstream.pipeline import Event
from lipstream.web.app import STATIC
from lipstream.web.guard import HEADERS

PATIENCE = 60.0
"""Seconds after which something that should have happened is taken to never happen."""
FORMATS = ["txt", "srt", "vtt", "ass", "ttml", "tsv", "words.csv", "segments.csv"]
LIMITS = {"max_bytes": 1_000_000, "max_seconds": 600}


@dataclass
class FakeSession:
    """One session: its peer, those who listen, and what it was told of switches and terms."""

    peer: RTCPeerConnection
    sockets: list[WebSocket] = field(default_factory=list)
    switches: dict[str, bool] = field(default_factory=dict)
    terms: list[list[str]] = field(default_factory=list)
    audio: bool = True
    video: bool = True
    own: bool = False


@dataclass
class FakeFile:
    """One uploaded recording, and what is answered about it, the last for ever."""

    name: str
    size: int
    states: list[dict[str, Any]]
    emotion: bool = True


class _Server(uvicorn.Server):
    """Tells when it answers and in which loop, and cuts every connection when it ends."""

    def __init__(
        self, config: uvicorn.Config, ready: Future[asyncio.AbstractEventLoop], cut: Callable[[], Awaitable[None]]
    ) -> None:
        super().__init__(config)
        self._ready = ready
        self._cut = cut

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._left = asyncio.Event()
        self._ready.set_result(asyncio.get_running_loop())

    async def main_loop(self) -> None:
        """Wait until it is to end, and not until the next time that it would be looked whether it is."""
        await self.on_tick(0)
        await self._left.wait()

    def leave(self) -> None:
        """Have it end; to be called in its loop."""
        self.should_exit = self.force_exit = True
        self._left.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await self._cut()
        await super().shutdown(sockets)


class FakeServer:
    """Serves the pages and the interface on a free port, which it keeps over restarts.

    Args:
        max_sessions: more get the answer "busy".

    Attributes:
        sessions: by id.
        files: by id.
        file_states: what the next file's state will be, one answer after another.
        survivor: session that `Hello` tells where there is no other: one that a client lost, and the server did not.
        refusal: status and body that every call of the interface gets, if set.
        emotion: whether it says that it judges emotions.
        growing: what it answers about the profile that grows; None where none may.
    """

    def __init__(self, max_sessions: int = 2) -> None:
        self.sessions: dict[str, FakeSession] = {}
        self.transcripts: list[dict[str, Any]] = []
        self.files: dict[str, FakeFile] = {}
        self.file_states: list[dict[str, Any]] = [{"state": "done", "progress": 1.0, "message": ""}]
        self.refusal: tuple[int, dict[str, str]] | None = None
        self.emotion = True
        self.growing: dict[str, Any] | None = None
        self.max_sessions = max_sessions
        self.greeting = "running"
        self.survivor: str | None = None
        self._watchers: list[WebSocket] = []
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.url = f"http://localhost:{self.port}"

    # Its life, from the test's thread.

    def start(self) -> None:
        """Begin to answer; returns when it does."""
        ready: Future[asyncio.AbstractEventLoop] = Future()
        app = Starlette(routes=self._routes())
        config = uvicorn.Config(app, "127.0.0.1", self.port, log_level="error", lifespan="off")
        self._server = _Server(config, ready, self._cut)
        self._thread = threading.Thread(target=self._server.run)
        self._thread.start()
        self._loop = ready.result(PATIENCE)

    def stop(self) -> None:
        """Go away, as if killed: every connection is cut."""
        self._loop.call_soon_threadsafe(self._server.leave)
        self._thread.join(PATIENCE)

    async def _cut(self) -> None:
        """The system closes what a killed process held."""
        for session in self.sessions.values():
            await session.peer.close()
        self.sessions.clear()
        self._watchers.clear()

    def send(self, *events: Event | dict[str, Any]) -> None:
        """Send events to everybody who listens; returns when they are on their way."""

        async def to_all() -> None:
            for event in events:
                text = json.dumps(event if isinstance(event, dict) else event.to_dict())
                for listener in [*self._watchers, *(s for each in self.sessions.values() for s in each.sockets)]:
                    await listener.send_text(text)

        asyncio.run_coroutine_threadsafe(to_all(), self._loop).result(PATIENCE)

    def listeners(self) -> int:
        """How many listen, to a session or to whichever there is."""
        return len(self._watchers) + sum(len(each.sockets) for each in self.sessions.values())

    # Its interface.

    def _routes(self) -> list[Route | Mount | WebSocketRoute]:
        return [
            Route("/", self._page("main/index.html")),
            Route("/captions", self._page("captions/captions.html")),
            Route("/captions/settings", self._page("captions/settings.html")),
            Mount("/static", StaticFiles(directory=STATIC)),
            Route("/api/status", self._status),
            Route("/api/growing", self._grow, methods=["GET", "PUT", "DELETE"]),
            Route("/api/sessions", self._open, methods=["POST"]),
            Route("/api/sessions/{id}", self._close, methods=["DELETE"]),
            Route("/api/sessions/{id}/switches", self._switch, methods=["POST"]),
            Route("/api/sessions/{id}/terms", self._expect, methods=["POST"]),
            Route("/api/files", self._upload, methods=["POST"]),
            Route("/api/files/{id}", self._file, methods=["GET", "DELETE"]),
            Route("/api/files/{id}/report", self._report),
            Route("/api/convert/{format}", self._convert, methods=["POST"]),
            WebSocketRoute("/events", self._events),
        ]

    def _page(self, name: str) -> Callable[[Request], Awaitable[Response]]:
        async def page(request: Request) -> Response:
            # With the content policy of the real server, whose breaches fail every test.
            return FileResponse(STATIC / name, headers=HEADERS)

        return page

    async def _status(self, request: Request) -> Response:
        if self.refusal:
            return self._refused()
        facts = {"version": "0", "sessions": len(self.sessions), "max_sessions": self.max_sessions, "upload": LIMITS}
        growing = self.growing is not None
        return JSONResponse(facts | {"emotion": self.emotion, "formats": FORMATS, "growing": growing})

    async def _grow(self, request: Request) -> Response:
        assert self.growing is not None
        if request.method == "PUT":
            self.growing["answer"] = (await request.json())["grow"]
        elif request.method == "DELETE":
            self.growing |= {"answer": False, "minutes": 0.0, "made": False, "kept": False}
        return JSONResponse(self.growing)

    def _refused(self) -> Response:
        assert self.refusal
        return JSONResponse(self.refusal[1], self.refusal[0])

    async def _open(self, request: Request) -> Response:
        if self.refusal:
            return self._refused()
        if len(self.sessions) >= self.max_sessions:
            return JSONResponse({"error": "busy", "message": "All places are taken: try again later."}, 503)
        body = await request.json()
        peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        id_ = secrets.token_urlsafe(12)
        self.sessions[id_] = FakeSession(peer, audio=body["audio"], video=body["video"], own=body["own"])
        await peer.setRemoteDescription(RTCSessionDescription(body["sdp"], body["type"]))
        for transceiver in peer.getTransceivers():
            # The connection is a real one, but nothing has to be encoded and decoded for it.
            transceiver.direction = "inactive"
        await peer.setLocalDescription(await peer.createAnswer())
        answer = peer.localDescription
        return JSONResponse({"session": id_, "sdp": answer.sdp, "type": answer.type})

    async def _close(self, request: Request) -> Response:
        session = self.sessions.pop(request.path_params["id"], None)
        if session is None:
            return JSONResponse({"error": "unknown", "message": "There is no such session."}, 404)
        await session.peer.close()
        return Response(status_code=204)

    async def _switch(self, request: Request) -> Response:
        self.sessions[request.path_params["id"]].switches |= await request.json()
        return JSONResponse({})

    async def _expect(self, request: Request) -> Response:
        if self.refusal:
            return self._refused()
        self.sessions[request.path_params["id"]].terms.append((await request.json())["terms"])
        return Response(status_code=204)

    async def _events(self, socket: WebSocket) -> None:
        id_ = socket.query_params.get("session")
        if id_ is not None and id_ not in self.sessions:
            await socket.close(4404)
            return
        await socket.accept()
        newest = id_ or next(reversed(self.sessions), None)
        await socket.send_json({"event": "Hello", "session": newest or self.survivor, "state": self.greeting})
        listeners = self.sessions[id_].sockets if id_ else self._watchers
        listeners.append(socket)
        try:
            while True:
                await socket.receive_text()
        except WebSocketDisconnect:
            listeners.remove(socket)

    async def _upload(self, request: Request) -> Response:
        size = 0
        async for block in request.stream():
            size += len(block)
        id_ = secrets.token_urlsafe(12)
        judged = request.query_params.get("emotion") != "false"
        self.files[id_] = FakeFile(request.query_params["name"], size, list(self.file_states), judged)
        return JSONResponse({"file": id_}, 202)

    async def _file(self, request: Request) -> Response:
        id_ = request.path_params["id"]
        if request.method == "DELETE":
            self.files.pop(id_, None)
            return Response(status_code=204)
        states = self.files[id_].states
        return JSONResponse(states.pop(0) if len(states) > 1 else states[0])

    async def _convert(self, request: Request) -> Response:
        self.transcripts.append(await request.json())
        return Response(f"made {request.path_params['format']}", media_type="text/plain")

    async def _report(self, request: Request) -> Response:
        name = self.files[request.path_params["id"]].name
        return HTMLResponse(f"<!doctype html><title>Report</title><h1>Report of {name}</h1>")
