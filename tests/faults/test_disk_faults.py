"""What happens to the outputs when the disk fails, or when two runs want the same file."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import wave
from pathlib import Path

import numpy as np
import pytest

from lipstream.commands.main import main
from lipstream.stages.sinks import writer
from tests.faults.world import World
from tests.full_disk import FullDisk
from tests.stages.fakes import hummed

BOTH = ["one two three", "four five six"]
ROOT = Path(__file__).parents[2]


@pytest.fixture
def fill(monkeypatch: pytest.MonkeyPatch):
    """Gives files with an extension room for so many bytes only."""
    opened = writer.open_exclusively

    def limit(extension: str, room: int) -> None:
        def open_limited(path: Path):
            file = opened(path)
            return FullDisk(file, room) if path.name.endswith(f"{extension}.part") else file

        monkeypatch.setattr(writer, "open_exclusively", open_limited)

    return limit


@pytest.fixture
def talk(tmp_path: Path) -> Path:
    """A recording of two sentences."""
    path = tmp_path / "talk.wav"
    samples = np.concatenate([hummed([1, 2, 3], tail=1.0), hummed([4, 5, 6], tail=1.0)])
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes((samples * 32767).astype("<i2").tobytes())
    return path


def caption_file(world: World, talk: Path, folder: Path, *arguments: str) -> int:
    with world.in_place():
        return main(["file", str(talk), "-o", str(folder), "--set", "emotion.enabled=false", *arguments])


def test_a_full_disk_ends_one_output_of_a_live_run_and_not_the_run(happens, fill):
    fill(".txt", 20)
    result = happens("nothing")
    [report, reminder] = result.reports
    part = next(path for path in result.files[".part"].parent.iterdir() if path.suffix == ".part")
    line = f"cannot write {part.with_suffix('')}: No space left on device; what was written so far is in {part}"
    assert report == f"txt writer: {line}"
    assert reminder == f"error: {line}"
    assert result.code == 1
    assert result.captions == BOTH
    assert part.read_text() == "one two three\n"
    assert [event["text"] for event in result.of("TranscriptFinal")] == BOTH
    assert result.events[-1]["event"] == "End"
    assert ", .jsonl" in result.closing or ".jsonl" in result.closing


def test_a_full_disk_ends_a_recording_with_one_line_and_what_was_written_is_kept(
    world: World, talk: Path, tmp_path: Path, fill, capsys
):
    fill(".txt", 20)
    assert caption_file(world, talk, tmp_path / "out") == 2
    line = capsys.readouterr().err.splitlines()[-1]
    part = tmp_path / "out" / "talk.txt.part"
    assert line == (
        f"lipstream: error: cannot write {tmp_path}/out/talk.txt: No space left on device; "
        f"what was written so far is in {part}"
    )
    assert part.read_text() == "one two three\n"
    assert not (tmp_path / "out" / "talk.txt").exists()


def test_a_read_only_folder_is_said_before_anything_is_loaded(happens, world: World, monkeypatch):
    def refuse(path: Path):
        # Not by the folder's mode: that does not stop root, who runs the tests in many containers.
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    loaded: list[str] = []
    world.engine.before = lambda call, _: loaded.append(call)
    monkeypatch.setattr(writer, "open_exclusively", refuse)
    result = happens("nothing")
    assert result.code == 2 and loaded == [] and result.captions == []
    [line] = result.lines
    assert line.startswith("lipstream: error: cannot write ")
    assert line.endswith(".txt: Read-only file system; choose another folder with -o")
    assert list(result.files) == []


def test_a_folder_that_becomes_read_only_leaves_the_part_files(happens, monkeypatch):
    def refuse(*_):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(os, "replace", refuse)
    result = happens("nothing", "-f", "txt")
    assert result.code == 1
    assert result.captions == BOTH
    assert "Read-only file system; what was written so far is in" in result.reports[0]
    assert result.files[".part"].read_text().splitlines() == BOTH


HOLD = """
import sys
from pathlib import Path
from lipstream import End, TranscriptFinal
from lipstream.stages.sinks import TxtWriter
writer = TxtWriter(Path(sys.argv[1]))
writer.handle(TranscriptFinal(segment=1, start=0, end=1, text="The first run.", words=()))
print("writing", flush=True)
sys.stdin.readline()
writer.handle(End(reason="finished", duration=1))
"""


@pytest.fixture
def other_run(tmp_path: Path):
    """Another process that is in the midst of writing out/talk.txt, until it gets a line."""
    path = tmp_path / "out" / "talk.txt"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", HOLD, str(path)], cwd=ROOT, **pipes) as process:
        assert process.stdout.readline() == "writing\n"
        yield process
        process.kill()


def test_two_runs_never_write_the_same_output(world: World, talk: Path, tmp_path: Path, other_run, capsys):
    out = tmp_path / "out"
    assert caption_file(world, talk, out) == 2
    assert capsys.readouterr().err.splitlines() == [
        f"lipstream: error: cannot write {out}/talk.txt: another run is writing it; choose another folder with -o"
    ]
    # The other run is none the worse for it, and of this one nothing is left.
    assert [path.name for path in out.iterdir()] == ["talk.txt.part"]
    other_run.communicate("go on\n", timeout=60)
    assert (out / "talk.txt").read_text() == "The first run.\n"
    assert caption_file(World(), talk, out, "-f", "txt", "--overwrite") == 0
    assert (out / "talk.txt").read_text().splitlines() == BOTH


def test_what_a_crashed_run_left_behind_blocks_nobody(world: World, talk: Path, tmp_path: Path, other_run):
    other_run.kill()
    other_run.wait(60)
    out = tmp_path / "out"
    assert (out / "talk.txt.part").read_text() == "The first run.\n"
    assert caption_file(world, talk, out, "-f", "txt") == 0
    assert [path.name for path in out.iterdir()] == ["talk.txt"]
    assert (out / "talk.txt").read_text().splitlines() == BOTH


def test_two_runs_never_write_the_same_trace(world: World, talk: Path, tmp_path: Path, capsys):
    from lipstream.pipeline.running.trace import Tracer

    path = tmp_path / "trace.json"
    first = Tracer(path)
    first.span("stage", "work", 0, 1)
    assert caption_file(world, talk, tmp_path / "out", "--trace", str(path), "--overwrite") == 2
    line = capsys.readouterr().err.splitlines()[-1]
    assert line == f"lipstream: error: cannot write the trace '{path}': another run is writing it"
    first.close()
    assert '"work"' in path.read_text()
