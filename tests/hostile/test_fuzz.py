"""Damaged files through the whole command line."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.hostile.fork_server import Outcome
from tests.hostile.judge import Misbehaved, judge
from tests.hostile.mutants import mutate

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.skipif(sys.platform != "linux", reason="the fork server reads /proc")
def test_no_damaged_file_hangs_crashes_or_floods(tmp_path):
    summary = tmp_path / "summary.json"
    command = ["bench/fuzz.py", "--mutants", "40", "--seed", "1", "--real", "0"]
    command += ["--json", str(summary), "--save", str(tmp_path / "failures")]
    run = subprocess.run([sys.executable, *command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    result = json.loads(summary.read_text())
    assert (result["mutants"], result["failures"]) == (40, [])


def test_the_same_seed_gives_the_same_mutant():
    data, others = bytes(range(256)) * 8, [b"RIFF" * 100]
    mutants = [mutate(data, others, random.Random(f"0:{number}")) for number in range(50)]
    assert mutants == [mutate(data, others, random.Random(f"0:{number}")) for number in range(50)]
    assert len(set(mutants)) > 40 and data not in mutants[:5]


def outcome(code=0, err="", timed_out=False):
    return Outcome(code, "", err, 0.1, 0.1, 1, timed_out)


@pytest.mark.parametrize(
    "bad",
    [
        outcome(timed_out=True, code=-9),
        outcome(code=-11),
        outcome(code=1, err="lipstream: error: stage 'audio' failed\n"),
        outcome(code=2, err="Traceback (most recent call last):\nMemoryError\n"),
        outcome(code=2, err="usage\n"),
        outcome(code=2, err="lipstream: error: \x1b[31m\n"),
        outcome(code=0, err=""),
    ],
)
def test_the_judge_sees_a_run_that_misbehaves(tmp_path, bad):
    with pytest.raises(Misbehaved):
        judge(bad, tmp_path)


def test_the_judge_knows_the_ways_a_run_may_end(tmp_path):
    assert judge(outcome(code=2, err="lipstream: error: 'a' is empty\n"), tmp_path) == "refused"
    (tmp_path / "a.txt").write_text("")
    assert judge(
        outcome(err="lipstream: picture: the file has no picture, going on with the sound only\n"), tmp_path
    ) == ("ok")
    assert judge(outcome(err="lipstream: sound: the file is damaged after 1.0 s\n"), tmp_path) == "partial"
