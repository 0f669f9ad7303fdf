"""`lipstream batch` on real Ray: workers, drivers and machines are killed, and nothing but what was in hand is lost.

One cluster of two machines of one core each serves the tests of this file; only one process of a test run has Ray.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest
from filelock import FileLock

from lipstream.commands.batch.rows import Row
from lipstream.commands.main import main
from tests.commands.batch.fakes import PLAN, Make, in_process, outputs_in, rows_in, stub, without_time
from tests.conftest import folder_of_all

ROOT = Path(__file__).resolve().parents[3]
NAMES = [f"r{number}" for number in range(6)]
STORE = 80 * 1024 * 1024
SECONDS = 240
"""Guards against hanging."""

Cluster = pytest.importorskip("ray.cluster_utils").Cluster


@pytest.fixture(scope="module")
def one_ray(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with FileLock(folder_of_all(tmp_path_factory) / "ray.lock"):
        yield


@pytest.fixture(scope="module")
def cluster(one_ray: None) -> Iterator[Cluster]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment().items():
            patch.setenv(name, value)
        made = Cluster(
            initialize_head=True,
            connect=False,
            head_node_args={"num_cpus": 1, "object_store_memory": STORE, "include_dashboard": False},
        )
        made.add_node(num_cpus=1, object_store_memory=STORE)
        try:
            yield made
        finally:
            made.shutdown()


def environment(**more: str) -> dict[str, str]:
    paths = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    return {**os.environ, "RAY_USAGE_STATS_ENABLED": "0", "PYTHONPATH": paths, **more}


@pytest.fixture
def folder(talks: Make) -> Path:
    return talks(*(f"{name}.wav" for name in NAMES))


@pytest.fixture
def undisturbed(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Outputs and rows of a run in which nothing happened."""
    with monkeypatch.context() as patch:
        patch.setattr("lipstream.commands.batch.cluster.connected", lambda address, workers: nullcontext())
        patch.setattr("lipstream.commands.batch.stream.rows_of", in_process)
        patch.setattr("lipstream.commands.batch.worker.transcriber", stub)
        assert main(["batch", str(folder), "-o", str(tmp_path / "calm"), "-f", "txt,json", "-q"]) == 0
    return outputs_in(tmp_path / "calm"), without_time(rows_in(tmp_path / "calm"))


