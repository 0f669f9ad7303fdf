"""What the site has beyond the pages of docs/; mkdocs calls it (`hooks` in mkdocs.yml).

The documents of the root become pages, so do the helps of the command line. Links that lead out of docs/ to sources
lead to the repository where its address is known (LIPSTREAM_REPOSITORY), and are plain text where it is not.
"""

from __future__ import annotations

import argparse
import os
import posixpath
import re
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

ROOMS = ("pipeline", "stages", "models")
"""Rooms that the reference has something of."""
TREE = ROOT / "build" / "docs" / "lipstream"
OF_THE_ROOT = {
    "CHANGELOG.md": "changelog.md",
    "CODE_OF_CONDUCT.md": "code_of_conduct.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
}
"""Documents of the root, and the pages they become."""
SOURCE_PAGES = {page: document for document, page in OF_THE_ROOT.items()}
_LINK = re.compile(r"(?<!!)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)#\s]+)(#[^)\s]*)?\)")
_WIDE = "100"
"""Columns of the helps."""


def on_startup(command: str, dirty: bool) -> None:
    """Lay the sources out as they are imported, for the reference to be read from: links are not followed there."""
    shutil.rmtree(TREE, ignore_errors=True)
    for folder, target in (("lipstream", TREE), *((room, TREE / room) for room in ROOMS)):
        for path in sorted((ROOT / folder).rglob("*.py")):
            copy = target / path.relative_to(ROOT / folder)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that do not lie in docs/."""
    from mkdocs.structure.files import File

    for document, page in OF_THE_ROOT.items():
        files.append(File.generated(config, page, content=(ROOT / document).read_text(encoding="utf-8")))
    files.append(File.generated(config, "commands.md", content=commands()))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn links to what is no page of the site."""
    name = page.file.src_uri
    pages = {file.src_uri for file in files}
    # Where the text stands in the repository, from which its links are meant.
    place = SOURCE_PAGES.get(name, f"docs/{name}")

    def turned(found: re.Match[str]) -> str:
        text, link, anchor = found[1], found[2], found[3] or ""
        if "://" in link or link.startswith(("mailto:", "/")):
            return found[0]
        target = posixpath.normpath(posixpath.join(posixpath.dirname(place), link))
        inside = OF_THE_ROOT.get(target, target.removeprefix("docs/") if target.startswith("docs/") else "")
        if target in ("README.md", "docs"):
            inside = "index.md"
        if inside in pages:
            return f"[{text}]({posixpath.relpath(inside, posixpath.dirname(name) or '.')}{anchor})"
        if not (ROOT / target).exists():
            return found[0]  # mkdocs finds it missing
        repository = os.environ.get("LIPSTREAM_REPOSITORY", "").rstrip("/")
        return f"[{text}]({repository}/blob/main/{target}{anchor})" if repository else text

    return "".join(part if part.startswith("```") else _LINK.sub(turned, part) for part in _parts(markdown))


def _parts(markdown: str) -> list[str]:
    """The text, with fenced blocks apart."""
    return re.split(r"(^```.*?^```[^\n]*$)", markdown, flags=re.MULTILINE | re.DOTALL)


def commands() -> str:
    """A page with the help of every verb."""
    from lipstream.commands.main import build_parser

    os.environ["COLUMNS"] = _WIDE
    parser = build_parser()
    parts = [
        "# Command line",
        "`lipstream VERB --help` shows the same. Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted.",
    ]
    for title, each in _verbs("lipstream", parser):
        parts += [f"{'##' if title.count(' ') < 2 else '###'} {title}", f"```text\n{each.format_help().strip()}\n```"]
    return "\n\n".join(parts) + "\n"


def _verbs(title: str, parser: argparse.ArgumentParser) -> list[tuple[str, argparse.ArgumentParser]]:
    found = [(title, parser)]
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, verb in action.choices.items():
                found += _verbs(f"{title} {name}", verb)
    return found
