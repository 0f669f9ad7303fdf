"""Where the time goes, as a Chrome trace that opens in Perfetto (https://ui.perfetto.dev)."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import stat
import threading
from pathlib import Path
from typing import Any

from lipstream.pipeline.exclusive import claim

log = logging.getLogger(__name__)


class Tracer:
    """Writes spans and counters as they happen, in the JSON array form of the Trace Event Format.

    Memory stays flat however long the run is, and a file cut short by a crash still opens: the format lets the
    closing bracket be missing.

    Args:
        path: file to write; replaced if it exists.

    Raises:
        OSError: it cannot be written, or another run is writing it.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._lanes: dict[str, int] = {}
        self._file = path.open("a", encoding="utf-8")
        try:
            claim(self._file)
            # Not before the claim: the file may be another run's. Pipes and devices cannot be cut.
            if stat.S_ISREG(os.fstat(self._file.fileno()).st_mode):
                self._file.truncate(0)
        except BaseException:
            self._file.close()
            raise
        self._file.write("[\n")
        self._first = True

    def span(self, thread: str, name: str, start: int, duration: int, **args: object) -> None:
        """Record that `thread` spent `duration` us on `name` from session time `start` us."""
        self._write(thread, {"ph": "X", "name": name, "ts": start, "dur": duration, **({"args": args} if args else {})})

    def counter(self, thread: str, name: str, timestamp: int, value: float) -> None:
        """Record the value of something that is drawn as a curve, such as a queue's depth."""
        self._write(thread, {"ph": "C", "name": name, "ts": timestamp, "args": {"value": value}})

    def _write(self, thread: str, record: dict[str, Any]) -> None:
        with self._lock:
            if self._file.closed:
                return
            # Perfetto wants numeric thread ids.
            lane = self._lanes.get(thread)
            if lane is None:
                lane = self._lanes[thread] = len(self._lanes) + 1
                self._append({"ph": "M", "name": "thread_name", "pid": 1, "tid": lane, "args": {"name": thread}})
            if not self._file.closed:
                self._append({"pid": 1, "tid": lane, **record})

    def _append(self, record: dict[str, Any]) -> None:
        self._write_text(("" if self._first else ",\n") + json.dumps(record))
        self._first = False

    def _write_text(self, text: str) -> None:
        try:
            self._file.write(text)
        except OSError as error:
            # A full disk must not end the run that is being looked at.
            log.warning("the trace ends here, it cannot be written: %s", error)
            with contextlib.suppress(OSError):
                self._file.close()

    def close(self) -> None:
        """Complete the file. Idempotent; never raises."""
        with self._lock:
            if not self._file.closed:
                self._write_text("\n]\n")
            with contextlib.suppress(OSError):
                self._file.close()
