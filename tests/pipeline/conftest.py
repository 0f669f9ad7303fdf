"""Every test of the dataflow must leave no thread behind."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from tests.pipeline.fakes import PATIENCE


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + PATIENCE
    while left := [thread for thread in threading.enumerate() if thread not in before]:
        assert time.monotonic() < deadline, f"threads left behind: {left}"
        left[0].join(0.1)
