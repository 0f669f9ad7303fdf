"""The image's recipe, as far as it can be judged without building it."""

from __future__ import annotations

import re
from pathlib import Path

from tests.packaging.rooms import ROOMS

ROOT = Path(__file__).parent.parent.parent
RECIPE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
LINES = RECIPE.replace("\\\n", " ").splitlines()


def arguments(instruction: str) -> list[str]:
    return [line.split(maxsplit=1)[1] for line in LINES if line.startswith(f"{instruction} ")]


def test_every_package_of_the_wheel_is_copied():
    copied = {name for line in arguments("COPY") for name in line.split()[:-1]}
    assert {"lipstream", "setup.py", "pyproject.toml", *ROOMS} <= copied


def test_what_is_copied_is_there_and_reaches_the_builder():
    let_through = set(re.findall(r"^!(\S+)$", (ROOT / ".dockerignore").read_text(encoding="utf-8"), re.MULTILINE))
    for line in arguments("COPY"):
        if not line.startswith("--from="):
            for name in line.split()[:-1]:
                assert (ROOT / name).exists(), name
                assert name.partition("/")[0] in let_through, name


def test_it_runs_as_nobody_special_and_without_the_network():
    assert arguments("USER") == ["10001:10001"]
    assert LINES.index("USER 10001:10001") > max(n for n, line in enumerate(LINES) if line.startswith("FROM "))
    assert "LIPSTREAM_OFFLINE=1" in arguments("ENV")[-1]


def test_every_package_is_installed_by_its_hash_or_not_from_the_network():
    installs = re.findall(r"pip install ([^&\n]+)", "\n".join(LINES))
    assert len(installs) == 3
    assert all("--require-hashes" in each or each == "--no-deps --no-build-isolation ." for each in installs)
