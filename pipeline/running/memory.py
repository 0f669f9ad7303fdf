"""Memory that runs have freed, kept from piling up in a process that lives long.

A run has threads by the dozen. In glibc each gets a heap of its own (up to eight a core), which keeps what was freed in
it: from run to run the process would grow. Elsewhere than with glibc nothing here does anything.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import os
import sys

ARENA_MAX = -8
"""`M_ARENA_MAX` of glibc's malloc.h."""
HEAPS = 2
"""How many heaps the threads of all runs share: allocation is too small a part of their work for them to wait."""


def give_back() -> None:
    """Let the C library return what is free in its heaps."""
    if not sys.platform.startswith("linux"):
        return
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


@functools.cache
def share_heaps() -> None:
    """Have all threads of the process share a few heaps, once, unless `MALLOC_ARENA_MAX` says how many."""
    if not sys.platform.startswith("linux") or "MALLOC_ARENA_MAX" in os.environ:
        return
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(ARENA_MAX, HEAPS)
