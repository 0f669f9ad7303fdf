"""Every test of the dataflow must leave no thread behind."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from lipstream.pipeline.running import runner


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + 20
    while left := [thread for thread in threading.enumerate() if thread not in before]:
        assert time.monotonic() < deadline, f"threads left behind: {left}"
        left[0].join(0.1)


@pytest.fixture
def quick_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give up on what does not come back sooner than a real run does."""
    for name, seconds in (("DRAIN", 0.1), ("FLUSH", 0.2), ("CUT_OFF", 0.7), ("DELIVER", 0.9)):
        monkeypatch.setattr(runner, f"{name}_SECONDS", seconds)
