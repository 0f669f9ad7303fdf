"""The wheel alone, without the source tree, is the whole product, and puts one name into site-packages."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from lipstream.models import assets
from tests.packaging.rooms import ROOMS, ROOT


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy of the tree, so that nothing of an earlier build can slip in."""
    folder = tmp_path_factory.mktemp("build")
    tree = folder / "tree"
    tree.mkdir()
    for name in ("main.py", "pyproject.toml", "setup.py", "README.md", "LICENSE", "lipstream", *ROOMS):
        _copy(ROOT / name, tree / name)
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(tree)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def site(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of packages with nothing in it but what the wheel installs."""
    folder = tmp_path_factory.mktemp("site")
    install = [sys.executable, "-m", "pip", "install", "-qq", "--disable-pip-version-check", "--no-index", "--no-deps"]
    subprocess.run([*install, "--target", str(folder), str(wheel)], check=True, timeout=120)
    return folder


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
    product = set()
    for folder, prefix in (("lipstream", ""), *((room, "lipstream/") for room in ROOMS)):
        paths = [path.relative_to(ROOT) for path in (ROOT / folder).rglob("*") if path.is_file()]
        product.update(prefix + path.as_posix() for path in paths if not any(map(_is_cache, path.parts)))
    assert held == product


def test_it_puts_one_name_into_site_packages(site: Path):
    names = {path.name for path in site.iterdir() if path.name != "bin" and not path.name.endswith(".dist-info")}
    assert names == {"lipstream"}


def test_it_has_the_licence_the_types_and_the_console_command(wheel: Path):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        (points,) = [name for name in names if name.endswith("entry_points.txt")]
        assert "lipstream = lipstream.commands.main:run" in archive.read(points).decode()
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert "lipstream/py.typed" in names


# The environment of the tests has the tree in it too, as an editable installation.
_ONLY_THE_WHEEL = """
import sys, pathlib
site, tree = pathlib.Path({site!r}), pathlib.Path({tree!r})
sys.path = [str(site), *(p for p in sys.path if p and pathlib.Path(p).resolve() != tree)]
sys.meta_path = [finder for finder in sys.meta_path if "editable" not in getattr(finder, "__module__", "")]
"""


@pytest.fixture
def environment(site: Path, tmp_path: Path) -> dict[str, str]:
    """Variables under which a Python process finds Lipstream in the wheel alone."""
    start = tmp_path / "start"
    start.mkdir()
    (start / "sitecustomize.py").write_text(_ONLY_THE_WHEEL.format(site=str(site), tree=str(ROOT)), encoding="utf-8")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "LIPSTREAM_"))}
    return kept | {"LIPSTREAM_CACHE": str(assets.cache_dir()), "LIPSTREAM_OFFLINE": "1", "PYTHONPATH": str(start)}


@pytest.mark.media
def test_installed_alone_it_runs_the_demo(site: Path, tmp_path: Path, environment: dict[str, str], obama_speech: Path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    command = [sys.executable, "-m", "lipstream", "demo", "--pace", "max"]
    done = subprocess.run(
        command, cwd=elsewhere, env=environment, check=False, capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stderr
    assert "years of negotiations" in done.stdout
    assert (elsewhere / "demo_output" / "obama_speech.srt").stat().st_size > 50


_USERS_SCRIPT = """
import pathlib
import models, pipeline, stages, utils                    # the user's own
from lipstream import Pipeline, TranscriptFinal, load_config
import lipstream.stages.build, lipstream.models.speech.engines, lipstream.commands.file, lipstream.views.live.window

assert (models.MINE, pipeline.MINE, stages.MINE, utils.MINE) == (1, 2, 3, 4)
site = pathlib.Path({site!r})
for module in (lipstream, lipstream.stages.build, lipstream.models.speech.engines):
    assert pathlib.Path(module.__file__).is_relative_to(site), module.__file__
run = Pipeline(load_config("live"))
assert set(run.graph.components) >= {{"audio", "video", "decode"}}


def test_the_users_own():
    assert models.MINE == 1


print("ran")
"""


@pytest.mark.parametrize(
    "how",
    [
        ["script.py"],
        ["-m", "script"],
        ["-m", "scripts.script"],
        ["-c", "exec(compile(open('script.py').read(), 'notebook', 'exec'))"],
        ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-s", "script.py"],
    ],
    ids=["script", "module", "module in a package", "notebook", "pytest"],
)
def test_a_users_own_models_pipeline_and_stages_do_not_disturb_it(
    how: list[str], site: Path, tmp_path: Path, environment: dict[str, str]
):
    folder = tmp_path / "project"
    (folder / "scripts").mkdir(parents=True)
    for path in ("script.py", "scripts/script.py"):
        (folder / path).write_text(_USERS_SCRIPT.format(site=str(site)), encoding="utf-8")
    for number, name in enumerate(("models/__init__.py", "pipeline.py", "stages/__init__.py", "utils/__init__.py"), 1):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(f"MINE = {number}\n", encoding="utf-8")
    command = [sys.executable, *how]
    done = subprocess.run(
        command, cwd=folder, env=environment, check=False, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ran" in done.stdout


def test_the_version_and_requirements_are_those_of_the_project(wheel: Path):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        metadata = archive.read(name).decode()
    assert f"Version: {project['version']}\n" in metadata
    assert metadata.count("Requires-Dist: ") >= len(project["dependencies"])
