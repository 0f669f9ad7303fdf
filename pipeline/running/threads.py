"""The start of threads: where none can be had, and where Ctrl-C may come in between."""

from __future__ import annotations

import _thread
import threading

from lipstream.pipeline.latch import Latch


class ProgramEnds(RuntimeError):
    """No thread can be had any more, since the program is at its end (from Python 3.12 on)."""


def begin(thread: threading.Thread) -> Exception | None:
    """Start a thread; returns what kept it from starting, such as that the system has no more to give."""
    try:
        thread.start()
    except (RuntimeError, MemoryError) as error:
        # Python tells the two apart by the message alone, and says that it is at its end only later on.
        if "interpreter shutdown" in str(error):
            return ProgramEnds(str(error))
        # Its traceback would keep the thread, and with it all that the thread was to work on.
        return error.with_traceback(None)
    return None


class Launch:
    """Starts one thread for a caller who may be interrupted by Ctrl-C at any point.

    `Thread.start` waits until the thread has taken a lock, and an interrupt there can leave that lock taken and the
    thread waiting for it for ever. So another thread does it, which itself comes about in a single call or not at all.

    Args:
        thread: not started yet.

    Attributes:
        thread: the same, or one that does nothing if that could not be started.
        gone: whether it has been started, or could not.
    """

    def __init__(self, thread: threading.Thread) -> None:
        self.thread = thread
        self.gone = False
        self._over = Latch()
        self._error: Exception | None = None
        self._told = threading.Lock()

    def go(self) -> None:
        """Start the thread."""
        try:
            # Python looks for interrupts in calls, so there is none between these two.
            self.gone = True
            _thread.start_new_thread(self._begin, ())
        except (RuntimeError, MemoryError) as error:
            self._fail(error.with_traceback(None))
        self._over.wait()

    def failure(self) -> Exception | None:
        """Why the thread could not be started; None if it could, and to all but the first who ask."""
        if self._error is None or not self._told.acquire(blocking=False):
            return None
        return self._error

    def _begin(self) -> None:
        error = begin(self.thread)
        if error is not None:
            self._fail(error)
        self._over.set()

    def _fail(self, error: Exception) -> None:
        self.thread = threading.Thread(name=self.thread.name, daemon=True)
        self._error = error
        self._over.set()
