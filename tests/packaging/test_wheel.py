"""The wheel alone, without the source tree, is the whole product."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from models import assets

ROOT = Path(__file__).parent.parent.parent
ROOMS = ("commands", "configs", "models", "pipeline", "stages", "views", "web")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy of the tree, so that nothing of an earlier build can slip in."""
    folder = tmp_path_factory.mktemp("build")
    tree = folder / "tree"
    tree.mkdir()
    for name in ("main.py", "pyproject.toml", "README.md", "LICENSE", *ROOMS):
        if (ROOT / name).exists():
            _copy(ROOT / name, tree / name)
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(tree)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = folder.glob("*.whl")
    return built


def _is_cache(name: str) -> bool:
    return name == "__pycache__" or name.startswith(".")


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        target.mkdir()
        for path in source.iterdir():
            if not _is_cache(path.name):
                _copy(path, target / path.name)
    else:
        target.write_bytes(source.read_bytes())


def test_it_holds_every_file_of_the_product_and_no_other(wheel: Path):
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    product = {"main.py"}
    for room in ROOMS:
        paths = [path.relative_to(ROOT) for path in (ROOT / room).rglob("*") if path.is_file()]
        product.update(path.as_posix() for path in paths if not any(map(_is_cache, path.parts)))
    assert held == product


def test_it_has_the_licence_and_the_console_command(wheel: Path):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        (points,) = [name for name in names if name.endswith("entry_points.txt")]
        assert "lipstream = main:run" in archive.read(points).decode()
    assert any(name.endswith("licenses/LICENSE") for name in names)


_DEMO = """
import sys, pathlib
site, tree = map(pathlib.Path, sys.argv[1:3])
sys.path = [str(site), *(p for p in sys.path if p and pathlib.Path(p).resolve() != tree)]
# An editable installation of the tree in this environment would find the modules too.
sys.meta_path = [finder for finder in sys.meta_path if "editable" not in getattr(finder, "__module__", "")]
import main, models, stages
for module in (main, models, stages):
    assert pathlib.Path(module.__file__).is_relative_to(site), module.__file__
sys.exit(main.main(["demo", "--pace", "max"]))
"""


@pytest.mark.media
def test_installed_alone_it_runs_the_demo(wheel: Path, tmp_path: Path, obama_speech: Path):
    site, elsewhere = tmp_path / "site", tmp_path / "elsewhere"
    elsewhere.mkdir()
    install = [sys.executable, "-m", "pip", "install", "-qq", "--disable-pip-version-check", "--no-index", "--no-deps"]
    subprocess.run([*install, "--target", str(site), str(wheel)], check=True, timeout=120)
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "LIPSTREAM_"))}
    env |= {"LIPSTREAM_CACHE": str(assets.cache_dir()), "LIPSTREAM_OFFLINE": "1", "PYTHONSAFEPATH": "1"}
    command = [sys.executable, "-c", _DEMO, str(site), str(ROOT)]
    done = subprocess.run(command, cwd=elsewhere, env=env, check=False, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    assert "years of negotiations" in done.stdout
    assert (elsewhere / "demo_output" / "obama_speech.srt").stat().st_size > 50


def test_the_version_and_requirements_are_those_of_the_project(wheel: Path):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        metadata = archive.read(name).decode()
    assert f"Version: {project['version']}\n" in metadata
    assert metadata.count("Requires-Dist: ") >= len(project["dependencies"])
