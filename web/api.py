"""The addresses under which sessions are begun, steered and ended."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket

from lipstream.config import Config
from lipstream.pipeline import PipelineError, UserError
from lipstream.stages.sinks.transcript.reading import events_of, transcript_in
from lipstream.stages.sinks.transcript.texts import text_formats, texts_of
from lipstream.version import version
from lipstream.web.answers import Refusal, json_answer, read_json
from lipstream.web.app import under
from lipstream.web.event_docs import describe, page
from lipstream.web.event_stream import EventStream
from lipstream.web.files.uploads import UploadLimits, sentence
from lipstream.web.growing.local import is_from_here
from lipstream.web.guard import PREFIX
from lipstream.web.rtc.offer import MAX_OFFER_BYTES, BadOffer, read_offer
from lipstream.web.run_session import RunSession
from lipstream.web.sessions import Busy, Sessions
from lipstream.web.threads import on_thread
from lipstream.web.wishes import expected

_MAX_JSON_BYTES = 4096
_MAX_TRANSCRIPT_BYTES = 16_000_000
# 500 terms of 80 characters, the most there may be, each character written as \uXXXX.
_MAX_TERMS_JSON_BYTES = 256_000
# What an offer needs in JSON: line breaks become two characters.
_MAX_OFFER_JSON_BYTES = 2 * MAX_OFFER_BYTES


class Api:
    """The addresses of sessions and events.

    Args:
        sessions: the sessions.
        limits: told to pages.
        emotion: whether emotions are judged here at all; told to pages.
        growing: whether a profile may grow here, if its user agrees; told to pages.
    """

    def __init__(
        self, sessions: Sessions, limits: UploadLimits, *, emotion: bool = True, growing: bool = False
    ) -> None:
        self._sessions = sessions
        self._limits = limits
        self._emotion = emotion
        self._growing = growing
        self._stream = EventStream(sessions)

    @property
    def routes(self) -> list[BaseRoute]:
        """The addresses, with what answers them."""
        return [
            Route("/api/status", self._status),
            Route("/api/events.json", self._events_json),
            Route("/docs", self._docs),
            Route("/api/convert/{format}", self._convert, methods=["POST"]),
            Route("/api/sessions", self._begin, methods=["POST"]),
            Route("/api/sessions/{name}", self._end, methods=["DELETE"]),
            Route("/api/sessions/{name}/switches", self._switch, methods=["POST"]),
            Route("/api/sessions/{name}/terms", self._expect, methods=["POST"]),
            WebSocketRoute("/events", self._events),
        ]

    async def _status(self, request: Request) -> Response:
        return json_answer(
            {
                "version": version(),
                "sessions": self._sessions.count,
                "max_sessions": self._sessions.limit,
                "formats": text_formats(),
                "emotion": self._emotion,
                "growing": self._growing and is_from_here(request),
                "upload": {"max_bytes": self._limits.max_bytes, "max_seconds": self._limits.max_seconds},
            }
        )

    async def _events_json(self, request: Request) -> Response:
        return json_answer(describe())

    async def _docs(self, request: Request) -> Response:
        return HTMLResponse(under(request.scope.get(PREFIX, ""), page()))

    async def _convert(self, request: Request) -> Response:
        name, formats = request.path_params["format"], text_formats()
        if name not in formats:
            raise Refusal(404, "no format", f"There is no such format; there are: {', '.join(formats)}.")
        body = await read_json(request, _MAX_TRANSCRIPT_BYTES)
        try:
            texts = await on_thread(lambda: _converted(body, name))
        except ValueError as error:
            raise Refusal(400, "no transcript", sentence(f"This is no transcript: {error}")) from error
        return Response(texts.get(name, ""), media_type="text/plain; charset=utf-8")

    async def _begin(self, request: Request) -> Response:
        body = await read_json(request, _MAX_OFFER_JSON_BYTES)
        own = body.get("own") is True and is_from_here(request)
        try:
            session, answer = await self._sessions.begin(read_offer(body), own=own)
        except BadOffer as error:
            raise Refusal(400, "bad offer", sentence(str(error))) from error
        except Busy as error:
            raise Refusal(503, "busy", self._sessions.busy) from error
        except PipelineError as error:
            raise Refusal(500, "cannot start", sentence(str(error))) from error
        return json_answer({"session": session.id, "sdp": answer.sdp, "type": answer.type})

    async def _end(self, request: Request) -> Response:
        await self._sessions.end(self._session(request))
        return Response(status_code=204)

    async def _switch(self, request: Request) -> Response:
        switches = self._session(request).pipeline.switches
        wanted = await read_json(request, _MAX_JSON_BYTES)
        if not wanted or not all(name in switches.names and isinstance(on, bool) for name, on in wanted.items()):
            there = ", ".join(switches.names)
            raise Refusal(400, "bad request", f"Expected switches ({there}), each with true or false.")
        for name, on in wanted.items():
            switches.turn(name, on)
        return json_answer({name: switches.is_on(name) for name in switches.names})

    async def _expect(self, request: Request) -> Response:
        pipeline = self._session(request).pipeline
        terms = (await read_json(request, _MAX_TERMS_JSON_BYTES)).get("terms")
        if not isinstance(terms, list) or not all(isinstance(term, str) for term in terms):
            raise Refusal(400, "bad request", 'Expected {"terms": [...]} with a list of words and phrases.')
        try:
            pipeline.expect(expected(pipeline.config, terms))
        except UserError as error:
            raise Refusal(400, "bad terms", sentence(str(error))) from error
        return Response(status_code=204)

    async def _events(self, websocket: WebSocket) -> None:
        await self._stream.serve(websocket)

    def _session(self, request: Request) -> RunSession:
        session = self._sessions.get(request.path_params["name"])
        if session is None:
            raise Refusal(404, "no session", "There is no such session, or not any more.")
        return session


def _converted(body: dict[str, Any], name: str) -> dict[str, str]:
    return texts_of(events_of(transcript_in(body)), Config(), [name])
