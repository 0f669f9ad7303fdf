"""Ctrl-C, whatever the run is doing: it ends at once, and what was said is kept whole."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lipstream.pipeline.running.runner import Runner
from tests.faults.run import Result, live
from tests.faults.scripts import SCRIPTS
from tests.faults.world import PATIENCE, STEP, World, words
from tests.pipeline.fakes import trap
from tests.stages.fakes import buzz, hummed

ROOT = Path(__file__).parents[2]
SAID = ((1, 2, 3), (4, 5, 6))
STEPS = sum(-(-len(hummed(each, tail=0.8)) // STEP) for each in SAID)


def check(result: Result) -> None:
    """A run that was interrupted at any time leaves nothing half done."""
    assert result.code == 0
    assert result.lines[-1].startswith("lipstream: stopped after")
    assert ".part" not in result.files
    if ".json" in result.files:
        json.loads(result.files[".json"].read_text())
    if ".jsonl" in result.files:
        names = [event["event"] for event in result.events]
        assert names.count("End") == 1 and names[-1] == "End"
        assert result.events[-1]["reason"] == "stopped"
    if ".txt" in result.files:
        assert result.text == result.captions
        for line, sentence in zip(result.text, SAID, strict=False):
            *whole, last = line.split()
            said = words(*sentence).split()
            # A word that is cut short is misheard.
            assert whole == said[: len(whole)] and last in ("zero", said[len(whole)])


@given(st.integers(0, STEPS - 1))
@settings(max_examples=12, deadline=None)
def test_ctrl_c_at_any_moment_of_speech_keeps_what_was_said(step: int):
    def script(world: World) -> None:
        left = step
        for sentence in SAID:
            sound = hummed(sentence, tail=0.8)
            for first in range(0, len(sound), STEP):
                if left == 0:
                    return
                left -= 1
                world.hear(sound[first : first + STEP])

    with tempfile.TemporaryDirectory() as folder:
        result = live(World(), script, Path(folder) / "out")
        check(result)
        # Each sentence was whole 0.3 s before its last step.
        ends = [STEPS // 2, STEPS]
        assert len(result.captions) >= sum(step >= end - round(0.3 * 16_000 / STEP) for end in ends)


LOADING = ["recogniser", "microphone", "camera"]


@pytest.mark.parametrize("what", LOADING)
def test_ctrl_c_while_something_is_loading_that_does_not_come_back(what: str, tmp_path: Path, quick_stop):
    world = World()
    with trap() as stuck:

        def load(*_: object) -> None:
            if not stuck.released.is_set():
                signal.raise_signal(signal.SIGINT)
                stuck()

        if what == "recogniser":
            world.engine.before = lambda call, _: load() if call == "load" else None
        elif what == "microphone":
            world.room.before = load
        else:
            world.camera.before = load
        result = live(world, lambda world: world.until(lambda: False), tmp_path / "out")
        assert not stuck.released.is_set()
    check(result)
    assert "nobody spoke, so nothing was saved" in result.closing
    assert result.files == {}


@pytest.mark.parametrize("call", ["encode", "decode"])
def test_ctrl_c_while_a_network_does_not_answer(call: str, tmp_path: Path, quick_stop):
    world = World()
    with trap() as stuck:

        def script(world: World) -> None:
            world.speak(1, 2, 3)
            world.until_written("one two three")
            world.engine.before = lambda name, _: stuck() if name == call else None
            world.speak(4, 5, 6)
            world.until(stuck.entered.is_set)

        result = live(world, script, tmp_path / "out")
        assert not stuck.released.is_set()
    check(result)
    assert result.text == ["one two three"]


@pytest.mark.parametrize("fault", ["microphone-disconnect", "camera-unplug", "camera-freeze"])
def test_ctrl_c_while_a_device_is_gone(fault: str, tmp_path: Path):
    def script(world: World) -> None:
        hear, lose = world.hear, world.lose

        def until_gone(act):
            def acting(*args, **options):
                if world.reports:
                    raise _Enough
                act(*args, **options)

            return acting

        world.hear, world.lose = until_gone(hear), until_gone(lose)
        with contextlib.suppress(_Enough):
            SCRIPTS[fault](world)

    result = live(World(), script, tmp_path / "out")
    check(result)
    assert result.text[0] == "one two three"


class _Enough(Exception):
    pass


def test_a_second_ctrl_c_does_not_wait_for_the_first(tmp_path: Path, quick_stop, monkeypatch: pytest.MonkeyPatch):
    world, stop, second = World(), Runner.stop, iter([signal.SIGINT])

    def stop_and_be_interrupted(self: Runner) -> None:
        stop(self)
        for number in second:
            signal.raise_signal(number)

    monkeypatch.setattr(Runner, "stop", stop_and_be_interrupted)
    with trap() as stuck:

        def script(world: World) -> None:
            world.engine.before = lambda name, _: stuck() if name == "decode" else None
            world.hear(buzz(16_000, 0.1))
            world.until(stuck.entered.is_set)
            world.stop()

        result = live(world, script, tmp_path / "out")
        assert not stuck.released.is_set()
    assert result.code == 130
    assert not any("Traceback" in line for line in result.lines)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for another process")
@pytest.mark.parametrize("seed", range(3))
def test_ctrl_c_of_a_real_process_at_random_times(seed: int, tmp_path: Path):
    command = [sys.executable, "bench/inject.py", "nothing", "-o", str(tmp_path / "out")]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as process:
        assert process.stderr is not None
        first = process.stderr.readline()
        time.sleep(random.Random(seed).uniform(0, 3))
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode in (0, 130), err
    assert "Traceback" not in first + err
    folder = tmp_path / "out"
    left = os.listdir(folder) if folder.is_dir() else []
    assert not [name for name in left if name.endswith(".part")]
