"""`scripts/release.py` builds what is ready, and says in one line what is not; it changes nothing of itself."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.packaging.rooms import ROOT, copy_product

REPOSITORY = "https://host.example/owner/lipstream"
VERSION = "9.8.7"


def git(tree: Path, *arguments: str) -> str:
    names = ("-c", "user.name=Nobody", "-c", "user.email=nobody@host.example")
    done = subprocess.run(["git", *names, *arguments], cwd=tree, check=True, capture_output=True, text=True)
    return done.stdout


def change(path: Path, pattern: str, replacement: str) -> None:
    text, count = re.subn(pattern, replacement, path.read_text(encoding="utf-8"), count=1, flags=re.MULTILINE)
    assert count == 1, pattern
    path.write_text(text, encoding="utf-8")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository of the product whose next version is ready."""
    tree = copy_product(tmp_path_factory.mktemp("release") / "tree")
    for name in ("CITATION.cff", ".gitignore"):
        shutil.copyfile(ROOT / name, tree / name)
    (tree / "CHANGELOG.md").write_text(f"# Changelog\n\n## Unreleased\n\n## {VERSION} - 2026-01-31\n\n- All of it.\n")
    change(tree / "pyproject.toml", r"^version = .+$", f'version = "{VERSION}"')
    change(tree / "CITATION.cff", r"^version: .+$", f"version: {VERSION}")
    git(tree, "init", "--quiet")
    git(tree, "add", "--all")
    git(tree, "commit", "--quiet", "--message", "all")
    return tree


@pytest.fixture
def tree(finished: Path, tmp_path: Path) -> Path:
    """A copy to spoil."""
    return Path(
        shutil.copytree(finished, tmp_path / "tree", ignore=shutil.ignore_patterns("dist", "build", "*.egg-info"))
    )


def release(tree: Path, *arguments: str, built: bool = True) -> subprocess.CompletedProcess[str]:
    """Run the script on a tree; without `built`, what builds only says that it was called."""
    build = "" if built else "release.build = lambda *_: print('built'); "
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT / 'scripts')!r}); import release; from pathlib import Path; "
        f"{build}sys.exit(release.main(sys.argv[1:], Path({str(tree)!r})))"
    )
    command = [sys.executable, "-c", code, "--no-lint", *arguments]
    return subprocess.run(command, cwd=tree, check=False, capture_output=True, text=True, timeout=300)


def test_what_is_ready_is_built_with_links_that_lead_to_the_repository_and_nothing_is_tagged(finished: Path):
    done = release(finished, "--repository", REPOSITORY)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ready: the same with --tag" in done.stdout
    assert {path.name for path in (finished / "dist").iterdir()} == {
        f"lipstream-{VERSION}-py3-none-any.whl",
        f"lipstream-{VERSION}.tar.gz",
    }
    with zipfile.ZipFile(finished / "dist" / f"lipstream-{VERSION}-py3-none-any.whl") as wheel:
        (name,) = [name for name in wheel.namelist() if name.endswith("METADATA")]
        metadata = wheel.read(name).decode()
    assert f"Project-URL: Source, {REPOSITORY}\n" in metadata
    assert f"({REPOSITORY}/blob/v{VERSION}/docs/install.md)" in metadata
    assert f"({REPOSITORY}/raw/v{VERSION}/docs/images/live.webp)" in metadata
    assert not re.search(r"\]\((?!https://)", metadata)
    assert git(finished, "tag") == ""
    assert git(finished, "status", "--porcelain") == ""


def test_the_tag_is_made_when_it_is_asked_for_and_only_once(tree: Path, monkeypatch):
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "Nobody")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "nobody@host.example")
    done = release(tree, "--repository", REPOSITORY, "--tag", built=False)
    assert done.returncode == 0 and "built\n" in done.stdout.partition("ok  tag")[0]
    assert git(tree, "tag") == f"v{VERSION}\n"
    again = release(tree, "--repository", REPOSITORY, "--tag")
    assert (again.returncode, again.stderr) == (1, f"not ready: there is a tag v{VERSION} already\n")


def spoil_citation(tree: Path) -> None:
    change(tree / "CITATION.cff", r"^version: .+$", "version: 1.0.0")


def spoil_version(tree: Path) -> None:
    change(tree / "pyproject.toml", r"^version = .+$", 'version = "next"')


def leave_entries(tree: Path) -> None:
    change(tree / "CHANGELOG.md", r"^## Unreleased$", "## Unreleased\n\n### Added\n\n- More.")


def leave_the_day_out(tree: Path) -> None:
    change(tree / "CHANGELOG.md", rf"^## {VERSION} - .+$", f"## {VERSION} - not released")


def change_something(tree: Path) -> None:
    (tree / "more.py").touch()


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (spoil_citation, f"CITATION.cff has version 1.0.0, pyproject.toml {VERSION}"),
        (spoil_version, "pyproject.toml has next: expected MAJOR.MINOR.PATCH"),
        (leave_entries, f'CHANGELOG.md has entries under "Unreleased": put them under {VERSION}'),
        (leave_the_day_out, f'CHANGELOG.md has "{VERSION} - not released" on top: expected'),
        (change_something, "1 files are not committed, the first: more.py"),
    ],
)
def test_what_is_not_ready_is_said_in_one_line(tree: Path, spoil: Callable[[Path], None], told: str):
    spoil(tree)
    done = release(tree, "--repository", REPOSITORY)
    assert done.returncode == 1
    assert done.stderr.startswith(f"not ready: {told}") and done.stderr.count("\n") == 1
    assert not (tree / "dist").exists()


@pytest.mark.parametrize("arguments", [[], ["--repository", "git@host.example:owner/lipstream"]])
def test_without_a_web_address_nothing_is_built(tree: Path, arguments: list[str]):
    done = release(tree, *arguments)
    assert (done.returncode, done.stdout) == (1, "")
    assert "give --repository https://" in done.stderr


def test_without_the_address_the_description_has_no_link_that_leads_nowhere():
    code = "import setuptools; setuptools.setup = lambda **given: print(given['long_description']); import setup"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.startswith("# Lipstream\n")
    assert not re.search(r"\]\((?!https://)", done.stdout)


def test_the_citation_and_the_changelog_are_of_this_version():
    project = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    assert project
    assert f"\nversion: {project[1]}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\n## {project[1]} - " in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
