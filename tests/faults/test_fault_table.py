"""The table of faults in the documents is the suite: no row without a test, no test without a row."""

from __future__ import annotations

import re
from pathlib import Path

from tests.faults.scripts import SCRIPTS

FOLDER = Path(__file__).parent
DOCUMENT = FOLDER.parents[1] / "docs" / "reliability.md"
AIDS = {"test_a_quiet_room_is_not_taken_for_a_muted_microphone"}


def section() -> str:
    text = DOCUMENT.read_text(encoding="utf-8")
    begin = text.index("## Faults\n")
    return text[begin : text.find("\n## ", begin)]


def test_every_row_is_a_test_and_every_test_a_row():
    sources = [path for path in FOLDER.glob("test_*.py") if path != Path(__file__)]
    tests = {name for path in sources for name in re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE)}
    rows = set(re.findall(r"`(test_\w+)`", section()))
    assert rows == tests - AIDS


def test_every_fault_that_can_be_watched_is_run_by_a_test():
    sources = "".join(path.read_text() for path in FOLDER.glob("test_*.py"))
    for name in SCRIPTS:
        known = name in sources or (name.split("-", 1)[1] in sources and "{network}-" in sources)
        assert known, name
