"""Which files of networks this process has loaded, so that a result can tell what it was made with."""

from __future__ import annotations

import threading

_lock = threading.Lock()
_used: dict[str, str] = {}


def note_used(name: str, sha256: str) -> None:
    """Note a file that is loaded.

    Args:
        name: what it is called, whoever runs it and wherever it lies.
        sha256: of its bytes, in hexadecimal digits.
    """
    with _lock:
        _used[name] = sha256


def used() -> dict[str, str]:
    """SHA-256 of each file that was loaded, by name."""
    with _lock:
        return dict(sorted(_used.items()))
