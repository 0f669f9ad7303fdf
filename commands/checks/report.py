"""A text for a bug report: what Lipstream runs on and what `doctor` finds, and nothing of whom or of what was said."""

from __future__ import annotations

import os
import platform
import re
import sys
from collections.abc import Iterable, Iterator
from importlib import metadata

from lipstream.commands.checks.installation import Finding
from lipstream.commands.checks.private import Private

_DEVICE = re.compile(r"^(microphone|camera)\b")
_FIGURES = re.compile(r"\b\d+ ch\b|\b\d+ Hz\b|\b\d+x\d+\b")
"""What of a device is no name: people call theirs by their own."""
_PACKAGE = re.compile(r"^[A-Za-z0-9._-]+ \d[\w.+!-]*$")
_MARKS = {"ok": "ok      ", "warning": "warning ", "problem": "PROBLEM "}
HEAD = """\
Made by `lipstream doctor --report`. Names, paths, addresses, devices and secrets are left out. Nothing that was said is
in it. Read it before you send it."""


def text(found: Iterable[Finding], private: Private) -> str:
    """The report.

    Args:
        found: what the checks found.
        private: what is left out.
    """
    lines = list(found)
    packages = [finding for finding in lines if finding.state == "ok" and _PACKAGE.match(finding.what)]
    others = [finding for finding in lines if finding not in packages]
    parts = [
        HEAD,
        "",
        *_machine(),
        f"packages: {', '.join(finding.what for finding in packages)}",
        f"extras: {', '.join(_extras()) or 'none'}",
        "",
        *(_line(finding) for finding in others),
    ]
    return "\n".join(private.hidden(part) for part in parts) + "\n"


def _line(finding: Finding) -> str:
    told = finding.what
    if device := _DEVICE.match(told):
        told = " ".join([device[1], *_FIGURES.findall(told)])
    return f"{_MARKS[finding.state]}{told}"


def _machine() -> Iterator[str]:
    from lipstream.models.speech.speed import this_machine
    from lipstream.version import checkout, version

    where = "a checkout" if checkout() else "an installation"
    yield f"Lipstream {version()} in {where}, Python {platform.python_version()} ({platform.python_implementation()})"
    kernel = re.match(r"[\d.]+", platform.release())
    yield f"{platform.system()} {kernel[0] if kernel else ''} {platform.machine()}, {_memory()}"
    machine = this_machine(1, version())
    yield f"{machine.processor}, {machine.cores} cores"
    yield f"encodings: {sys.stdout.encoding}, {sys.getfilesystemencoding()}"
    yield f"variables that are set: {', '.join(sorted(_variables())) or 'none'}"


def _memory() -> str:
    try:
        size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return "memory not known"
    return f"{size / 2**30:.0f} GiB"


def _variables() -> Iterator[str]:
    """Names, never values, of what changes how Lipstream and the libraries below it run."""
    for name in os.environ:
        if name.startswith(("LIPSTREAM_", "OMP_", "OPENBLAS_", "MKL_", "ORT_", "PULSE_", "QT_QPA_", "PIP_")):
            yield name


def _extras() -> Iterator[str]:
    """Extras whose packages are all there, by what the installation itself says of them."""
    from packaging.requirements import Requirement

    try:
        distribution = metadata.distribution("lipstream")
    except metadata.PackageNotFoundError:
        return  # a checkout that nobody has installed
    requirements = [Requirement(each) for each in distribution.requires or ()]
    for extra in distribution.metadata.get_all("Provides-Extra") or ():
        wanted = [each for each in requirements if each.marker and each.marker.evaluate({"extra": extra})]
        wanted = [each for each in wanted if not each.marker or not each.marker.evaluate({"extra": ""})]
        if wanted and all(_is_there(each.name) for each in wanted):
            yield extra


def _is_there(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True
