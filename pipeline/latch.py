"""A flag that threads wait for, and that no interrupt can break."""

from __future__ import annotations

import _thread
import contextlib
import threading
import time
from collections import deque
from typing import NoReturn

_SLICE = 0.2
"""Seconds after which who waits looks again: who set it may have been interrupted, and Windows lets no wait be."""


class Latch(threading.Event):
    """An event that is set once, safe to set and to wait for wherever a Ctrl-C or the garbage collector strikes.

    `threading.Event` guards its flag with a lock that a function of its own takes. A Ctrl-C on leaving that function
    leaves the lock taken, and whoever comes to the event next hangs for ever; so does a destructor that sets it in a
    thread which is about to wait for it. Here each waiter has a lock of its own, and nothing else is shared but a flag
    and a deque.
    """

    def __init__(self) -> None:
        super().__init__()
        self._is_set = False
        self._waiting: deque[_thread.LockType] = deque()

    def is_set(self) -> bool:
        """Whether it is set."""
        return self._is_set

    def set(self) -> None:
        """Set it and wake all who wait. Idempotent."""
        # First: who begins to wait after the others have been woken looks at it.
        self._is_set = True
        for lock in tuple(self._waiting):
            # Another who sets it may have been quicker.
            with contextlib.suppress(RuntimeError):
                lock.release()

    def clear(self) -> NoReturn:
        """A latch stays set."""
        raise TypeError("a latch cannot be cleared")

    def wait(self, timeout: float | None = None) -> bool:
        """Wait at most `timeout` seconds (None: as long as it takes); returns whether it is set."""
        if self._is_set:
            return True
        deadline = None if timeout is None else time.monotonic() + timeout
        lock = _thread.allocate_lock()
        lock.acquire()
        self._waiting.append(lock)
        try:
            while not self._is_set:
                left = _SLICE if deadline is None else min(_SLICE, deadline - time.monotonic())
                if left <= 0 or lock.acquire(timeout=left):
                    break
        finally:
            self._waiting.remove(lock)
        return self._is_set