class Run:
    """Runs of the command in processes of their own, with a plan of what is to happen."""

    def __init__(self, folder: Path, tmp_path: Path) -> None:
        self._folder, self.out, self._plan = folder, tmp_path / "out", tmp_path / "plan.json"

    def start(self, *arguments: str, **plan: object) -> subprocess.Popen[str]:
        self._plan.write_text(json.dumps(plan))
        command = [sys.executable, "-m", "tests.commands.batch.driver", str(self._folder), "-o", str(self.out)]
        return subprocess.Popen(
            [*command, "-f", "txt,json", *arguments],
            cwd=ROOT,
            env=environment(**{PLAN: str(self._plan)}),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __call__(self, *arguments: str, **plan: object) -> tuple[int, str]:
        process = self.start(*arguments, **plan)
        out, err = process.communicate(timeout=SECONDS)
        assert out == ""
        return process.returncode, err

    @property
    def rows(self) -> dict[str, Row]:
        return rows_in(self.out)

    def happened(self, name: str) -> bool:
        return Path(f"{self._plan}.{name}").exists()


@pytest.fixture
def run(folder: Path, tmp_path: Path) -> Run:
    return Run(folder, tmp_path)


def assert_as(run: Run, undisturbed: tuple[dict[str, str], dict[str, Row]], without: str = "nothing") -> None:
    """Outputs, byte for byte, and rows are as they are when nothing happens, but for one recording."""
    outputs, rows = undisturbed
    assert outputs_in(run.out) == {name: made for name, made in outputs.items() if not name.startswith(f"{without}.")}
    assert {name: row for name, row in without_time(run.rows).items() if name != without} == {
        name: row for name, row in rows.items() if name != without
    }


def test_a_killed_worker_costs_what_it_had_in_hand_and_what_kills_every_worker_is_given_up(
    cluster: Cluster, run: Run, undisturbed
):
    code, err = run("--address", cluster.address, r1="kill worker", r3="kill worker", always=["r3"])
    assert run.happened("r1") and run.happened("r3")
    assert code == 1, err
    assert "done: 5 recordings, 1 failed" in err
    assert [line for line in err.splitlines() if not line.startswith("lipstream: ")] == []
    lost = run.rows["r3"]
    assert (lost.status, lost.error_class) == ("failed", "WorkerLost")
    assert_as(run, undisturbed, without="r3")


def test_a_killed_driver_and_ctrl_c_cost_what_was_in_hand_and_the_same_command_goes_on(
    cluster: Cluster, run: Run, undisturbed
):
    one_worker = ("--address", cluster.address, "--workers", "1")
    code, err = run(*one_worker, r2="kill driver")
    assert code == -signal.SIGKILL, err
    before_the_kill = set(run.rows)
    assert {name.split(".")[0] for name in outputs_in(run.out) if "/" not in name} == before_the_kill
    assert "r2" not in before_the_kill

    process = run.start(*one_worker, r4="wait")
    while not run.happened("r4") and process.poll() is None:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=SECONDS)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    before_ctrl_c = set(run.rows)
    assert before_the_kill <= before_ctrl_c and "r4" not in before_ctrl_c
    assert f"stopped: {recordings(len(before_ctrl_c - before_the_kill))}; " in err

    code, err = run(*one_worker)
    assert code == 0, err
    assert f"done: {recordings(6 - len(before_ctrl_c))}; " in err
    assert_as(run, undisturbed)


def test_a_lost_machine_costs_what_it_had_in_hand_and_the_others_do_it(cluster: Cluster, run: Run, undisturbed):
    code, err = run("--address", cluster.address, **dict.fromkeys(NAMES, "kill node"))
    assert any(map(run.happened, NAMES))
    assert code == 0, err
    assert_as(run, undisturbed)


@pytest.mark.media
def test_its_own_ray_leaves_nothing_behind_and_captions_are_those_of_file(
    one_ray: None, run: Run, beckett: Path, tmp_path: Path
):
    before = left_by_ray()
    code, err = run("--workers", "1", r1="kill driver")
    assert code == -signal.SIGKILL, err
    left = left_by_ray() - before
    assert left

    arguments = ["-f", "txt,srt,jsonl", "--no-emotion", "--quality", "fast", "--set", "speech.threads=1"]
    assert main(["file", str(beckett), "-o", str(tmp_path / "file"), *arguments]) == 0
    command = [sys.executable, str(ROOT / "main.py"), "batch", str(beckett), "-o", str(tmp_path / "captions")]
    done = subprocess.run(
        [*command, *arguments], env=environment(), capture_output=True, text=True, check=False, timeout=SECONDS
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    first, last = done.stderr.splitlines()
    assert first == "lipstream: 1 recording to do; 1 at once" and "done: 1 recording; " in last
    assert not left & left_by_ray()

    made = tmp_path / "captions"
    for name in ("beckett.txt", "beckett.srt"):
        assert (made / name).read_bytes() == (tmp_path / "file" / name).read_bytes()
    row = rows_in(made)["beckett"]
    assert row.words == len((made / "beckett.txt").read_text().split()) > 10
    assert row.duration == pytest.approx(9.9, abs=0.5)
    assert row.notes == ("the file has no picture, going on with the sound only",)
    assert '"Stats"' not in (made / "beckett.jsonl").read_text()


def recordings(count: int) -> str:
    return f"{count} recording{'' if count == 1 else 's'}"


def left_by_ray() -> set[Path]:
    return set(Path("/tmp").glob("lipstream-ray-*"))
