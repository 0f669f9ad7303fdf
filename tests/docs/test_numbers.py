"""docs/numbers.md has what measurements have written, and nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.blocks import ROOT

ABOUT = {
    "bench": "latency",
    "command": "python bench/latency.py --set a=b",
    "day": "2026-01-31",
    "version": "9.8.7",
    "machine": "a machine",
    "data": "some sound",
}
RESULT = {
    "format": 1,
    **ABOUT,
    "load": 0.3,
    "figures": [
        {"what": "first text", "system": "ours", "p50": 0.3712, "p95": 0.668, "n": 10, "unit": "s"},
        {"what": "first text", "system": "theirs", "p50": 0.87, "p95": 1.38, "n": 9, "unit": "s"},
        {"what": "speed", "system": "ours", "value": 3.8, "unit": "times real time"},
    ],
}
MEASURES = {"wer": 0.0347, "words": 202, "substitutions": 6, "deletions": 1, "insertions": 0, "readings": []}
WORDS = {**ABOUT, "bench": "words", "versions": {}, "systems": {"ours": MEASURES}}


def numbers(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "scripts" / "numbers_page.py"), *map(str, arguments)]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)


def written(folder: Path, **results: object) -> str:
    files = []
    for name, result in results.items():
        files.append(folder / f"{name}.json")
        files[-1].write_text(json.dumps(result))
    done = numbers(*files, "--output", folder / "page.md")
    assert done.returncode == 0, done.stderr
    return (folder / "page.md").read_text()


def test_the_page_is_that_of_the_results_in_the_repository(tmp_path: Path):
    assert numbers("--output", tmp_path / "page.md").returncode == 0
    page = (ROOT / "docs" / "numbers.md").read_text(encoding="utf-8")
    assert (tmp_path / "page.md").read_text(encoding="utf-8") == page, "python scripts/numbers_page.py"


def test_figures_stand_as_they_were_measured_beside_their_command_day_and_machine(tmp_path: Path):
    page = written(tmp_path, latency=RESULT)
    assert "## Latency" in page
    assert "`python bench/latency.py --set a=b`, 2026-01-31, Lipstream 9.8.7: some sound.\nOn a machine.\n" in page
    assert "| | ours | theirs |\n" in page
    assert "| first text | 0.37 / 0.67 s (p50 / p95 of 10) | 0.87 / 1.38 s (p50 / p95 of 9) |\n" in page
    assert "| speed | 3.8 times real time |  |\n" in page


def test_times_of_a_busy_machine_are_told_to_be(tmp_path: Path):
    assert "busy with other work (load 2.5)" in written(tmp_path, latency={**RESULT, "load": 2.5})


def test_the_words_are_read_as_their_measurement_writes_them(tmp_path: Path):
    page = written(tmp_path, words=WORDS)
    assert (
        "| words wrong | 3.5 % |\n| of so many | 202 |\n| substituted | 6 |\n| left out | 1 |\n| added | 0 |\n" in page
    )


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({}, "expected a result of format 1"),
        ({**RESULT, "format": 2}, "expected a result of format 1"),
        ({key: value for key, value in RESULT.items() if key != "command"}, "without command"),
        ({**RESULT, "figures": [{"what": "x", "system": "y", "unit": ""}]}, "expected what, system, unit, and value"),
        ({key: value for key, value in WORDS.items() if key != "day"}, "without day"),
        ({**WORDS, "systems": {"ours": {**MEASURES, "failed": ["a.wav: no"]}}}, "ours failed on 1 clips"),
    ],
)
def test_what_is_no_result_is_refused_and_nothing_is_written(wrong: object, told: str, tmp_path: Path):
    (tmp_path / "wrong.json").write_text(json.dumps(wrong))
    done = numbers(tmp_path / "wrong.json", "--output", tmp_path / "page.md")
    assert done.returncode == 2
    assert told in done.stderr and done.stderr.count("\n") == 1
    assert not (tmp_path / "page.md").exists()
