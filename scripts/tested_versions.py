"""Print the installed version of everything Lipstream depends on, as constraints for pip.

Run it in an environment whose tests pass:  python scripts/tested_versions.py > requirements/tested.txt
"""

from __future__ import annotations

import platform
import sys
import tomllib
from importlib import metadata
from itertools import chain
from pathlib import Path

from installed import installed
from packaging.requirements import Requirement

PYPROJECT = Path(__file__).parent.parent / "pyproject.toml"


def direct_requirements() -> list[Requirement]:
    """The project's requirements, those of all its extras included."""
    project = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]
    lines = chain(project["dependencies"], *project["optional-dependencies"].values())
    requirements = map(Requirement, lines)
    return [requirement for requirement in requirements if requirement.name != project["name"]]


def installed_versions() -> dict[str, str]:
    """Name -> version of the direct and indirect requirements that are installed, and of pip."""
    return {"pip": metadata.version("pip")} | installed(direct_requirements())


def main() -> None:
    """Print the constraints, sorted by name."""
    lines = [
        f"# The versions the tests pass with (Python {platform.python_version()}, {platform.system()}).",
        "# Made by scripts/tested_versions.py. `make lock` turns them into lock.txt, which `make setup` installs.",
        *(f"{name}=={version}" for name, version in sorted(installed_versions().items())),
    ]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
