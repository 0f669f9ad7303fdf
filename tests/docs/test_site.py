"""The site is built strictly: every page in its order, every link and heading found."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import lipstream
from tests.docs.blocks import ROOT
from tests.packaging.rooms import ROOMS, copy

pytestmark = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("mkdocs", "material", "mkdocstrings")),
    reason="the site's tools are not installed (pip install '.[docs]')",
)


def built(tree: Path, site: Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": str(tree)}
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(site)]
    return subprocess.run(command, cwd=tree, env=environment, check=False, capture_output=True, text=True, timeout=500)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what the site is made of."""
    folder = tmp_path_factory.mktemp("site") / "tree"
    folder.mkdir()
    for name in ("mkdocs.yml", "pyproject.toml", "main.py", "lipstream", "docs", "scripts", "examples", *ROOMS):
        copy(ROOT / name, folder / name)
    shutil.copyfile(ROOT / "docs" / ".nav.yml", folder / "docs" / ".nav.yml")
    for path in (*ROOT.glob("*.md"), *ROOT.glob("*ile"), ROOT / "LICENSE", ROOT / "CITATION.cff"):
        shutil.copyfile(path, folder / path.name)
    for name in ("bench", "tests", "requirements", ".github"):
        (folder / name).symlink_to(ROOT / name)
    return folder


def test_it_is_built_and_has_every_page_the_reference_and_the_command_line(tree: Path, tmp_path: Path):
    done = built(tree, tmp_path / "site")
    assert done.returncode == 0, done.stderr
    for page in (*(ROOT / "docs").rglob("*.md"), ROOT / "changelog.md", ROOT / "commands.md"):
        name = page.relative_to(ROOT / "docs" if "docs" in page.parts else ROOT).with_suffix("")
        where = tmp_path / "site" / ("" if name.name == "index" else name) / "index.html"
        assert where.is_file(), name
        # Each is in the order at the left of every page.
        assert name.name == "index" or f"{name.as_posix()}/" in (tmp_path / "site" / "index.html").read_text(), name
    reference = (tmp_path / "site" / "api" / "index.html").read_text(encoding="utf-8")
    names = (name for name in lipstream.__all__ if not name.startswith("_"))
    for name in (*names, "Pipeline.from_config", "VadConfig"):
        assert f'.{name}"' in reference, name
    verbs = (tmp_path / "site" / "commands" / "index.html").read_text(encoding="utf-8")
    assert "lipstream doctor" in verbs and "--render-style" in verbs


@pytest.mark.parametrize(
    "wrong",
    [
        {
            "[there](no_such_page.md)": "no_such_page.md",
            "[there](events.md#no-such-heading)": "no-such-heading",
            "[there](../no_such_file.py)": "no_such_file.py",
        },
        {"::: lipstream.NoSuchThing": "NoSuchThing"},
    ],
    ids=["links", "reference"],
)
def test_what_leads_nowhere_fails_it(tree: Path, wrong: dict[str, str], tmp_path: Path):
    page = tree / "docs" / "wrong.md"
    page.write_text("# Wrong\n\n" + "\n\n".join(wrong) + "\n")
    try:
        done = built(tree, tmp_path / "site")
    finally:
        page.unlink()
    assert done.returncode != 0
    for told in wrong.values():
        assert told in done.stderr
