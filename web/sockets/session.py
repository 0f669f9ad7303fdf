"""The session of a program that sends its sound over a WebSocket."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from lipstream import Pipeline, PushSource
from lipstream.web.run_session import RunSession
from lipstream.web.threads import on_thread


class SocketSession(RunSession):
    """One program's session.

    Args:
        pipeline: its run, which has been started.
        source: where its sound and pictures go.
        changed: called whenever `state` has changed.
    """

    kind = "socket"

    def __init__(self, pipeline: Pipeline, source: PushSource, changed: Callable[[], None]) -> None:
        super().__init__(changed)
        self.source = source
        self._pipeline = pipeline
        self._life = asyncio.ensure_future(self._live())

    @property
    def pipeline(self) -> Pipeline:
        """The run."""
        return self._pipeline

    def now(self) -> int:
        """Session time in microseconds; 0 before the session has begun."""
        return round(self.source.now() * 1e6)

    async def wait(self) -> None:
        """Wait until the session has ended and its run is over."""
        await self._life

    async def _live(self) -> None:
        try:
            while not self.ending and not self._run_is_over():
                if self.state == "loading" and self.pipeline.begun:
                    self._become("running")
                await self._rest()
        finally:
            self._ending.set()
            await on_thread(self.pipeline.stop)
            self._become("ended")
