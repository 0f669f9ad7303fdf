"""The packages of the product, by the folders of the tree they lie in."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def _rooms() -> tuple[str, ...]:
    tree = ast.parse((ROOT / "setup.py").read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "ROOMS":
            return tuple(ast.literal_eval(node.value))
    raise AssertionError("setup.py names no ROOMS")


ROOMS = _rooms()
"""Folders that become subpackages of `lipstream`."""

PIP_INSTALL = (
    *(sys.executable, "-m", "pip", "install", "-qq", "--disable-pip-version-check"),
    *("--no-index", "--no-deps", "--no-build-isolation"),
)
"""The beginning of a command that installs without the network."""


def is_cache(name: str) -> bool:
    """Whether a file or folder of this name is no part of the product."""
    return name == "__pycache__" or name.startswith(".")


def copy_product(folder: Path) -> Path:
    """Copy to a new folder what the wheel is built from, and return the folder."""
    folder.mkdir()
    for name in ("main.py", "pyproject.toml", "setup.py", "README.md", "LICENSE", "lipstream", *ROOMS):
        copy(ROOT / name, folder / name)
    return folder


def copy(source: Path, target: Path) -> None:
    """Copy a file or folder, without what is no part of the product."""
    if source.is_dir():
        target.mkdir()
        for path in source.iterdir():
            if not is_cache(path.name):
                copy(path, target / path.name)
    else:
        target.write_bytes(source.read_bytes())
