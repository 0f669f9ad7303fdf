"""Folders of recordings that are none, and a batch without Ray."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import fsspec
import pytest

from lipstream.commands.batch import cluster, stream, worker
from tests.commands.batch.fakes import Make, in_process, stub


@pytest.fixture
def talks(tmp_path: Path) -> Make:
    """Makes files with their names in them in a folder, and gives the folder."""

    def make(*names: str, folder: str = "in") -> Path:
        for name in names:
            path = tmp_path / folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{Path(name).stem} says hello")
        return tmp_path / folder

    return make


@pytest.fixture
def no_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    """Recordings are done in this process, by work that needs no networks."""
    monkeypatch.setattr(cluster, "connected", lambda address, workers: nullcontext())
    monkeypatch.setattr(stream, "rows_of", in_process)
    monkeypatch.setattr(worker, "transcriber", stub)


@pytest.fixture
def memory() -> fsspec.AbstractFileSystem:
    """An empty `memory://`."""
    files = fsspec.filesystem("memory")
    files.store.clear()
    files.pseudo_dirs[:] = [""]
    return files
