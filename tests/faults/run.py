"""Runs `live`, as a user does, in a world where a script has things go wrong."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lipstream import Pipeline
from lipstream.commands.main import main
from lipstream.pipeline import Event
from lipstream.stages.sinks import JsonlWriter, TxtWriter
from tests.faults.world import PATIENCE, Over, World

Script = Callable[[World], object]

ROUTINE = ("lipstream: loading", "lipstream: captions come as you speak", "lipstream: stopped after")


@dataclass
class Result:
    """What a user has after a run.

    Attributes:
        code: exit code.
        captions: the finished segments on the terminal, without their times.
        lines: all lines on standard error.
        files: what is in the output folder, by extension.
    """

    code: int
    captions: list[str]
    lines: list[str]
    files: dict[str, Path] = field(default_factory=dict)

    @property
    def reports(self) -> list[str]:
        """The lines that say that something is wrong, or well again."""
        return [line.removeprefix("lipstream: ") for line in self.lines if not line.startswith(ROUTINE)]

    @property
    def closing(self) -> str:
        """The line that says what became of the run."""
        return next(line for line in reversed(self.lines) if line.startswith("lipstream: stopped after"))

    @property
    def text(self) -> list[str]:
        """The lines of the transcript that was kept."""
        return self.files[".txt"].read_text().splitlines()

    @property
    def events(self) -> list[dict[str, Any]]:
        """The events that were kept."""
        return [json.loads(line) for line in self.files[".jsonl"].read_text().splitlines()]

    def of(self, name: str) -> list[dict[str, Any]]:
        """The kept events of one class."""
        return [event for event in self.events if event["event"] == name]

    @property
    def counters(self) -> dict[str, float]:
        """The run's named totals."""
        return self.of("Stats")[-1]["counters"]


def with_hooks(world: World, script: Script, folder: Path, *hooks: tuple[type[Event], Callable[..., object]]) -> Result:
    """Run live in a world from Python, with hooks of (class, function); `world.pipeline` is the run's."""
    failures: list[BaseException] = []
    with world.in_place():
        pipeline = world.pipeline = Pipeline.from_config("live", **{"emotion.enabled": False, "events.hook_limit": 8})
        writers = [TxtWriter(folder / "live.txt"), JsonlWriter(folder / "live.jsonl")]
        for number, writer in enumerate(writers):
            pipeline.add_sink(f"writer {number}", writer)
        for event_type, function in hooks:
            pipeline.on(event_type, function)
        driver = threading.Thread(target=drive, args=(world, script, failures, pipeline.stop), daemon=True)
        driver.start()
        pipeline.run()
    driver.join(PATIENCE)
    # The run may have left them behind, if it was told to hurry.
    assert all(writer.wait(PATIENCE) for writer in writers)
    if failures:
        raise failures[0]
    return Result(0, [], [], {path.suffix: path for path in folder.iterdir()})


def live(world: World, script: Script, folder: Path, *arguments: str) -> Result:
    """Run `live` in a world, with outputs into a folder, until its script is over and Ctrl-C is pressed."""
    out, err = io.StringIO(), io.StringIO()
    failures: list[BaseException] = []
    driver = threading.Thread(target=drive, args=(world, script, failures, world.stop), name="script", daemon=True)
    kept = ["-o", str(folder), "-f", "txt,srt,json,jsonl"]
    with world.in_place(), redirect_stdout(out), redirect_stderr(err):
        driver.start()
        try:
            code = main(["live", *kept, "--set", "emotion.enabled=false", *arguments])
        finally:
            world.over.set()
    driver.join(PATIENCE)
    if failures:
        raise failures[0]
    captions = [line.partition("] ")[2] for line in out.getvalue().splitlines()]
    files = {path.suffix: path for path in sorted(folder.iterdir())} if folder.is_dir() else {}
    return Result(code, captions, err.getvalue().splitlines(), files)


def drive(world: World, script: Script, failures: list[BaseException], stop: Callable[[], object]) -> None:
    """Play a script in a world once its run has begun, then stop the run; what goes wrong is put into `failures`."""
    try:
        world.wait_until_heard()
        script(world)
        stop()
    except Over:
        pass
    except BaseException as error:  # noqa: BLE001 - raised in the thread of the test
        failures.append(error)
        if not world.over.is_set():
            stop()
