"""Look whether a release is ready, and build what would be published. Nothing is uploaded.

    python scripts/release.py --repository https://HOST/OWNER/lipstream          look and build, change nothing else
    python scripts/release.py --repository https://HOST/OWNER/lipstream --tag    and make the tag

One line for each check; exit code 1 if one fails, 2 if it was called wrongly. `--repository` may be left out where
`git remote get-url origin` is a web address. What comes out lies in dist/: publish it with `twine upload dist/*`, and
push the tag.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_WEB = re.compile(r"https://[^\s@]+")


class NotReadyError(Exception):
    """Why there can be no release yet, in one line."""


def run(root: Path, *command: str, **variables: str) -> str:
    """What a command prints.

    Raises:
        NotReadyError: it fails; the last line it printed.
    """
    environment = os.environ | variables
    done = subprocess.run(command, cwd=root, env=environment, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        lines = (done.stdout + done.stderr).strip().splitlines() or ["no output"]
        raise NotReadyError(f"{' '.join(command[:4])}: {lines[-1]}")
    return done.stdout


def version_of(root: Path) -> str:
    """The version that would be released: one number in all places.

    Raises:
        NotReadyError: two places have different ones.
    """
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    version = str(project["version"])
    if not re.fullmatch(r"\d+\.\d+\.\d+((a|b|rc)\d+)?", version):
        raise NotReadyError(f"pyproject.toml has {version}: expected MAJOR.MINOR.PATCH, perhaps with a1, b1 or rc1")
    cited = re.search(r"^version: (\S+)$", (root / "CITATION.cff").read_text(encoding="utf-8"), re.MULTILINE)
    if cited is None or cited[1] != version:
        raise NotReadyError(f"CITATION.cff has version {cited[1] if cited else 'none'}, pyproject.toml {version}")
    return version


def check_changelog(root: Path, version: str) -> None:
    """The newest heading after "Unreleased" is that of the version, with a day, and nothing waits above it.

    Raises:
        NotReadyError: it is not.
    """
    text = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    sections = re.findall(r"^## (.+)\n((?:(?!^## ).*\n?)*)", text, re.MULTILINE)
    waiting = next((body for title, body in sections if "Unreleased" in title), "")
    if re.search(r"^- ", waiting, re.MULTILINE):
        raise NotReadyError(f'CHANGELOG.md has entries under "Unreleased": put them under {version}')
    newest = next((title for title, _ in sections if "Unreleased" not in title), "nothing")
    if not re.fullmatch(rf"\[?{re.escape(version)}\]? - \d{{4}}-\d\d-\d\d", newest):
        raise NotReadyError(f'CHANGELOG.md has "{newest}" on top: expected "{version} - YYYY-MM-DD"')


def check_tree(root: Path, version: str) -> None:
    """Everything is committed, and the tag is free.

    Raises:
        NotReadyError: it is not.
    """
    if changed := run(root, "git", "status", "--porcelain").splitlines():
        raise NotReadyError(f"{len(changed)} files are not committed, the first: {changed[0][3:]}")
    if run(root, "git", "tag", "--list", f"v{version}").strip():
        raise NotReadyError(f"there is a tag v{version} already")


def check_lints(root: Path) -> None:
    """Lints, format and types.

    Raises:
        NotReadyError: one finds something.
    """
    run(root, sys.executable, "-m", "ruff", "check", "--quiet", ".")
    run(root, sys.executable, "-m", "ruff", "format", "--check", "--quiet", ".")
    run(root, sys.executable, "scripts/type_tree.py")
    run(root, sys.executable, "-m", "mypy")


def build(root: Path, version: str, repository: str) -> None:
    """Build wheel and source distribution into dist/, and look at them as the index will.

    Raises:
        NotReadyError: one cannot be built, or its description does not render.
    """
    target = root / "dist"
    shutil.rmtree(target, ignore_errors=True)
    run(root, sys.executable, "-m", "build", "--no-isolation", LIPSTREAM_REPOSITORY=repository)
    built = sorted(str(path) for path in target.glob(f"lipstream-{version}*"))
    if len(built) != 2:
        raise NotReadyError(f"dist/ holds {len(built)} files of {version}: expected a wheel and a source distribution")
    run(root, sys.executable, "-m", "twine", "check", "--strict", *built)


def address(root: Path, given: str | None) -> str:
    """The web address of the repository.

    Raises:
        NotReadyError: none is known.
    """
    if given is None:
        try:
            given = run(root, "git", "remote", "get-url", "origin").strip().removesuffix(".git")
        except NotReadyError:
            given = ""
    if not _WEB.fullmatch(given):
        raise NotReadyError("where the repository will be is not known: give --repository https://...")
    return given.rstrip("/")


def steps(root: Path, args: argparse.Namespace) -> Iterator[tuple[str, Callable[[], object]]]:
    """What is done, one after the other, each with its name."""
    version, repository = version_of(root), address(root, args.repository)
    yield f"version {version}, {repository}", lambda: None
    yield "changelog", lambda: check_changelog(root, version)
    yield "tree and tag", lambda: check_tree(root, version)
    if not args.no_lint:
        yield "lints and types", lambda: check_lints(root)
    yield "wheel, source distribution, description", lambda: build(root, version, repository)
    if args.tag:
        tag = ("git", "tag", "--annotate", f"v{version}", "--message", f"Lipstream {version}")
        yield f"tag v{version}", lambda: run(root, *tag)


def main(argv: list[str] | None = None, root: Path = ROOT) -> int:
    """Go through the steps, and stop at the first that fails."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repository", metavar="URL", help="where the repository will be on the web")
    parser.add_argument("--tag", action="store_true", help="make the tag; without it nothing but dist/ is changed")
    parser.add_argument("--no-lint", action="store_true", help="leave out what `make lint` looks at")
    args = parser.parse_args(argv)
    try:
        for name, step in steps(root, args):
            step()
            print(f"ok  {name}", flush=True)
    except NotReadyError as why:
        print(f"not ready: {why}", file=sys.stderr)
        return 1
    print("ready: " + ("push the tag" if args.tag else "the same with --tag makes the tag") + ", twine upload dist/*")
    return 0


if __name__ == "__main__":
    sys.exit(main())
