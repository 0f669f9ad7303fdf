"""What every session of a server is: a live run, its state, and its end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Literal

from lipstream import Pipeline
from lipstream.pipeline import Event, PipelineError, Subscription

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.1

State = Literal["loading", "running", "ended"]


class RunSession(ABC):
    """A live run, as a server holds it.

    Args:
        changed: called whenever `state` has changed.

    Attributes:
        id: its name, which cannot be guessed.
        kind: what it is fed by.
        state: "loading" until everything is loaded and its time has begun.
    """

    kind: Literal["browser", "socket"]

    def __init__(self, changed: Callable[[], None]) -> None:
        self.id = secrets.token_urlsafe(12)
        self.state: State = "loading"
        self._changed = changed
        self._ending = asyncio.Event()

    @property
    @abstractmethod
    def pipeline(self) -> Pipeline:
        """The run."""

    @abstractmethod
    def now(self) -> int:
        """Session time in microseconds; 0 before the session has begun."""

    @abstractmethod
    async def wait(self) -> None:
        """Wait until the session has ended and its run is over."""

    def events(self) -> Subscription[Event]:
        """The events of the run, from the first; a reader that is too slow loses those that later ones supersede."""
        return self.pipeline.events()

    def end(self) -> None:
        """Let the session end; returns at once."""
        self._ending.set()

    @property
    def ending(self) -> bool:
        """Whether it has been asked to end."""
        return self._ending.is_set()

    def _run_is_over(self) -> bool:
        try:
            return self.pipeline.wait(0)
        except PipelineError as error:
            log.warning("a session failed: %s", error)
            return True

    def _become(self, state: State) -> None:
        self.state = state
        self._changed()

    async def _rest(self) -> None:
        """Wait a moment, or until the session is to end."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._ending.wait(), LOOK_SECONDS)
