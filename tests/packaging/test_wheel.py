"""The wheel alone, without the source tree, is the whole product, and puts one name into site-packages."""

from __future__ import annotations

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from tests.packaging.rooms import ROOMS, ROOT, is_cache


def test_it_holds_every_file_of_the_product_and_no_other(wheel: Path):
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    product = set()
    for folder, prefix in (("lipstream", ""), *((room, "lipstream/") for room in ROOMS)):
        paths = [path.relative_to(ROOT) for path in (ROOT / folder).rglob("*") if path.is_file()]
        product.update(prefix + path.as_posix() for path in paths if not any(map(is_cache, path.parts)))
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
import lipstream.stages.build, lipstream.models.speech.recognisers, lipstream.commands.file, lipstream.views.live.window

assert (models.MINE, pipeline.MINE, stages.MINE, utils.MINE) == (1, 2, 3, 4)
site = pathlib.Path({site!r})
for module in (lipstream, lipstream.stages.build, lipstream.models.speech.recognisers):
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
