"""The version of the product, and what the project says of itself."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any


@cache
def version() -> str:
    """The version of the code that runs: of the checkout it lies in, else of the installed distribution."""
    project = checkout()
    return str(project["version"]) if project else metadata.version("lipstream")


def checkout() -> dict[str, Any] | None:
    """The project table of the pyproject.toml this code lies beside; None if it is installed elsewhere."""
    pyproject = Path(__file__).resolve().parent.parent / "pyproject.toml"
    if not pyproject.is_file():
        return None
    project: dict[str, Any] = tomllib.loads(pyproject.read_text(encoding="utf-8")).get("project", {})
    return project if project.get("name") == "lipstream" else None


__version__ = version()
