"""What is installed of that which requirements ask for."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import metadata

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def installed(requirements: Iterable[Requirement]) -> dict[str, str]:
    """Name -> version of the installed packages that requirements ask for, directly or through others."""
    versions: dict[str, str] = {}
    pending, seen = list(requirements), set[str]()
    while pending:
        requirement = pending.pop()
        if str(requirement) in seen:
            continue
        seen.add(str(requirement))
        try:
            distribution = metadata.distribution(requirement.name)
        except metadata.PackageNotFoundError:
            continue  # For other platforms or Python versions, or the extra is not installed.
        versions[canonicalize_name(requirement.name)] = distribution.version
        extras = requirement.extras or {""}
        for child in map(Requirement, distribution.requires or ()):
            if child.marker is None or any(child.marker.evaluate({"extra": extra}) for extra in extras):
                pending.append(child)
    return versions
