"""Arrays that are kept in the cache folder."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from lipstream.models.kept_arrays import KeptArrays, kept_path

ROOT = Path(__file__).resolve().parents[2]
SCALES = np.linspace(0, 1, 5, dtype=np.float32)
WEIGHTS = np.arange(-20, 15, dtype=np.int8).reshape(7, 5)


def never() -> tuple[np.ndarray, ...]:
    raise AssertionError("it is there")


def made(path: Path | None) -> KeptArrays:
    kept = KeptArrays(path)
    assert kept.get("weights", lambda: (WEIGHTS, SCALES))[0] is WEIGHTS
    kept.get("none", lambda: (np.zeros((0, 3), np.float32),))
    kept.get("turned", lambda: (WEIGHTS.T,))
    kept.finish()
    return kept


def test_what_was_made_is_read_the_next_time(tmp_path: Path):
    path = tmp_path / "folder" / "some.arrays"
    made(path)
    assert [each.name for each in path.parent.iterdir()] == ["some.arrays"]
    again = KeptArrays(path)
    weights, scales = again.get("weights", never)
    assert weights.dtype == np.int8 and scales.dtype == np.float32
    assert np.array_equal(weights, WEIGHTS) and np.array_equal(scales, SCALES)
    assert np.array_equal(again.get("turned", never)[0], WEIGHTS.T)
    assert again.get("none", never)[0].shape == (0, 3)
    again.release()
    assert np.array_equal(weights, WEIGHTS)
    assert again.get("another", lambda: (SCALES,))[0] is SCALES
    again.finish()


def test_a_file_that_is_damaged_is_made_again(tmp_path: Path):
    path = tmp_path / "some.arrays"
    made(path)
    whole = path.read_bytes()
    for broken in (b"", whole[:10], whole[:-1], whole[:50] + b"\xff" + whole[51:], whole + b"\0", b"\xff" * 400):
        path.write_bytes(broken)
        made(path)
        assert path.read_bytes() == whole


def test_a_run_that_is_cut_off_leaves_no_file_in_its_place(tmp_path: Path):
    path = tmp_path / "some.arrays"
    KeptArrays(path).get("weights", lambda: (WEIGHTS, SCALES))
    assert not path.exists()


KILLED = """
import os, signal, sys
from pathlib import Path
import numpy as np
from lipstream.models.kept_arrays import KeptArrays

KeptArrays(Path(sys.argv[1])).get("weights", lambda: (np.zeros(5),))
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no process is killed like this there")
def test_what_a_killed_process_was_writing_does_not_stay_for_ever(tmp_path: Path):
    subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "some.arrays")], cwd=ROOT, check=False)
    assert [each.suffix for each in tmp_path.iterdir()] == [".part"]
    made(tmp_path / "other.arrays")
    assert [each.name for each in tmp_path.iterdir()] == ["other.arrays"]


def test_what_another_is_still_writing_is_left_alone(tmp_path: Path):
    one = KeptArrays(tmp_path / "one.arrays")
    one.get("weights", lambda: (WEIGHTS,))
    made(tmp_path / "other.arrays")
    one.finish()
    assert {each.name for each in tmp_path.iterdir()} == {"one.arrays", "other.arrays"}
    assert np.array_equal(KeptArrays(tmp_path / "one.arrays").get("weights", never)[0], WEIGHTS)


def test_where_nothing_can_be_written_all_is_made_each_time(tmp_path: Path):
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    made(blocked / "some.arrays")
    made(None)
    assert blocked.read_text() == "no folder"


def test_what_nobody_has_used_for_a_month_is_deleted(tmp_path: Path):
    old, other = tmp_path / "old.arrays", tmp_path / "other.arrays"
    for path, days in ((old, 31), (other, 29)):
        made(path)
        os.utime(path, (time.time() - days * 86_400,) * 2)
    KeptArrays(other).get("weights", never)
    made(tmp_path / "new.arrays")
    assert not old.exists() and other.exists()
    assert time.time() - other.stat().st_mtime < 86_400


def test_arrays_made_of_something_else_lie_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LIPSTREAM_CACHE", str(tmp_path))
    facts = {"model": "a", "numpy": "2"}
    assert kept_path("some", facts) == kept_path("some", dict(reversed(facts.items())))
    assert kept_path("some", facts).parent == tmp_path / "prepared"
    assert kept_path("some", facts) != kept_path("some", facts | {"model": "b"})
