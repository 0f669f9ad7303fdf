"""All sessions of a server, and the run that is kept ready for the next one."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from aiortc import RTCSessionDescription

from lipstream.pipeline import PipelineError
from lipstream.pipeline.running.memory import give_back
from lipstream.web.ops.journal import Journal
from lipstream.web.rtc.connection import Connection
from lipstream.web.run_session import RunSession
from lipstream.web.session import Prepared, Session
from lipstream.web.threads import on_thread

log = logging.getLogger(__name__)

_PATIENCE_SECONDS = 3.0
"""How long a new browser waits for a session that is just ending: whoever loads the page anew is not refused."""

_SOURCES = frozenset({"audio", "video"})
"""Components that are open once a browser is there; nothing has to be loaded for them."""

S = TypeVar("S", bound=RunSession)

Prepare = Callable[[], Prepared]


class Busy(Exception):
    """As many sessions run as may."""


class Sessions:
    """Begins and ends sessions, and keeps one run loaded ahead, so that captions come as soon as a browser does.

    Args:
        prepare: makes and starts a run that waits for a browser; may take seconds, and is called on a thread.
        limit: most sessions at once.
        journal: is told of sessions.
        after: called on a thread when a session is over.
    """

    def __init__(
        self,
        prepare: Prepare,
        limit: int,
        journal: Journal | None = None,
        after: Callable[[], object] = lambda: None,
    ) -> None:
        self.limit = limit
        self._journal = journal or Journal()
        self._after = after
        self._ready = False
        self._prepare = prepare
        self._sessions: dict[str, RunSession] = {}
        self._coming = 0
        self._reserve: asyncio.Task[Prepared] | None = None
        self._changed = asyncio.Condition()
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False
        self._proven = False

    # Sessions.

    @property
    def count(self) -> int:
        """How many sessions there are."""
        return len(self._sessions) + self._coming

    @property
    def all(self) -> list[RunSession]:
        """The sessions that there are."""
        return list(self._sessions.values())

    @property
    def ready(self) -> bool:
        """Whether the networks of a session have been loaded, so that the next one begins at once."""
        if not self._ready:
            reserve = self._reserve
            held = None if reserve is None else _made(reserve)
            loaded = held is not None and held.pipeline.loading <= _SOURCES
            self._ready = loaded or any(each.state == "running" for each in self._sessions.values())
        return self._ready

    @property
    def busy(self) -> str:
        """What is said to who comes when all places are taken."""
        used = "somebody else is using it" if self.limit == 1 else f"all {self.limit} places are taken"
        return f"Lipstream is busy: {used}. Try again when a session has ended."

    def get(self, name: str) -> RunSession | None:
        """A session by its id."""
        return self._sessions.get(name)

    def newest(self) -> RunSession | None:
        """The session that was begun last, of those that have not ended."""
        return next((each for each in reversed(self._sessions.values()) if each.state != "ended"), None)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for something about the sessions: that one has begun, changed its state, or gone."""
        async with self._changed:
            await self._changed.wait_for(condition)

    async def begin(self, offer: RTCSessionDescription, *, own: bool = False) -> tuple[Session, RTCSessionDescription]:
        """Begin a session for a browser's offer; returns it and the answer.

        Args:
            offer: the browser's.
            own: see `Prepared.own`.

        Raises:
            Busy: there are as many as may be.
            BadOffer: the offer cannot be answered.
            PipelineError: its run cannot be made, for instance because a model is missing.
        """
        answers: list[RTCSessionDescription] = []

        async def make() -> Session:
            session, answer = await self._begin(offer, own)
            answers.append(answer)
            return session

        return await self.admit(make, "browser"), answers[0]

    async def admit(self, make: Callable[[], Awaitable[S]], kind: str) -> S:
        """Give a place to a session that is made now.

        Args:
            make: makes it.
            kind: of it.

        Raises:
            Busy: there are as many as may be.
        """
        try:
            await self._room()
        except Busy:
            self._journal.session_refused(kind)
            raise
        self._coming += 1
        try:
            session = await make()
            self._sessions[session.id] = session
        finally:
            self._coming -= 1
        self.notify()
        self._do(self._until_gone(session))
        self.load()
        return session

    async def end(self, session: RunSession) -> None:
        """End a session; returns when it is over and its place free."""
        session.end()
        await self.until(lambda: session.id not in self._sessions)

    async def close(self) -> None:
        """End everything."""
        self._closed = True
        for session in list(self._sessions.values()):
            session.end()
        if self._reserve is not None:
            self._do(_abandon(self._reserve))
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    @contextlib.asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Take the place of a session, waiting for it as long as it takes."""
        while self.count >= self.limit:
            await self.until(lambda: self.count < self.limit)
        self._coming += 1
        try:
            yield
        finally:
            self._coming -= 1
            self.notify()
            self.load()

    async def _room(self) -> None:
        """Wait a moment for a place, if one is about to become free."""
        if self.count >= self.limit and any(each.ending for each in self._sessions.values()):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_PATIENCE_SECONDS):
                    await self.until(lambda: self.count < self.limit)
        if self.count >= self.limit or self._closed:
            raise Busy

    async def _begin(self, offer: RTCSessionDescription, own: bool) -> tuple[Session, RTCSessionDescription]:
        connection = Connection()
        try:
            answer = await connection.answer(offer)
            prepared = await self._take()
            if own:
                prepared.own.set()
            return Session(connection, prepared, self.notify), answer
        except BaseException:
            await connection.close()
            raise

    async def _until_gone(self, session: RunSession) -> None:
        begun = asyncio.get_running_loop().time()
        self._journal.session_begun(session.kind)
        try:
            await session.wait()
        finally:
            self._journal.session_ended(session.kind, asyncio.get_running_loop().time() - begun)
            del self._sessions[session.id]
            self.notify()
        del session
        self.load()
        await on_thread(_free_memory)
        await on_thread(self._after)

    # The run for the next one.

    def load(self) -> None:
        """Begin to load the run for the next session, if there may be one; returns at once."""
        if self._reserve is None and not self._closed and self.count < self.limit:
            self._reserve = self._make()

    def check(self) -> None:
        """See whether the run that is kept ready could be made and still will do; else it is forgotten.

        Raises:
            PipelineError: it could not, and neither could any before: no session will ever begin.
        """
        if self._reserve is None or not self._reserve.done():
            return
        try:
            prepared = self._reserve.result()
            if prepared.outdated():
                # First of all: that it fails, as where its profile was deleted, is no failure of the next session.
                self._do(_abandon(self._reserve))
                self._reserve = None
                self.load()
            elif prepared.pipeline.wait(0):
                self._reserve = None
        except PipelineError as error:
            self._reserve = None
            if not self._proven:
                raise
            log.warning("the next session cannot be prepared: %s", error)

    def _make(self) -> asyncio.Task[Prepared]:
        return asyncio.ensure_future(on_thread(self._prepare))

    async def _take(self) -> Prepared:
        """The run that is ready, or a new one."""
        self.check()
        reserve, self._reserve = self._reserve or self._make(), None
        try:
            prepared = await asyncio.shield(reserve)
        except asyncio.CancelledError:
            self._do(_abandon(reserve))
            raise
        if self._closed:
            await _abandon(reserve)
            raise Busy
        self._proven = True
        return prepared

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def notify(self) -> None:
        """Tell who waits that something about the sessions has changed."""
        self._do(self._wake())

    async def _wake(self) -> None:
        async with self._changed:
            self._changed.notify_all()


def _made(reserve: asyncio.Task[Prepared]) -> Prepared | None:
    """The run that was made; None as long as it is not, or if it could not be."""
    done = reserve.done() and not reserve.cancelled() and reserve.exception() is None
    return reserve.result() if done else None


async def _abandon(reserve: asyncio.Task[Prepared]) -> None:
    """Stop a run that nobody came for."""
    try:
        prepared = await reserve
    except PipelineError:
        return
    await on_thread(prepared.pipeline.stop)


def _free_memory() -> None:
    """Give the memory of a session back to the system: networks and queues refer to each other in circles."""
    gc.collect()
    give_back()
