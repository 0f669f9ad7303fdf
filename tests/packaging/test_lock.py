"""What `make setup` installs is pinned to the byte, and is what the project asks for."""

from __future__ import annotations

import re
import tomllib
from itertools import chain
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.packaging.locks import REQUIREMENTS, locked, version_of

ROOT = Path(__file__).parent.parent.parent
LOCKS = ("lock.txt", "runtime.txt", "bootstrap.txt", "tools.txt")


@pytest.mark.parametrize("name", LOCKS)
def test_every_locked_file_has_its_version_and_hashes(name: str):
    entries = locked(name)
    assert entries
    for requirement, hashes in entries.values():
        assert version_of(requirement)
        assert requirement.url is None
        assert hashes, requirement
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", digest) for digest in hashes)


def test_the_lock_satisfies_every_bound_of_the_project():
    """Also when a bound was changed and nobody has locked again."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    entries = locked("lock.txt")
    for wanted in map(Requirement, chain(project["dependencies"], *project["optional-dependencies"].values())):
        if wanted.name == project["name"]:
            continue
        assert canonicalize_name(wanted.name) in entries, f"{wanted} is not locked: make lock"
        version = version_of(entries[canonicalize_name(wanted.name)][0])
        assert wanted.specifier.contains(version), f"{wanted}, but {version} is locked: make lock"


def test_the_runtime_is_a_part_of_the_lock():
    every, runtime = locked("lock.txt"), locked("runtime.txt")
    for name, (requirement, hashes) in runtime.items():
        assert version_of(requirement) == version_of(every[name][0])
        assert set(hashes) == set(every[name][1])
    assert "pytest" not in runtime


def test_the_runtime_has_no_torch_and_nothing_to_compile():
    """An image or a small installation is made of it."""
    runtime = locked("runtime.txt")
    assert {"torch", "torchaudio", "triton", "mediapipe", "pyaudio"} & set(runtime) == set(), "make lock"
    assert [name for name in runtime if name.startswith("nvidia-")] == []


def test_the_lock_has_the_tested_versions():
    entries = locked("lock.txt") | locked("bootstrap.txt")
    lines = (REQUIREMENTS / "tested.txt").read_text(encoding="utf-8").splitlines()
    tested = {line.partition("==")[0]: line.partition("==")[2] for line in lines if not line.startswith("#")}
    assert {name: version_of(entries[name][0]) for name in tested if name in entries} == tested


def test_what_is_locked_beyond_the_tested_versions_is_for_other_platforms():
    tested = (REQUIREMENTS / "tested.txt").read_text(encoding="utf-8")
    for name, (requirement, _) in locked("lock.txt").items():
        if f"\n{name}==" not in tested:
            assert requirement.marker is not None, f"{name} is not among the tested versions"


def test_the_build_tools_are_those_the_project_asks_for():
    system = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["build-system"]
    entries = locked("bootstrap.txt")
    for wanted in map(Requirement, system["requires"]):
        assert wanted.specifier.contains(version_of(entries[canonicalize_name(wanted.name)][0]))
