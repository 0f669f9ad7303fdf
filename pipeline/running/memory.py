"""Memory that a run has freed, given back to the system."""

from __future__ import annotations

import contextlib
import ctypes
import sys


def give_back() -> None:
    """Let the C library return what is free in its heaps.

    A run has threads by the dozen, each with a heap of its own in glibc, which keeps what was freed in it: from run to
    run the process would grow. Elsewhere than with glibc nothing happens.
    """
    if not sys.platform.startswith("linux"):
        return
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
