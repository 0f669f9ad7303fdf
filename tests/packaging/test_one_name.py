"""One import name: no module is loaded twice, and every way to start finds the same ones."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

import lipstream
from lipstream.version import version
from tests.packaging.rooms import ROOMS, ROOT, copy_product

# As `python main.py` has it: the folder of the script is on the module path, and here the current one too.
_IMPORT_EVERYTHING = """
import collections, importlib, json, pathlib, sys

root, names = pathlib.Path(sys.argv[1]), json.loads(sys.argv[2])
for name in names:
    importlib.import_module(name)
files = collections.defaultdict(set)
for name, module in list(sys.modules.items()):
    file = getattr(module, "__file__", None)
    if file and pathlib.Path(file).resolve().is_relative_to(root):
        files[str(pathlib.Path(file).resolve())].add(name)
# The program itself is a module of another name, of which there is one in any case.
twice = {file: sorted(names - {"__main__"}) for file, names in files.items() if len(names - {"__main__"}) > 1}
outside = sorted(name for name in names if str(pathlib.Path(sys.modules[name].__file__).resolve()) not in files)
print(json.dumps({"twice": twice, "outside": outside, "modules": len(files)}))
"""


def every_module() -> list[str]:
    """The names of all modules of the product."""
    names = []
    for folder, prefix in (("lipstream", ""), *((room, "lipstream.") for room in ROOMS)):
        for path in sorted((ROOT / folder).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            if parts[-1] != "__main__":
                names.append(prefix + ".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    return names


MODULES = every_module()


def import_everything(root: Path, folder: Path, environment: dict[str, str], names: Sequence[str] = MODULES) -> dict:
    program = folder / "everything.py"
    program.write_text(_IMPORT_EVERYTHING, encoding="utf-8")
    command = [sys.executable, str(program), str(root.resolve()), json.dumps(names)]
    done = subprocess.run(
        command, cwd=folder, env=environment, check=False, capture_output=True, text=True, timeout=280
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_in_a_checkout_no_module_is_loaded_twice(tmp_path: Path, without_installation: dict[str, str]):
    tree = copy_product(tmp_path / "tree")
    found = import_everything(tree, tree, without_installation)
    assert found["twice"] == {} and found["outside"] == []
    assert found["modules"] >= len(MODULES) > 300


def test_installed_no_module_is_loaded_twice(tmp_path: Path, site: Path, environment: dict[str, str]):
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    found = import_everything(site, folder, environment)
    assert found["twice"] == {} and found["outside"] == []


def test_a_module_that_is_loaded_twice_would_be_noticed(tmp_path: Path, without_installation: dict[str, str]):
    tree = copy_product(tmp_path / "tree")
    with (tree / "stages" / "notice.py").open("a", encoding="utf-8") as file:
        file.write("\nimport pipeline.clock\n")
    found = import_everything(tree, tree, without_installation, ["lipstream.stages.notice"])
    assert found["twice"][str((tree / "pipeline" / "clock.py").resolve())] == [
        "lipstream.pipeline.clock",
        "pipeline.clock",
    ]


def test_the_rooms_are_the_same_everywhere():
    assert set(lipstream._ROOMS) == set(ROOMS)
    assert all(f'"{room}".msg' in (ROOT / "pyproject.toml").read_text(encoding="utf-8") for room in ROOMS)


@pytest.mark.parametrize("name", ["lipstream", "tests", "bench", "main", "setup", "scripts", "docs"])
def test_what_else_lies_in_a_checkout_is_no_part_of_the_package(name: str):
    code = f"import importlib; importlib.import_module('lipstream.{name}')"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=False, capture_output=True, text=True, timeout=60
    )
    assert f"No module named 'lipstream.{name}'" in done.stderr


# Ways to start.


def run(*command: str | Path, cwd: Path, env: dict[str, str]) -> str:
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, env=env, check=False, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_main_py_runs_in_a_bare_checkout(tmp_path: Path, without_installation: dict[str, str]):
    """From its folder and from any other, with nothing installed but what Lipstream needs."""
    tree = copy_product(tmp_path / "tree")
    for folder in (tree, tmp_path):
        out = run(sys.executable, tree / "main.py", "--version", cwd=folder, env=without_installation)
        assert out == f"lipstream {version()}\n"
        shown = run(sys.executable, tree / "main.py", "config", "show", "file", cwd=folder, env=without_installation)
        assert "mode: file" in shown
    assert "lipstream" in run(sys.executable, "-m", "lipstream", "--help", cwd=tree, env=without_installation)
    missing = subprocess.run(
        [sys.executable, "-c", "import lipstream"], cwd=tmp_path, env=without_installation, check=False
    )
    assert missing.returncode != 0, "Lipstream is installed after all"


@pytest.mark.parametrize("folder", [".", "stages"])
def test_every_way_to_start_this_checkout_says_the_same(folder: str):
    """Editable, as the tests run it: `main.py`, `python -m lipstream` and the console command."""
    python = Path(sys.executable)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ways = [[python, ROOT / "main.py"], [python, "-m", "lipstream"]]
    if (console := python.with_name("lipstream")).exists():
        ways.append([console])
    shown = {run(*way, "config", "show", "live", cwd=ROOT / folder, env=environment) for way in ways}
    assert len(shown) == 1 and "mode: live" in shown.pop()
