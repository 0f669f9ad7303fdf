"""Work that needs no networks, and workers that need no Ray."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from lipstream.commands.batch.recording import Recording
from lipstream.commands.batch.rows import Row, read_rows
from lipstream.commands.batch.settings import Settings, settings_of
from lipstream.commands.batch.work import Report, Work
from lipstream.commands.batch.worker import RECORDING, ROW, Attempts, Job, Worker
from lipstream.pipeline import UserError

PLAN = "LIPSTREAM_TEST_PLAN"
"""Variable with the path of a JSON file: what is to happen at which recording, by its name."""

DRIVER = "LIPSTREAM_TEST_DRIVER"
"""Variable with the process that is to be killed as the driver."""


class StubWork:
    """Writes what is in the recording, in two formats; a recording that begins with "bad" is none.

    What `PLAN` names happens between the first file and the second, the first time that it comes to it.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._done_by_others = -1
        self._done = 0

    def __call__(self, recording: Recording, path: Path, folder: Path) -> Report:
        rows = folder.parents[2] / "manifest.out.jsonl"
        if self._done_by_others < 0:
            self._done_by_others = count(rows)
        if not path.exists():
            raise UserError(f"'{path}' does not exist")
        content = path.read_bytes()
        if content.startswith(b"bad"):
            raise UserError(f"'{path}' is no recording")
        stem = recording.name.rpartition("/")[2]
        text, table = folder / f"{stem}.txt", folder / f"{stem}.json"
        language = self._settings.config_of(recording).speech.language
        text.write_bytes(b"heard: " + content)
        happens(stem, lambda: count(rows) >= self._done_by_others + self._done)
        table.write_text(json.dumps({"source": recording.source, "language": language}))
        self._done += 1
        return Report(2.0, len(content.split()), [text, table])


def count(rows: Path) -> int:
    return len(rows.read_text().splitlines()) if rows.exists() else 0


def happens(stem: str, kept: Callable[[], bool]) -> None:
    """Do what the plan has for a recording: once, or always if its "always" has the recording.

    `kept` tells whether the rows of all that this worker has done are kept. Ray may change the order of recordings.
    """
    if (path := os.environ.get(PLAN)) is None:
        return
    plan = json.loads(Path(path).read_text())
    marker = Path(f"{path}.{stem}")
    step = plan.get(stem)
    if step is None or (marker.exists() and stem not in plan.get("always", ())):
        return
    if step == "kill node" and on_head():
        # Until the other machine is lost.
        while not list(marker.parent.glob(f"{Path(path).name}.*")):
            time.sleep(0.05)
        return
    if step in ("kill driver", "wait"):
        # So that it alone is in hand.
        while not kept():
            time.sleep(0.05)
    marker.touch()
    {"kill worker": kill_worker, "kill driver": kill_driver, "kill node": kill_node, "wait": wait}[step]()


def on_head() -> bool:
    import ray

    here = ray.get_runtime_context().get_node_id()
    return any(node["NodeID"] == here and "node:__internal_head__" in node["Resources"] for node in ray.nodes())


def kill_worker() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def kill_driver() -> None:
    os.kill(int(os.environ[DRIVER]), signal.SIGKILL)
    wait()


def kill_node() -> None:
    # A worker's parent is the raylet: without it the node is lost.
    os.kill(os.getppid(), signal.SIGKILL)
    wait()


def wait() -> None:
    while True:
        time.sleep(1)


def stub(settings: Settings) -> Work:
    return StubWork(settings)


def in_process(
    recordings: Sequence[Recording], job: Job, workers: int | None, shared_machines: bool
) -> Iterator[tuple[Recording, Row]]:
    """In place of `stream.rows_of`: one worker, in this process."""
    worker = Worker(job, Attempts().begin)
    for recording in recordings:
        result = worker({RECORDING: recording.to_json()})
        yield Recording.from_json(result[RECORDING]), Row.from_json(result[ROW])


def settings() -> Settings:
    return settings_of("file", {}, ["txt", "json"])


def recording(name: str, **facts: object) -> Recording:
    return replace(Recording(f"/in/{name}.wav", f"/in/{name}.wav", name), **facts)  # type: ignore[arg-type]


def rows_in(folder: Path) -> dict[str, Row]:
    """The rows of a folder, by the names of their outputs."""
    lines = (folder / "manifest.out.jsonl").read_text().splitlines()
    rows = read_rows(lines)
    assert len(rows) == len(lines), "there is one row a recording"
    return {row.name: row for row in rows.values()}


def outputs_in(folder: Path) -> dict[str, str]:
    """What lies in a folder besides the rows: hashes by path."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "manifest.out.jsonl"
    }


def without_time(rows: dict[str, Row]) -> dict[str, Row]:
    """Rows without what differs from run to run."""
    return {name: replace(row, wall=0.0, finished="", host="") for name, row in rows.items()}


Make = Callable[..., Path]
