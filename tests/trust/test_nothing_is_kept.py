"""Nothing of anybody's face, voice or words is written unless an output was asked for."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.trust.conftest import WatchedRun

pytestmark = pytest.mark.media

# What native libraries print while they load, on its way to being filtered; deleted as soon as it is closed.
NOTICES = {"models/face/native_log.py", "stages/capture/native_noise.py"}


@pytest.mark.parametrize("what", ["file", "live"])
def test_a_run_without_outputs_writes_nothing(watched: Callable[[str], WatchedRun], what: str):
    run = watched(what)
    assert run.texts
    assert [(path, who) for path, who in run.written if who not in NOTICES] == []
    assert run.left == []


@pytest.mark.parametrize("what", ["file", "live"])
def test_the_cache_holds_nothing_but_models(watched: Callable[[str], WatchedRun], what: str):
    run = watched(what)
    assert run.cache_before
    assert run.cache_after == run.cache_before
