"""Keeps the start-up notices of native inference libraries off the terminal."""

from __future__ import annotations

import os
import re
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

# glog's "I0000 00:00:1700000000.1 ..." and "W0000 ...", TensorFlow Lite's "INFO: ..." and "WARNING: ...".
_NOTICE = re.compile(rb"([IW]\d{4} \d\d:\d\d:|INFO: |WARNING: )")
_STDERR = 2

REDIRECTING = threading.Lock()
"""Held by whoever redirects file descriptor 2, or each would restore the other's file."""


@contextmanager
def notices_hidden() -> Iterator[None]:
    """Drop native information and warning lines written to standard error inside the block.

    MediaPipe and TensorFlow Lite log to file descriptor 2 and offer no way to choose the level. Every other line,
    errors above all, is written out when the block ends, also after an exception.
    """
    with REDIRECTING:
        try:
            sys.stderr.flush()
            original = os.dup(_STDERR)
        except (AttributeError, OSError, ValueError):  # no standard error, no terminal to keep clean
            yield
            return
        try:
            with tempfile.TemporaryFile() as held:
                os.dup2(held.fileno(), _STDERR)
                try:
                    yield
                finally:
                    with suppress(ValueError, OSError):  # closed meanwhile
                        sys.stderr.flush()
                    os.dup2(original, _STDERR)
                    held.seek(0)
                    kept = [line for line in held if not _NOTICE.match(line)]
                    if kept:
                        os.write(_STDERR, b"".join(kept))
        finally:
            os.close(original)
