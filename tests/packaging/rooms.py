"""The packages of the product, by the folders of the tree they lie in."""

from __future__ import annotations

import ast
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
