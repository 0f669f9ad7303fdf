"""The thread beside a live run on which clean speech becomes features; it has whatever time nobody else needs."""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import sys
import threading
from collections.abc import Callable
from typing import Final

from lipstream.models.av_speech.enrolment.asked import LONGEST
from lipstream.models.av_speech.recording import Recording
from lipstream.models.av_speech.training.growing.keeper import SpeechKeeper
from lipstream.models.av_speech.training.growing.kept_folder import KeptFolder
from lipstream.models.errors import ModelError

MOST_WAITING: Final = 4
"""Recordings that wait; more are left out, since sound and mouths are in them."""
_NICEST: Final = 19
_log = logging.getLogger(__name__)


class GrowthWorker:
    """Turns recordings into kept features, one after the other.

    Args:
        folder: where the features go.
        make_keeper: makes what turns a recording into features; called on the worker's own thread.
        permitted: whether anything may still be kept; what waited when that ended is let go.
    """

    def __init__(
        self,
        folder: KeptFolder,
        make_keeper: Callable[[], SpeechKeeper],
        permitted: Callable[[], bool] = lambda: True,
    ) -> None:
        self._folder = folder
        self._permitted = permitted
        self._make_keeper = make_keeper
        self._waiting: queue.SimpleQueue[Recording | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="growing profile", daemon=True)
        self.failure: str | None = None
        """Why nothing more is kept, in one line."""

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def offer(self, recording: Recording) -> bool:
        """Take a recording, if there is room; returns whether it was taken."""
        if self.failure is not None or self._waiting.qsize() >= MOST_WAITING:
            return False
        self._waiting.put(recording)
        return True

    def finish(self, longest: float | None = None) -> None:
        """Make features of what waits, and end.

        Args:
            longest: seconds that the caller waits for it; then the thread goes on by itself. None: until it is done.
        """
        self._waiting.put(None)
        self._thread.join(longest)

    def _run(self) -> None:
        _be_nice()
        keeper: SpeechKeeper | None = None
        while (recording := self._waiting.get()) is not None:
            if self.failure is not None:
                continue
            try:
                keeper = keeper or self._make_keeper()
                for piece in recording.pieces(LONGEST):
                    self._keep(keeper, piece)
            except ModelError as error:
                self.failure = str(error)
            except Exception as error:  # noqa: BLE001 - native runtimes raise their own; captions go on without
                _log.exception("clean speech could not be turned into features")
                self.failure = f"{type(error).__name__}: {error}"

    def _keep(self, keeper: SpeechKeeper, piece: Recording) -> None:
        state = self._folder.state
        if state.paused or not self._permitted():
            return
        kept = keeper.keep(piece, state.added + 1)
        if isinstance(kept, str):
            _log.debug("a stretch of speech is not learnt from: %s", kept)
            return
        if self._folder.state.paused or not self._permitted():  # it was taken back meanwhile
            return
        before = self._folder.files()
        self._folder.add(kept, state.added + 1)
        if not self._permitted() and set(before).isdisjoint(self._folder.files()):
            # All was deleted while this was written, which made the folder again.
            self._folder.delete()


def _be_nice() -> None:
    """Give this thread the lowest priority, where the system has one for each thread, as Linux alone has."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICEST)
