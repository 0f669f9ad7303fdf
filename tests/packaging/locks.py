"""Reads the lock files."""

from __future__ import annotations

from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

REQUIREMENTS = Path(__file__).parent.parent.parent / "requirements"


def locked(name: str) -> dict[str, tuple[Requirement, list[str]]]:
    """Distribution -> its requirement and the hashes of its files."""
    text = (REQUIREMENTS / name).read_text(encoding="utf-8").replace("\\\n", " ")
    found = {}
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            requirement, *hashes = [part.strip() for part in line.split("--hash=")]
            parsed = Requirement(requirement)
            found[canonicalize_name(parsed.name)] = (parsed, hashes)
    return found


def version_of(requirement: Requirement) -> str:
    """The one version a `==` requirement allows."""
    (specifier,) = requirement.specifier
    assert specifier.operator == "=="
    return specifier.version
