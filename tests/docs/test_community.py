"""What a repository's host reads: templates, workflows, the citation. Each is well formed, and leads somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from tests.docs.blocks import ROOT

FILES = [*sorted((ROOT / ".github").rglob("*.yml")), ROOT / "CITATION.cff"]
FORMS = [path for path in FILES if path.parent.name == "ISSUE_TEMPLATE" and path.name != "config.yml"]


def read(path: Path) -> dict:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_it_is_yaml(path: Path):
    assert isinstance(read(path), dict)


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.name)
def test_a_form_has_what_the_host_asks_for(path: Path):
    form = read(path)
    assert {"name", "description", "body"} <= set(form)
    fields = [each for each in form["body"] if each["type"] != "markdown"]
    assert fields and all(each["attributes"]["label"] for each in fields)
    assert len({each["id"] for each in fields}) == len(fields)


def test_a_bug_is_reported_with_the_report_of_doctor():
    assert any(
        "lipstream doctor --report" in str(each) for each in read(ROOT / ".github/ISSUE_TEMPLATE/bug.yml")["body"]
    )


def test_the_citation_has_what_its_format_asks_for():
    cited = read(ROOT / "CITATION.cff")
    assert {"cff-version", "message", "title", "authors", "version", "license"} <= set(cited)


def test_the_workflows_try_every_python_and_every_system():
    jobs = read(ROOT / ".github/workflows/ci.yml")["jobs"]
    pythons = re.findall(r"Python :: (3\.\d+)\"", (ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert jobs["lint-and-test"]["strategy"]["matrix"]["python"] == pythons
    assert jobs["other-systems"]["strategy"]["matrix"]["os"] == ["macos-latest", "windows-latest"]
    told = {step["run"] for job in jobs.values() for step in job["steps"] if "run" in step}
    assert {".ci/run", "make size PYTHON=python", "python -m mkdocs build --strict"} <= told


def test_what_the_workflows_run_is_there():
    text = (ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8")
    for path in re.findall(r"\b(?:tests|requirements|scripts)/[\w/.]+", text):
        assert (ROOT / path).exists(), path


def test_the_pull_requests_template_leads_somewhere():
    template = ROOT / ".github" / "pull_request_template.md"
    links = re.findall(r"\]\(([^)#]+)", template.read_text(encoding="utf-8"))
    assert links and all((template.parent / link).exists() for link in links)
