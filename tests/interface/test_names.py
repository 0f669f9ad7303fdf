"""`lipstream` is the one name a user imports: lazy, and the same for programs, people and type checkers."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import lipstream

ROOT = Path(__file__).parents[2]


def typed_imports() -> dict[str, str]:
    """The names type checkers see, and the module each comes from."""
    tree = ast.parse((ROOT / "lipstream" / "__init__.py").read_text(encoding="utf-8"))
    (block,) = [node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"]
    imports = [node for node in block.body if isinstance(node, ast.ImportFrom) and node.module.startswith("lipstream")]
    return {alias.name: node.module for node in imports for alias in node.names}


def test_programs_and_type_checkers_see_the_same_names():
    assert sorted(typed_imports()) == sorted(lipstream.__all__)
    assert len(set(lipstream.__all__)) == len(lipstream.__all__)


@pytest.mark.parametrize("name", lipstream.__all__)
def test_a_name_is_what_type_checkers_take_it_for(name: str):
    assert getattr(lipstream, name) is getattr(importlib.import_module(typed_imports()[name]), name)


def test_every_event_is_among_them():
    events = importlib.import_module("lipstream.events")
    assert set(events.__all__) <= set(lipstream.__all__)


def test_a_star_import_brings_them_all_and_dir_lists_them():
    names: dict[str, object] = {}
    exec("from lipstream import *", names)
    assert set(lipstream.__all__) <= set(names)
    assert set(lipstream.__all__) <= set(dir(lipstream))


def test_a_name_that_is_not_there_is_the_error_it_always_is():
    with pytest.raises(AttributeError, match="module 'lipstream' has no attribute 'Pipelin'"):
        _ = lipstream.Pipelin
    with pytest.raises(ImportError, match="cannot import name 'Pipelin' from 'lipstream'"):
        exec("from lipstream import Pipelin")
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("lipstream.nonsense")
    assert not hasattr(lipstream, "micros")


def test_the_version_is_that_of_the_project():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert lipstream.__version__ == project["version"]


@pytest.mark.parametrize(
    ("code", "absent"),
    [
        ("import lipstream", {"lipstream.events", "typing", "pydantic", "logging"}),
        ("import lipstream; lipstream.__version__", {"lipstream.events", "pydantic"}),
        ("from lipstream import TranscriptFinal", {"pydantic", "yaml"}),
        ("from lipstream import Pipeline; Pipeline.from_config", {"numpy", "torch", "onnxruntime", "av"}),
    ],
)
def test_nothing_is_loaded_before_it_is_asked_for(code: str, absent: set[str]):
    # -S, because what an environment loads at its start is not ours; so the packages are named.
    paths = [str(ROOT), *(path for path in sys.path if path.endswith("site-packages"))]
    check = f"import sys; sys.path[:0] = {paths!r}; {code}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-S", "-c", check], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not absent & set(done.stdout.split())
