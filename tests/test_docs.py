"""The documents hold together."""

from __future__ import annotations

import argparse
import builtins
import dataclasses
import itertools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DOCUMENTS = [
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "models").rglob("*.md")),
]
PACKAGES = ("lipstream", "pipeline", "stages", "models", "views", "web", "commands")
OTHERS_OPTIONS = {"--build-arg", "--net", "--network", "--pdb", "--rm", "--strict", "--target", "--working-dir"}
"""Of docker, unshare, pytest, pip-audit, twine and ray."""
OTHERS_OPTIONS |= {"--no-deps", "--require-hashes", "--no-build-isolation"}
"""Of pip."""
FOLDERS = (*PACKAGES, "bench", "scripts", "tests", "examples", "config", "configs")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(document: Path):
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", document.read_text(encoding="utf-8"))
    missing = [link for link in links if "://" not in link and not (document.parent / link).exists()]
    assert missing == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_to_a_heading_finds_it(document: Path):
    links = re.findall(r"\]\(([^)#\s:]*)#([^)\s]+)\)", document.read_text(encoding="utf-8"))
    targets = [((document.parent / file if file else document), heading) for file, heading in links]
    assert [heading for file, heading in targets if file.suffix == ".md" and heading not in _headings(file)] == []


def _headings(document: Path) -> list[str]:
    """The headings of a document, as links to them are written."""
    found = re.findall(r"^#+ (.+)$", document.read_text(encoding="utf-8"), re.MULTILINE)
    return [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in found]


def test_every_python_file_the_documents_name_exists():
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        for name in re.findall(rf"(?<![\w/])((?:{'|'.join(FOLDERS)})/[\w/]+\.py)\b", text):
            assert (ROOT / name).exists(), f"{document.name} names {name}"


def test_every_event_is_in_its_table_and_every_configuration_on_its_page():
    from lipstream import events
    from lipstream.config import names

    told = [
        name
        for name in events.__all__
        if isinstance(thing := getattr(events, name), type)
        and issubclass(thing, events.Event)
        and thing is not events.Event
    ]
    for page, wanted in (("events.md", told), ("configuration.md", names())):
        text = (ROOT / "docs" / page).read_text(encoding="utf-8")
        assert [name for name in wanted if f"`{name}`" not in text] == [], page


@pytest.fixture(scope="module")
def sources() -> str:
    """Every source of the product, one after the other."""
    files = [path for folder in (*PACKAGES, "bench", "examples") for path in sorted((ROOT / folder).rglob("*.py"))]
    return "\n".join(path.read_text(encoding="utf-8") for path in files)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_class_and_field_the_documents_name_exists(document: Path, sources: str):
    for name, field in set(re.findall(r"`([A-Z][a-z]+[A-Z]\w*)(?:\.(\w+))?", document.read_text(encoding="utf-8"))):
        declared = re.search(rf"^class {name}\b.*?(?=^class |\Z)", sources, re.MULTILINE | re.DOTALL)
        assert declared or hasattr(builtins, name) or re.search(rf"\b{name}\b", sources), f"there is no {name}"
        assert not field or not declared or re.search(rf"\b{field}\b", declared[0]), f"{name} has no {field}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_configuration_key_the_documents_name_exists(document: Path, sources: str):
    from lipstream.config.explain import section_model
    from lipstream.config.schema import Config

    sections = [key for key in Config.model_fields if section_model([key]) is not None]
    text = document.read_text(encoding="utf-8")
    for section, key in re.findall(
        rf"(?:`|--set )({'|'.join(sections)})\.([a-z_]+)\b(?<!py|md|js)(?<!png)(?<!json)", text
    ):
        known = section_model([section]).model_fields
        # Counters of `Stats` and ports of the graph are written alike.
        assert key in known or f'"{section}.{key}"' in sources, f"there is no {section}.{key}"


def test_every_option_the_documents_name_exists():
    from lipstream.commands.main import build_parser

    known = set(_options(build_parser()))
    for path in (path for folder in ("bench", "examples", "scripts") for path in (ROOT / folder).rglob("*.py")):
        known |= set(re.findall(r"add_argument\(\s*(?:\"-\w\",\s*)?\"(--[\w-]+)\"", path.read_text(encoding="utf-8")))
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        for line in text.splitlines():
            for option in re.findall(r"(?<![\w-])--[a-z][\w-]+", line):
                assert option in known or option in OTHERS_OPTIONS, f"{document.name}: there is no {option}"


def _options(parser: argparse.ArgumentParser) -> Iterator[str]:
    for action in parser._actions:
        yield from action.option_strings
        if isinstance(action, argparse._SubParsersAction):
            for verb in action.choices.values():
                yield from _options(verb)


# The table of models.


def _table() -> list[list[str]]:
    """The rows of the table of models, without its header."""
    text = (ROOT / "docs" / "models.md").read_text(encoding="utf-8").partition("\n|")[2]
    lines = list(itertools.takewhile(lambda line: line.startswith("|"), f"|{text}".splitlines()))
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_the_table_of_models_names_every_network_that_is_fetched_and_no_other():
    from lipstream.models.assets.manifest import PackagePlace, load_manifest

    manifest, rows = load_manifest(), _table()
    named: set[str] = set()
    for name, asset in manifest.assets.items():
        if asset.on_demand or name.startswith("media/"):
            continue
        places = asset.wheels
        packages = [place.package for place in asset.places if isinstance(place, PackagePlace)]
        told = [row for row in rows if any(f"`{place}`" in row[3] for place in [*places, *packages])]
        assert told, f"{name} of {', '.join(places)} is not in the table"
        assert all(asset.licence in row[2] for row in told), f"{name} is under {asset.licence}"
        named |= {*places, *packages}
    for row in rows:
        for place in re.findall(r"`([\w.-]+(?:==[\w.]+)?)`", row[3]):
            assert place in named or place == "enroll", f"{place} is fetched for nothing"


def test_the_table_of_models_names_every_network_that_ships_and_no_other():
    rows = {folder: row for row in _table() for folder in re.findall(r"`(models/[\w/]+)`", row[3])}
    # Networks of others come as graphs alone; ours have their weights beside them, and a graph may be made of several.
    folders = {path.parent for form in ("safetensors", "onnx") for path in (ROOT / "models").rglob(f"weights/*.{form}")}
    assert {str(folder.relative_to(ROOT)) for folder in folders} == set(rows)
    for folder, row in rows.items():
        files = [*(ROOT / folder).glob("*.safetensors")] or [*(ROOT / folder).glob("*.onnx")]
        shipped = {re.sub(r"_seed\d+_fold\d+", "", path.stem) for path in files}
        assert set(re.findall(r"`(\w+)`", row[0])) == shipped
        assert not re.search(r"\bnot\b", row[1]), "a network that is of no use does not ship"


def test_a_profile_is_said_to_hold_as_many_networks_as_it_does():
    nn = pytest.importorskip("torch.nn")
    from lipstream.models.av_speech.profile import LipNetworks

    parts = [getattr(LipNetworks.untrained(), field.name) for field in dataclasses.fields(LipNetworks)]
    networks = [part for part in parts if isinstance(part, nn.Module)]
    count = {2: "two", 3: "three", 4: "four"}[len(networks)]
    for name in ("SECURITY.md", "docs/enrolling.md"):
        text = " ".join((ROOT / name).read_text(encoding="utf-8").split())
        told = re.findall(r"\b(\w+) small networks|weights of (two|three|four) networks", text)
        assert told and {word for pair in told for word in pair if word} == {count}, name
