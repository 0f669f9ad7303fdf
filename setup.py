"""Where the packages lie, and what the index shows of the README. All else is in pyproject.toml.

`lipstream` and, as its subpackages, the rooms beside it. The address of the repository comes from LIPSTREAM_REPOSITORY
when something is built to be published: then the links and pictures of the README lead there, to the files of this
version. Without it they would lead nowhere, so links are left as plain text, and pictures left out.
"""

import os
import re
import tomllib
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).resolve().parent
ROOMS = ("commands", "configs", "models", "pipeline", "stages", "views", "web")
_LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s]+)\)")


def description(repository: str) -> str:
    """The README with links that lead somewhere wherever it is shown."""
    version = tomllib.loads((HERE / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]

    def turned(found: re.Match[str]) -> str:
        picture, text, link = found.groups()
        if "://" in link:
            return found[0]
        if not repository:
            return "" if picture else text
        return f"{picture}[{text}]({repository}/{'raw' if picture else 'blob'}/v{version}/{link})"

    return re.sub(r"\n{3,}", "\n\n", _LINK.sub(turned, (HERE / "README.md").read_text(encoding="utf-8")))


def urls(repository: str) -> dict[str, str]:
    """Where the project is."""
    if not repository:
        return {}
    pages = {
        "Documentation": "blob/main/docs/index.md",
        "Changelog": "blob/main/CHANGELOG.md",
        "Issues": "issues",
        "Security": "blob/main/SECURITY.md",
    }
    return {"Source": repository} | {name: f"{repository}/{page}" for name, page in pages.items()}


REPOSITORY = os.environ.get("LIPSTREAM_REPOSITORY", "").rstrip("/")

setup(
    long_description=description(REPOSITORY),
    long_description_content_type="text/markdown",
    project_urls=urls(REPOSITORY),
    packages=[
        *find_packages(include=["lipstream", "lipstream.*"]),
        *(f"lipstream.{name}" for room in ROOMS for name in find_packages(include=[room, f"{room}.*"])),
    ],
    package_dir={"lipstream": "lipstream", **{f"lipstream.{room}": room for room in ROOMS}},
)
