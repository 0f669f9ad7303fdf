"""`WS /v1/stream`: a program sends sound, and pictures if it has some, and gets the events of its captions."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from starlette.routing import BaseRoute, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from lipstream import Pipeline, PushSource
from lipstream.config import Config
from lipstream.pipeline import PipelineError, UserError
from lipstream.web.answers import Refusal, refused
from lipstream.web.files.uploads import sentence
from lipstream.web.messages import TooSlow, send, tell
from lipstream.web.sessions import Busy, Sessions
from lipstream.web.sockets.opus import RATE, OpusDecoder
from lipstream.web.sockets.protocol import JpegPicture, Opening, binary, control, opening
from lipstream.web.sockets.session import SocketSession
from lipstream.web.threads import on_thread
from lipstream.web.wishes import expected

log = logging.getLogger(__name__)

PATH: Final = "/v1/stream"
IDLE_SECONDS: Final = 30.0
"""Longest time without a message before a session ends."""
MOST_WAITING: Final = 5.0
"""Seconds of sound that wait to be captioned before no more is read: who sends faster than that is held up."""
UNSUPPORTED: Final = 1003
"""Close code: a message that cannot be understood."""
IDLE: Final = 4408
"""Close code: nothing came for too long."""
FAILED: Final = 1011
"""Close code: the run failed."""
_PAUSE: Final = 0.05

Open = Callable[[Config, PushSource], Pipeline]


class _Unreadable(Exception):
    """A message that cannot be understood; the message says why."""


class SocketApi:
    """The address of sockets.

    Args:
        sessions: has the places.
        config: of their runs, but for what they ask for themselves.
        make: makes a run.
    """

    def __init__(self, sessions: Sessions, config: Config, make: Open) -> None:
        self._sessions = sessions
        self._config = config
        self._make = make

    @property
    def routes(self) -> list[BaseRoute]:
        """The address, with what answers it."""
        return [WebSocketRoute(PATH, self._serve)]

    async def _serve(self, websocket: WebSocket) -> None:
        try:
            wanted = opening(dict(websocket.query_params))
            session = await self._begin(wanted)
        except Refusal as refusal:
            await websocket.send_denial_response(refused(refusal, PATH))
            return
        try:
            await websocket.accept()
            await self._converse(websocket, session, wanted)
        finally:
            session.end()

    async def _begin(self, wanted: Opening) -> SocketSession:
        """A session with a run that loads.

        Raises:
            Refusal: there is no place, or it cannot be made.
        """
        config = wanted.config(self._config)
        source = PushSource(video=wanted.pictures)

        def run() -> Pipeline:
            pipeline = self._make(config, source)
            pipeline.start()
            return pipeline

        async def make() -> SocketSession:
            return SocketSession(await on_thread(run), source, self._sessions.notify)

        try:
            return await self._sessions.admit(make, SocketSession.kind)
        except Busy as error:
            raise Refusal(503, "busy", self._sessions.busy) from error
        except UserError as error:
            raise Refusal(400, "bad request", sentence(str(error))) from error
        except PipelineError as error:
            raise Refusal(500, "cannot start", sentence(str(error))) from error

    async def _converse(self, websocket: WebSocket, session: SocketSession, wanted: Opening) -> None:
        """Take what comes and send what is told, until one of both is over."""
        taker = asyncio.ensure_future(_Taker(websocket, session, self._config, wanted).run())
        teller = asyncio.ensure_future(_tell_all(websocket, session, wanted))
        code, reason = 1000, ""
        try:
            done, _ = await asyncio.wait([taker, teller], return_when=asyncio.FIRST_COMPLETED)
            if taker in done:
                taker.result()
            # Who has no more to send still hears what has been said; who has heard the end has no more to send.
            await teller
        except _Unreadable as error:
            code, reason = UNSUPPORTED, str(error)
        except TimeoutError:
            code, reason = IDLE, f"nothing came for {IDLE_SECONDS:.0f} s"
        except (WebSocketDisconnect, TooSlow):
            return
        except PipelineError:
            code, reason = FAILED, "the run failed"
        finally:
            taker.cancel()
            teller.cancel()
            await asyncio.gather(taker, teller, return_exceptions=True)
        await websocket.close(code, reason)


class _Taker:
    """Takes the messages of a program."""

    def __init__(self, websocket: WebSocket, session: SocketSession, config: Config, wanted: Opening) -> None:
        self._websocket = websocket
        self._session = session
        self._config = config
        # What is taken in one go has to fit behind what waits.
        self._room = min(MOST_WAITING, config.audio.buffer / 2)
        self._wanted = wanted
        self._opus = OpusDecoder(wanted.channels) if wanted.encoding == "opus" else None

    async def run(self) -> None:
        """Until the program says that there is no more, or the run is over.

        Raises:
            _Unreadable: a message that means nothing.
            TimeoutError: no message came for `IDLE_SECONDS`.
            WebSocketDisconnect: the program has gone.
        """
        source = self._session.source
        while source.open:
            await self._until_room()
            async with asyncio.timeout(IDLE_SECONDS):
                message = await self._websocket.receive()
            if message["type"] == "websocket.disconnect":
                raise WebSocketDisconnect(message.get("code", 1005))
            try:
                if message.get("bytes") is not None:
                    await self._take(message["bytes"])
                elif not self._obey(message["text"]):
                    return
            except (ValueError, UserError) as error:
                # A close reason has 123 bytes at most.
                raise _Unreadable(str(error).encode()[:120].decode(errors="ignore")) from error

    async def _until_room(self) -> None:
        source = self._session.source
        while source.waiting > self._room and source.open:
            await asyncio.sleep(_PAUSE)

    async def _take(self, data: bytes) -> None:
        source, wanted = self._session.source, self._wanted
        given = binary(data, wanted.pictures)
        if isinstance(given, JpegPicture):
            source.push_frame(given.data, time=given.time)
        elif self._opus is not None:
            for frame in self._opus.decode(given.data):
                source.push_audio(frame, RATE)
        else:
            # A message of a megabyte may be a minute of sound: no more of it waits than of many short ones.
            most = max(1, int(self._room * wanted.rate)) * 2 * wanted.channels
            for first in range(0, max(1, len(given.data)), most):
                await self._until_room()
                source.push_audio(given.data[first : first + most], wanted.rate, channels=wanted.channels)

    def _obey(self, text: str) -> bool:
        """Do what is asked for; returns whether there will be more."""
        kind, terms = control(text)
        if kind == "terms":
            self._session.pipeline.expect(expected(self._config, terms))
            return True
        self._session.source.end()
        return False


async def _tell_all(websocket: WebSocket, session: SocketSession, wanted: Opening) -> None:
    """Send what the run tells, from the first to `End`.

    Raises:
        TooSlow: the program does not take it.
        PipelineError: the run failed.
    """
    await tell(websocket, "Hello", session, session.state)
    while session.state == "loading":
        await asyncio.sleep(_PAUSE)
    if session.pipeline.begun:
        await tell(websocket, "Running", session)
    async for event in session.pipeline.aevents(*wanted.wanted):
        await send(websocket, event.to_dict())
    session.pipeline.wait(0)
    # Nothing more is to be taken either.
    session.end()
