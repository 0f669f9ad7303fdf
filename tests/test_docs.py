"""The documents hold together."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DOCUMENTS = [
    *(ROOT / name for name in ("README.md", "SECURITY.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "models").rglob("*.md")),
]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(document: Path):
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", document.read_text(encoding="utf-8"))
    missing = [link for link in links if "://" not in link and not (document.parent / link).exists()]
    assert missing == []


def test_every_python_file_the_documents_name_exists():
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        for name in re.findall(r"(?<![\w/])((?:bench|pipeline|stages|models|scripts)/[\w/]+\.py)\b", text):
            assert (ROOT / name).exists(), f"{document.name} names {name}"


def test_the_python_examples_of_the_readme_compile():
    examples = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.DOTALL)
    assert examples
    for example in examples:
        compile(example, "README.md", "exec")


def test_every_event_and_configuration_is_in_the_readme():
    from lipstream import events
    from lipstream.config import names

    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    told = [
        name
        for name in events.__all__
        if isinstance(thing := getattr(events, name), type)
        and issubclass(thing, events.Event)
        and thing is not events.Event
    ]
    for name in [*told, *names()]:
        assert f"`{name}`" in readme, name
