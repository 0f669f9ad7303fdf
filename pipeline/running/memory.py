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
MMAP_THRESHOLD = -3
"""`M_ARENA_MAX` and `M_MMAP_THRESHOLD` of glibc's malloc.h."""
LARGE = 1 << 20
"""Bytes from which on a block is mapped by itself and goes back to the system as soon as it is freed. Left alone, glibc
raises that to 32 MB, and what networks are loaded through stays in its heaps."""
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
    """Have all threads of the process share a few heaps, and large blocks kept out of them, once.

    Unless `MALLOC_ARENA_MAX` or `MALLOC_MMAP_THRESHOLD_` say otherwise.
    """
    if not sys.platform.startswith("linux"):
        return
    with contextlib.suppress(OSError, AttributeError):
        library = ctypes.CDLL(None)
        if "MALLOC_ARENA_MAX" not in os.environ:
            library.mallopt(ARENA_MAX, HEAPS)
        if "MALLOC_MMAP_THRESHOLD_" not in os.environ:
            library.mallopt(MMAP_THRESHOLD, LARGE)
