"""Faults happen in a world of their own: fake devices and networks, and a clock that a script moves."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.run import Result, Script, live
from tests.faults.scripts import SCRIPTS
from tests.faults.world import PATIENCE, World


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def happens(world: World, tmp_path: Path) -> Callable[..., Result]:
    """Runs `live` while a fault happens, by its name or as a script of the test's own."""

    def run(fault: str | Script, *arguments: str) -> Result:
        script = SCRIPTS[fault] if isinstance(fault, str) else fault
        return live(world, script, tmp_path / "out", *arguments)

    return run


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + PATIENCE
    while left := [thread for thread in threading.enumerate() if thread not in before]:
        assert time.monotonic() < deadline, f"threads left behind: {left}"
        left[0].join(0.1)
