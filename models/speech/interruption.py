"""Work of a recogniser that is given up in the middle, because somebody waits for another."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Interrupted(Exception):
    """The work was given up, as was asked."""


class Interruption:
    """Ends a piece of work from another thread.

    What computes for long in one call of a network does it within `ending`; between its other steps it asks `check`.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked = False
        self._calls: list[Any] = []

    @property
    def asked(self) -> bool:
        """Whether the work is to be given up."""
        return self._asked

    def ask(self) -> None:
        """Have the work given up, soon; any thread may."""
        with self._lock:
            self._asked = True
            for options in self._calls:
                options.terminate = True

    def check(self) -> None:
        """Go on only if nobody has asked.

        Raises:
            Interrupted: somebody has.
        """
        if self._asked:
            raise Interrupted

    @contextmanager
    def ending(self, options: Any) -> Iterator[None]:  # noqa: ANN401  (onnxruntime carries no types)
        """Let a call of a network that has these options (`RunOptions`) be ended.

        Raises:
            Interrupted: it was.
        """
        with self._lock:
            self.check()
            self._calls.append(options)
        try:
            yield
        except Exception as error:
            if self._asked:
                raise Interrupted from error
            raise
        finally:
            with self._lock:
                self._calls.remove(options)
