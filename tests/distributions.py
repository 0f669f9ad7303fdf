"""Distributions with plug-ins, installed for a test: what pip leaves of them, and modules written on the spot."""

from __future__ import annotations

import importlib
import itertools
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import dedent

_NUMBERS = itertools.count(1)


class Site:
    """A folder of packages.

    Args:
        folder: an empty folder on the module path.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.modules: list[str] = []

    def install(
        self,
        points: Mapping[str, Mapping[str, str]],
        name: str = "acme-plugins",
        version: str = "1.0",
        requires: Sequence[str] = (),
    ) -> None:
        """Install a distribution with entry points by group: the plug-in's name, and `module:attribute`."""
        folder = self.folder / f"{name.replace('-', '_')}-{version}.dist-info"
        folder.mkdir()
        lines = [f"Name: {name}", f"Version: {version}", *(f"Requires-Dist: {each}" for each in requires)]
        (folder / "METADATA").write_text("Metadata-Version: 2.1\n" + "\n".join(lines) + "\n", encoding="utf-8")
        text = ""
        for group, named in points.items():
            text += f"[{group}]\n" + "".join(f"{each} = {value}\n" for each, value in named.items())
        (folder / "entry_points.txt").write_text(text, encoding="utf-8")
        importlib.invalidate_caches()

    def module(self, source: str) -> str:
        """Write a module and return its name, which no other has."""
        name = f"plugin_of_a_test_{next(_NUMBERS)}"
        (self.folder / f"{name}.py").write_text(dedent(source), encoding="utf-8")
        self.modules.append(name)
        importlib.invalidate_caches()
        return name

    def imported(self) -> list[str]:
        """Which of the modules have been imported."""
        return [name for name in self.modules if name in sys.modules]
