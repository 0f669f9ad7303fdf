"""Watched runs on a real talking head, each made once."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import pytest
from filelock import FileLock

from lipstream.models import assets
from tests.conftest import folder_of_all

ROOT = Path(__file__).parent.parent.parent

SETTINGS = ("XDG_", "LIPSTREAM_", "PYTHON", "ORT_", "HF_", "CI", "GITHUB_", "DO_NOT_TRACK")
"""Beginnings of variables that are not passed on: among them those that keep a library from phoning home."""


@dataclass(frozen=True)
class WatchedRun:
    """What a run said, what it did, and what it left.

    Attributes:
        texts: the finished segments.
        network: attempts to reach or offer anything on a network.
        processes: programs it started.
        unpickled: globals a pickle asked for.
        written: (path, who) of every file that was opened for writing.
        logged: log records at the default level.
        out: standard output.
        err: standard error.
        left: files in what were an empty home, current folder and folder for temporary files, by folder.
        cache_before: the model cache's files with size and modification time.
        cache_after: the same after the run.
    """

    texts: list[str]
    network: list[str]
    processes: list[str]
    unpickled: list[str]
    written: list[list[str]]
    logged: list[str]
    out: str
    err: str
    left: list[str]
    cache_before: dict[str, tuple[int, int]]
    cache_after: dict[str, tuple[int, int]]


def environment(folder: Path) -> dict[str, str]:
    """The environment of a user without a history: empty home and temporary folder, a cache with the models alone."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(SETTINGS)}
    home, temporary, cache = folder / "home", folder / "tmp", folder / "cache"
    for path in (home, temporary, cache, folder / "cwd"):
        path.mkdir(parents=True)
    for asset in assets.status():
        if asset.source == "cache" and asset.state == "ready":
            (cache / asset.name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(asset.path, cache / asset.name)
    return kept | {
        "HOME": str(home),
        "TMPDIR": str(temporary),
        "LIPSTREAM_CACHE": str(cache),
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def files_in(folder: Path) -> dict[str, tuple[int, int]]:
    """The files below a folder with size and modification time."""
    stats = {path.relative_to(folder).as_posix(): path.stat() for path in folder.rglob("*") if path.is_file()}
    return {name: (stat.st_size, stat.st_mtime_ns) for name, stat in stats.items()}


@pytest.fixture(scope="session")
def watched(tmp_path_factory: pytest.TempPathFactory, obama_speech: Path) -> Callable[[str], WatchedRun]:
    """Makes, or gives again, the watched run of a kind; tests that run in several processes share it."""

    @cache
    def run(what: str) -> WatchedRun:
        kept = folder_of_all(tmp_path_factory) / f"watched_{what}.json"
        with FileLock(kept.with_suffix(".lock")):
            if not kept.exists():
                seen = asdict(_watch(what, tmp_path_factory.mktemp(what), obama_speech))
                kept.write_text(json.dumps(seen), encoding="utf-8")
        return WatchedRun(**json.loads(kept.read_text(encoding="utf-8")))

    return run


def _watch(what: str, folder: Path, clip: Path) -> WatchedRun:
    env = environment(folder)
    report = folder / "report.json"
    before = files_in(folder / "cache")
    command = [sys.executable, "-m", "tests.trust.watched", what, str(clip), str(report)]
    done = subprocess.run(
        command, cwd=folder / "cwd", env=env, check=False, capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stderr
    left = [str(path.relative_to(folder)) for name in ("home", "tmp", "cwd") for path in (folder / name).rglob("*")]
    seen = json.loads(report.read_text(encoding="utf-8"))
    after = files_in(folder / "cache")
    return WatchedRun(**seen, out=done.stdout, err=done.stderr, left=left, cache_before=before, cache_after=after)
