"""What the sources of one file know of each other."""

from __future__ import annotations

import threading


class Deliveries:
    """Whether any of a run's sources has given anything. Each tells once, at its end, on its own thread.

    Args:
        sources: how many there are.
    """

    def __init__(self, sources: int) -> None:
        self._lock = threading.Lock()
        self._left = sources
        self._found = False
        self._causes: dict[str, str] = {}

    def all_empty(self, modality: str, cause: str | None) -> bool:
        """Tell that a source has ended.

        Args:
            modality: of the source.
            cause: why it gave nothing, None if it gave something.

        Returns:
            Whether it is the last one, and none has given anything.
        """
        with self._lock:
            self._left -= 1
            if cause is None:
                self._found = True
            else:
                self._causes[modality] = cause
            return self._left <= 0 and not self._found

    @property
    def causes(self) -> str:
        """Why there was nothing, in one line."""
        with self._lock:
            return "; ".join(dict.fromkeys(self._causes.values()))
