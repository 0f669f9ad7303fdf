"""Shared fixtures: real media, resolved (and fetched, the first time) like any other asset."""

# ruff: noqa: E402 - the environment has to be set before numpy and torch are imported.

from __future__ import annotations

import os
import sys

WORKERS = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))

if WORKERS > 1:
    # Beside each other the workers, and the programs they start, share the cores instead of all using every one.
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(variable, str(max(1, (os.cpu_count() or 1) // WORKERS)))

# The programs that are started compile our modules once, and not each of them all over again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

import gc
import itertools
import signal
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from lipstream.models import assets, shared
from lipstream.pipeline import session
from lipstream.pipeline.running import runner
from tests.distributions import Site

# How long an example takes says more about the machine, and what else it does, than about the code.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")


def pytest_collection_finish() -> None:
    """Keep what stays to the end, thousands of tests and the modules that they import, out of every search for garbage.

    Else each `gc.collect`, and there is one at the end of every session of the server, takes a third of a second.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def obama_speech() -> Path:
    """A talking head: 8.7 s, 320x240 at about 12 frames a second, with sound."""
    return assets.resolve("media/obama_speech.mp4")


@pytest.fixture(scope="session")
def two_cities() -> Path:
    """Read speech: 44 s, 48 kHz mono WAV."""
    return assets.resolve("media/two_cities.wav")


@pytest.fixture(scope="session")
def beckett() -> Path:
    """Short read speech: 10 s, 16 kHz mono WAV."""
    return assets.resolve("media/beckett.wav")


@pytest.fixture(scope="session")
def two_cities_audio(two_cities: Path) -> np.ndarray:
    """(N,) float32 at 16 kHz."""
    return decode_audio(two_cities)


@pytest.fixture(scope="session")
def beckett_audio(beckett: Path) -> np.ndarray:
    """(N,) float32 at 16 kHz."""
    return decode_audio(beckett)


@pytest.fixture(scope="session")
def obama_audio(obama_speech: Path) -> np.ndarray:
    """(N,) float32 at 16 kHz."""
    return decode_audio(obama_speech)


@pytest.fixture(autouse=True)
def unhurried_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a stop take as long as it takes on a busy machine, as long as nothing in it is stuck."""
    for name in ("DRAIN", "FLUSH", "CUT_OFF", "DELIVER"):
        monkeypatch.setattr(runner, f"{name}_SECONDS", 60.0)
    monkeypatch.setattr(session, "STOP_SECONDS", 60.0)


@pytest.fixture(scope="session", autouse=True)
def folder_of_speeds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """How fast this machine reads is not known, here and in programs that are started; gives where that is kept.

    Else what `speech.quality=auto` means live would depend on the machine.
    """
    folder = tmp_path_factory.mktemp("speeds")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LIPSTREAM_SPEED", str(folder / "of no test.json"))
        yield folder


_numbers = itertools.count()


@pytest.fixture(autouse=True)
def speed_file(monkeypatch: pytest.MonkeyPatch, folder_of_speeds: Path) -> Path:
    """Where a test keeps how fast this machine reads, if it does; it is not there yet."""
    path = folder_of_speeds / f"{next(_numbers)}.json"
    monkeypatch.setenv("LIPSTREAM_SPEED", str(path))
    return path


@pytest.fixture
def quick_stop(unhurried_stop: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give up on what does not come back sooner than a real run does."""
    for name, seconds in (("DRAIN", 0.1), ("FLUSH", 0.2), ("CUT_OFF", 0.4), ("DELIVER", 0.5)):
        monkeypatch.setattr(runner, f"{name}_SECONDS", seconds)


@pytest.fixture
def ctrl_c():
    """Python's own handling of Ctrl-C, which a test run started in the background of a script does not inherit."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def folder_of_all(factory: pytest.TempPathFactory) -> Path:
    """The temporary folder of this run of the tests, which all its workers share."""
    return factory.getbasetemp().parent if WORKERS > 1 else factory.getbasetemp()


def decode_audio(path: Path) -> np.ndarray:
    """The whole sound track as (N,) float32 at 16 kHz mono, read-only because it is shared."""
    resampler = av.AudioResampler(format="flt", layout="mono", rate=16_000)
    with av.open(str(path)) as container:
        blocks = [block for frame in container.decode(audio=0) for block in resampler.resample(frame)]
    blocks += resampler.resample(None)
    audio = np.concatenate([block.to_ndarray()[0] for block in blocks])
    audio.flags.writeable = False
    return audio


@pytest.fixture
def nothing_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks that other tests have loaded are not there."""
    for name in ("_networks", "_loading", "_idle"):
        monkeypatch.setattr(shared, name, {})


@pytest.fixture
def plugin_site(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Site:
    """Where a test installs plug-ins; nothing is there at first."""
    folder = tmp_path_factory.mktemp("site")
    monkeypatch.syspath_prepend(folder)
    return Site(folder)
