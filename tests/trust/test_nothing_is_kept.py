"""Nothing of anybody's face, voice or words is written unless an output was asked for."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.trust.conftest import WatchedRun

pytestmark = pytest.mark.media

# What native libraries print while they load, on its way to being filtered; deleted as soon as it is closed.
NOTICES = {"models/face/native_log.py", "stages/capture/native_noise.py"}
# Weights and graphs as they run, and what the recogniser makes of silence: of the models' files alone, by their hash.
PREPARED = "models/kept_arrays.py"
MADE_OF_MODELS = ("prepared/whisper-", "prepared/graph-")


@pytest.mark.parametrize("what", ["file", "live"])
def test_a_run_without_outputs_writes_nothing(watched: Callable[[str], WatchedRun], what: str):
    run = watched(what)
    assert run.texts
    assert [(path, who) for path, who in run.written if who not in {*NOTICES, PREPARED}] == []
    assert {path for path, who in run.written if who == PREPARED and "/cache/prepared" not in path} == set()
    assert run.left == []


@pytest.mark.parametrize("what", ["file", "live"])
def test_the_cache_holds_nothing_but_models(watched: Callable[[str], WatchedRun], what: str):
    run = watched(what)
    assert run.cache_before
    models = {name: facts for name, facts in run.cache_after.items() if not name.startswith(MADE_OF_MODELS)}
    assert models == run.cache_before
