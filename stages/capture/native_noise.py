"""Keeps what native audio libraries print while devices are opened off the terminal."""

from __future__ import annotations

import os
import re
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO

from lipstream.models.face import native_log

# ALSA and JACK complain of every configured device that is not there, PortAudio of every format it tries. None of it is
# an error: what goes wrong with the chosen device is raised as an exception.
_NOISE = re.compile(rb"\s*$|ALSA lib|jack server|Jack|JACK|Cannot connect to server|Expression '|connect\(2\) call to")
_STDERR = 2
_LIMIT_SECONDS = 5.0


@contextmanager
def devices_quiet() -> Iterator[None]:
    """Drop the chatter of ALSA, JACK and PortAudio on standard error inside the block.

    File descriptor 2 is redirected meanwhile, for the whole process; every line that is not chatter is written out
    afterwards. A library that hangs cannot keep standard error for longer than five seconds.
    """
    redirection = _Redirection()
    timer = threading.Timer(_LIMIT_SECONDS, redirection.end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        redirection.end()


class _Redirection:
    """Standard error going into a file, until `end`. Without a standard error, or if it cannot be had, nothing."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: IO[bytes] | None = None
        # Whoever else redirects descriptor 2 takes the same lock, or each would restore the other's file.
        if not native_log.REDIRECTING.acquire(timeout=_LIMIT_SECONDS):
            return
        try:
            _flush()
            held = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `end`
            self._original = os.dup(_STDERR)
        except OSError:
            native_log.REDIRECTING.release()
            return
        os.dup2(held.fileno(), _STDERR)
        self._held = held

    def end(self) -> None:
        """Give standard error back. Idempotent; may be called from any thread."""
        with self._lock:
            held, self._held = self._held, None
            if held is None:
                return
            _flush()
            os.dup2(self._original, _STDERR)
            native_log.REDIRECTING.release()
        os.close(self._original)
        with held:
            held.seek(0)
            kept = b"".join(line for line in held if not _NOISE.match(line))
        if kept:
            os.write(_STDERR, kept)


def _flush() -> None:
    # There may be no standard error, or a closed one.
    with suppress(OSError, ValueError, AttributeError):
        sys.stderr.flush()
