"""A tiny wheel in the form pip accepts, built for each test."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

METADATA = """Metadata-Version: 2.1
Name: {name}
Version: 1.0
Requires-Python: <3
Requires-Dist: exists-nowhere
"""


@pytest.fixture(autouse=True)
def _online(monkeypatch):
    monkeypatch.delenv("LIPSTREAM_OFFLINE", raising=False)


@pytest.fixture
def build_wheel():
    """A function that writes a wheel with the given members, whose requirements nothing can meet, into a folder."""

    def build(folder: Path, members: dict[str, bytes], package: str = "tiny_speech") -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{package}-1.0-py3-none-manylinux_2_34_x86_64.whl"
        info = f"{package}-1.0.dist-info"
        with zipfile.ZipFile(path, "w") as archive:
            for name, data in members.items():
                archive.writestr(f"{package}/{name}", data)
            archive.writestr(f"{info}/METADATA", METADATA.format(name=package.replace("_", "-")))
            archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: py3-none-any\n")
            archive.writestr(f"{info}/RECORD", "")
        return path

    return build
