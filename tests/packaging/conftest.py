"""The wheel, built once, and places to try it in."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

from lipstream.models import assets
from tests.conftest import folder_of_all
from tests.packaging.rooms import PIP_INSTALL, ROOT, copy_product


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy of the tree, so that nothing of an earlier build can slip in; once for all workers."""
    folder = folder_of_all(tmp_path_factory) / "wheel"
    with FileLock(folder.with_suffix(".lock")):
        if not list(folder.glob("*.whl")):
            tree = copy_product(tmp_path_factory.mktemp("build") / "tree")
            command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(tree)]
            done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=240)
            assert done.returncode == 0, done.stdout + done.stderr
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="session")
def site(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of packages with nothing in it but what the wheel installs."""
    folder = tmp_path_factory.mktemp("site")
    subprocess.run([*PIP_INSTALL, "--target", str(folder), str(wheel)], check=True, timeout=120)
    return folder


# The environment of the tests has the tree in it too, as an editable installation.
_ONLY_THE_WHEEL = """
import sys, pathlib
site, tree = pathlib.Path({site!r}), pathlib.Path({tree!r})
sys.path = [str(site), *(p for p in sys.path if p and pathlib.Path(p).resolve() != tree)]
sys.meta_path = [finder for finder in sys.meta_path if "editable" not in getattr(finder, "__module__", "")]
"""
_NO_INSTALLATION = """
import sys
sys.meta_path = [finder for finder in sys.meta_path if "editable" not in getattr(finder, "__module__", "")]
"""


def started_with(code: str, folder: Path) -> dict[str, str]:
    """Variables under which a Python process runs a piece of code first, and knows nothing of this one's."""
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(code, encoding="utf-8")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "LIPSTREAM_"))}
    return kept | {"LIPSTREAM_CACHE": str(assets.cache_dir()), "LIPSTREAM_OFFLINE": "1", "PYTHONPATH": str(folder)}


@pytest.fixture
def environment(site: Path, tmp_path: Path) -> dict[str, str]:
    """Variables under which a Python process finds Lipstream in the wheel alone."""
    return started_with(_ONLY_THE_WHEEL.format(site=str(site), tree=str(ROOT)), tmp_path / "start")


@pytest.fixture
def without_installation(tmp_path: Path) -> dict[str, str]:
    """Variables under which a Python process finds Lipstream nowhere."""
    return started_with(_NO_INSTALLATION, tmp_path / "start")
