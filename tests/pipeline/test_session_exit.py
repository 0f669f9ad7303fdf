"""A program that ends while a run goes on: nothing is cut off."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import sys
import time

from lipstream.pipeline import End, EventSink, Graph, Port, Session, Source


class Idle(Source):
    outputs = {"out": Port(object)}

    def produce(self):
        self.context.stopping.wait(0.05)
        return True

    def close(self):
        print("closed")


class Writer(EventSink):
    def handle(self, event):
        print(type(event).__name__, getattr(event, "reason", ""))


graph = Graph()
graph.add("idle", Idle())
session = Session(graph)
session.add_sink("writer", Writer())


@session.on(End)
def hook(event):
    session.stop()


session.start()
while not session.begun:
    time.sleep(0.001)
"""


@pytest.mark.parametrize("last", ["", "sys.exit(3)", "raise KeyboardInterrupt", "raise KeyError('mine')"])
def test_a_run_that_a_program_leaves_going_is_ended_with_it(last: str, tmp_path: Path):
    (tmp_path / "program.py").write_text(PROGRAM + last)
    command = [sys.executable, str(tmp_path / "program.py")]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=240)
    assert done.stdout.splitlines() == ["closed", "Stats ", "End stopped"]
    assert (done.returncode == 0) == (last == ""), done.stderr


def test_a_run_that_has_hardly_begun_ends_with_its_program(tmp_path: Path):
    # From Python 3.12 on no thread can be started any more by then.
    (tmp_path / "program.py").write_text(PROGRAM.replace("while not session.begun", "while False"))
    command = [sys.executable, str(tmp_path / "program.py")]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=240)
    assert done.stdout.splitlines()[-1] == "End stopped", done.stdout
    assert done.returncode == 0, done.stderr
