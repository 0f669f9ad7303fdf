"""The server: it begins, it runs until it is asked to end, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import threading
from collections.abc import Callable, Generator
from dataclasses import dataclass

import uvicorn

from lipstream import Pipeline, PushSource
from lipstream.config import Config
from lipstream.stages.enrol.consent import GrowthConsent
from lipstream.web.address import Address
from lipstream.web.api import Api
from lipstream.web.app import make_app
from lipstream.web.files.api import FilesApi
from lipstream.web.files.uploads import UploadLimits, Uploads
from lipstream.web.growing.api import GrowingApi
from lipstream.web.guard import Guard
from lipstream.web.http import Crowd, HttpConfig
from lipstream.web.jobs.api import JobsApi
from lipstream.web.openai.api import OpenAiApi
from lipstream.web.ops.api import OpsApi
from lipstream.web.ops.journal import Journal
from lipstream.web.ops.watch import Watch
from lipstream.web.sessions import Prepare, Sessions
from lipstream.web.sockets.api import Open, SocketApi

_POLL_SECONDS = 0.1
# Sessions tell their listeners that they are over before the listeners are cut off; all of it in less than 2 s.
_FAREWELL_SECONDS = 0.6
_CLOSE_SECONDS = 1.7
_MAX_HEADER_BYTES = 32 * 1024
_MAX_MESSAGE_BYTES = 1 << 20
_PING_SECONDS = 20.0
# What answers a ping may stand behind sound that is sent faster than it is captioned, and is read as fast only.
_PONG_SECONDS = 60.0


def pushed(config: Config, source: PushSource) -> Pipeline:
    """The run of a program that sends sound."""
    return Pipeline(config, source=source)


@dataclass(frozen=True, slots=True)
class Service:
    """What a server does.

    Attributes:
        prepare: makes the run of a browser's session.
        max_sessions: most of them at once.
        recordings: how those that are sent are captioned.
        limits: how large a recording may be.
        live: the configuration of programs that send sound.
        push: makes their runs.
        consent: whether this machine's user agrees that a profile grows; None where nothing is asked.
        after: called on a thread when a session is over.
    """

    prepare: Prepare
    max_sessions: int
    recordings: Config
    limits: UploadLimits
    live: Config
    push: Open = pushed
    consent: GrowthConsent | None = None
    after: Callable[[], object] = lambda: None


class _Uvicorn(uvicorn.Server):
    """Leaves the signals to whoever runs it."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


def serve(address: Address, service: Service, asked: threading.Event, ready: Callable[[str], None]) -> None:
    """Serve until asked to end.

    Args:
        address: where.
        service: what.
        asked: set, from any thread, to end; that takes less than 2 s.
        ready: called with the address of the page once it can be opened.

    Raises:
        UserError: the address cannot be used.
        PipelineError: no run can be made, for instance because a model is missing.
    """
    address.check()
    for library in ("aiortc", "aioice", "uvicorn"):
        # A packet that is lost or cannot be decoded is nothing to warn of, nor is a request that makes no sense.
        logging.getLogger(library).setLevel(logging.ERROR)
    with address.listen() as listener:
        asyncio.run(serving(address, listener, service, asked, ready))


async def serving(
    address: Address, listener: socket.socket, service: Service, asked: threading.Event, ready: Callable[[str], None]
) -> None:
    """`serve` on an event loop that is there, and a socket that is bound."""
    journal = Journal()
    sessions = Sessions(service.prepare, service.max_sessions, journal, service.after)
    uploads = Uploads(service.recordings, service.limits, sessions, journal)
    port: int = listener.getsockname()[1]
    routes = [
        *Api(
            sessions,
            service.limits,
            emotion=service.recordings.emotion.enabled,
            growing=service.consent is not None,
        ).routes,
        *GrowingApi(service.consent).routes,
        *FilesApi(uploads).routes,
        *OpenAiApi(uploads).routes,
        *JobsApi(uploads).routes,
        *SocketApi(sessions, service.live, service.push).routes,
        *OpsApi(journal, sessions, uploads).routes,
    ]
    guard = Guard(make_app(routes), host=address.host, port=port, token=address.token, front=address.front)
    server = _Uvicorn(_config(Watch(guard, journal), address))
    running = asyncio.ensure_future(server.serve([listener]))
    tidying = asyncio.ensure_future(uploads.keep_tidy())
    sessions.load()
    try:
        while not server.started:
            await asyncio.sleep(0.01)
        ready(address.url(port))
        while not asked.is_set() and not running.done():
            sessions.check()
            await asyncio.sleep(_POLL_SECONDS)
    finally:
        tidying.cancel()
        closing = asyncio.ensure_future(_close(sessions, uploads))
        await asyncio.wait([closing], timeout=_FAREWELL_SECONDS)
        server.should_exit = True
        await asyncio.wait([closing, running], timeout=_CLOSE_SECONDS - _FAREWELL_SECONDS)


async def _close(sessions: Sessions, uploads: Uploads) -> None:
    await asyncio.gather(sessions.close(), uploads.close())


def _config(app: Watch, address: Address) -> uvicorn.Config:
    certificate, key = address.certificate or (None, None)
    return HttpConfig(
        app,
        Crowd(address.front.trusts),
        log_config=None,
        access_log=False,
        lifespan="off",
        h11_max_incomplete_event_size=_MAX_HEADER_BYTES,
        ws="websockets-sansio",
        ws_max_size=_MAX_MESSAGE_BYTES,
        ws_ping_interval=_PING_SECONDS,
        ws_ping_timeout=_PONG_SECONDS,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=1,
        ssl_certfile=certificate,
        ssl_keyfile=key,
    )
