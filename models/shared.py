"""Loaded networks that the runs of a process have in common: loaded once, by whoever needs them first.

Loading is slow, and what native libraries allocate for a network is never quite given back; so a network stays loaded
for the next run. Its key has to name everything it is made of: with `made_of`, a file that was replaced is another one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import TypeVar, cast

T = TypeVar("T")

_NOTHING = object()
_lock = threading.Lock()
_loading: dict[Hashable, threading.Lock] = {}
_networks: dict[Hashable, object] = {}
_idle: dict[Hashable, list[object]] = {}


def made_of(path: Path) -> Hashable:
    """What tells a file from others, and from what it was before it was replaced."""
    try:
        facts = path.stat()
    except OSError:
        return str(path)
    return str(path), facts.st_size, facts.st_mtime_ns


def shared(key: Hashable, load: Callable[[], T]) -> T:
    """A network that several runs may use at the same time.

    Args:
        key: what it is, and all it is made of.
        load: loads it; called once for a key, also if two runs begin together. What it raises is raised, and the next
            call tries again.
    """
    with _lock:
        loading = _loading.setdefault(key, threading.Lock())
    with loading:
        # Looked at once: another thread may release them at any moment.
        network = _networks.get(key, _NOTHING)
        if network is _NOTHING:
            network = _networks[key] = load()
        return cast("T", network)


def taken(key: Hashable, load: Callable[[], T]) -> T:
    """A network that one run at a time may use: one that was given back, or a new one.

    Args:
        key: as for `shared`.
        load: loads another.
    """
    with _lock:
        idle = _idle.setdefault(key, [])
        if idle:
            return cast("T", idle.pop())
    return load()


def give_back(key: Hashable, network: object) -> None:
    """Leave a network that was `taken` to the next run."""
    with _lock:
        _idle.setdefault(key, []).append(network)


def release_networks() -> None:
    """Forget all networks that no run uses, to have their memory back; those that come later load them again."""
    with _lock:
        # The locks stay: one that is just loading is not to be loaded a second time beside it.
        _networks.clear()
        _idle.clear()
