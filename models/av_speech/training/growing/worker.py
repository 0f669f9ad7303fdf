"""The thread beside a live run on which clean speech becomes features; it has whatever time nobody else needs."""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from lipstream.models.av_speech.enrolment.asked import LONGEST
from lipstream.models.av_speech.enrolment.neighbours import TOGETHER, Neighbours
from lipstream.models.av_speech.enrolment.quiet_reader import Heard
from lipstream.models.av_speech.recording import Recording
from lipstream.models.av_speech.training.growing.keeper import SpeechKeeper
from lipstream.models.av_speech.training.growing.kept_folder import KeptFolder
from lipstream.models.errors import ModelError

MOST_WAITING: Final = 4
"""Recordings that wait; more are left out, since sound and mouths are in them. Beside these wait those that are read
together with what comes next (`TOGETHER`)."""
LONGEST_SILENCE: Final = 20.0
"""Seconds without more speech after which what waits is read without it."""
_NICEST: Final = 19
_NOT_LEARNT: Final = "a stretch of speech is not learnt from: %s"
_log = logging.getLogger(__name__)


class GrowthWorker:
    """Turns recordings into kept features, those that follow each other together where they are read better so.

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
        neighbours = Neighbours[Recording](TOGETHER)
        ended = False
        while not ended:
            try:
                recording = self._waiting.get(timeout=LONGEST_SILENCE if neighbours else None)
                ended = recording is None
            except queue.Empty:
                recording = None
            if self.failure is not None:
                neighbours.take()
                continue
            with self._telling():
                if recording is not None:
                    keeper = keeper or self._make_keeper()
                    self._gather(keeper, neighbours, recording)
                elif keeper is not None:
                    self._keep_all(keeper, neighbours.take())

    @contextlib.contextmanager
    def _telling(self) -> Iterator[None]:
        """What goes wrong ends the growth, and is told."""
        try:
            yield
        except ModelError as error:
            self.failure = str(error)
        except Exception as error:  # noqa: BLE001 - native runtimes raise their own; captions go on without
            _log.exception("clean speech could not be turned into features")
            self.failure = f"{type(error).__name__}: {error}"

    def _gather(self, keeper: SpeechKeeper, neighbours: Neighbours[Recording], recording: Recording) -> None:
        """Add a recording to what waits to be read with what comes next; what is enough is kept."""
        if self._stopped():
            neighbours.take()
            return
        for piece in recording.pieces(LONGEST):
            if (wrong := keeper.unusable(piece)) is not None:
                _log.debug(_NOT_LEARNT, wrong)
                continue
            self._keep_all(keeper, neighbours.add(piece, len(piece.pcm)))

    def _keep_all(self, keeper: SpeechKeeper, batch: Sequence[Recording]) -> None:
        if not batch or self._stopped():
            return
        for piece, heard in zip(batch, keeper.read(batch), strict=True):
            self._keep(keeper, piece, heard)

    def _stopped(self) -> bool:
        return self._folder.state.paused or not self._permitted()

    def _keep(self, keeper: SpeechKeeper, piece: Recording, heard: Heard) -> None:
        if self._stopped():
            return
        number = self._folder.state.added + 1
        kept = keeper.keep(piece, number, heard)
        if isinstance(kept, str):
            _log.debug(_NOT_LEARNT, kept)
            return
        if self._stopped():  # it was taken back meanwhile
            return
        before = self._folder.files()
        self._folder.add(kept, number)
        if not self._permitted() and set(before).isdisjoint(self._folder.files()):
            # All was deleted while this was written, which made the folder again.
            self._folder.delete()


def _be_nice() -> None:
    """Give this thread the lowest priority, where the system has one for each thread, as Linux alone has."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICEST)
