"""`lipstream batch` on work that needs no networks, in this process: what is done, skipped, redone and said."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from lipstream.commands.batch import cluster, settings, stream, worker
from lipstream.commands.batch.progress import Display, Progress
from lipstream.commands.batch.rows import DONE, Made, Row
from lipstream.commands.batch.worker import ATTEMPTS, RECORDING, ROW, Attempts, Job, Worker
from lipstream.commands.main import main
from lipstream.models.errors import ModelError
from tests.commands.batch.fakes import Make, StubWork, in_process, outputs_in, recording, rows_in, stub
from tests.commands.batch.fakes import settings as any_settings

pytestmark = pytest.mark.usefixtures("no_ray")


@pytest.fixture
def batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Runs `batch` on a folder; gives the exit code and which recordings were worked on."""
    worked: list[str] = []

    class Noting(StubWork):
        def __call__(self, recording, path, folder):
            worked.append(recording.name)
            return super().__call__(recording, path, folder)

    monkeypatch.setattr(worker, "transcriber", Noting)

    def run(*arguments: str) -> tuple[int, list[str]]:
        worked.clear()
        code = main(["batch", *arguments, "-o", str(tmp_path / "out"), "-f", "txt,json"])
        return code, sorted(worked)

    return run


def test_a_folder_becomes_outputs_of_the_same_shape_and_a_row_each(talks: Make, batch, tmp_path: Path, capsys):
    folder = talks("a.wav", "deep/b.mp4")
    assert batch(str(folder)) == (0, ["a", "deep/b"])
    assert set(outputs_in(tmp_path / "out")) == {"a.txt", "a.json", "deep/b.txt", "deep/b.json"}
    rows = rows_in(tmp_path / "out")
    assert rows["deep/b"].outputs == ("deep/b.txt", "deep/b.json")
    one = rows["a"]
    assert (one.status, one.words, one.duration, one.error) == ("done", 3, 2.0, None)
    assert one.source == str(folder / "a.wav") and len(one.sha256) == 64 and one.versions["lipstream"]
    err = capsys.readouterr().err
    assert "2 recordings to do" in err
    assert "done: 2 recordings; 0.00 h of media in 0 s" in err and "manifest.out.jsonl" in err


def test_quiet_prints_nothing(talks: Make, batch, capsys):
    assert batch(str(talks("a.wav")), "-q")[0] == 0
    assert capsys.readouterr() == ("", "")


# Resuming.


def test_what_is_done_is_not_done_again(talks: Make, batch):
    folder = talks("a.wav", "b.wav")
    batch(str(folder))
    assert batch(str(folder)) == (0, [])
    talks("c.wav")
    assert batch(str(folder)) == (0, ["c"])


def test_a_recording_that_has_changed_is_done_again_and_one_that_was_touched_is_not(talks: Make, batch):
    folder = talks("a.wav", "b.wav", "c.wav")
    batch(str(folder))
    os.utime(folder / "a.wav", (1, 1))
    (folder / "b.wav").write_text("X says hello")  # As long as before.
    (folder / "c.wav").write_text("something longer than before")
    assert batch(str(folder)) == (0, ["b", "c"])


@pytest.mark.parametrize(
    "arguments", [["--no-video"], ["--language", "de"], ["--set", "vad.threshold=0.7"], ["--no-emotion"]]
)
def test_another_configuration_is_other_work(talks: Make, batch, arguments: list[str]):
    folder = talks("a.wav")
    batch(str(folder))
    assert batch(str(folder), *arguments) == (0, ["a"])
    assert batch(str(folder), *arguments) == (0, [])


def test_other_networks_and_another_version_of_outputs_are_other_work(talks: Make, batch, monkeypatch):
    folder = talks("a.wav")
    batch(str(folder))
    monkeypatch.setattr(settings, "OUTPUTS", settings.OUTPUTS + 1)
    assert batch(str(folder)) == (0, ["a"])
    monkeypatch.setattr(settings, "_models", lambda config: "others")
    assert batch(str(folder)) == (0, ["a"])


def test_an_output_that_is_gone_is_made_again(talks: Make, batch, tmp_path: Path):
    folder = talks("a.wav", "b.wav")
    batch(str(folder))
    (tmp_path / "out" / "b.txt").unlink()
    assert batch(str(folder)) == (0, ["b"])


def test_what_failed_is_left_until_it_is_asked_for(talks: Make, batch, tmp_path: Path, capsys):
    folder = talks("a.wav", "bad.wav")
    (folder / "bad.wav").write_text("bad")
    assert batch(str(folder)) == (1, ["a", "bad"])
    assert f"error: '{folder}/bad.wav' is no recording\n" in capsys.readouterr().err
    failed = rows_in(tmp_path / "out")["bad"]
    assert (failed.status, failed.error_class) == ("failed", "UserError")
    assert failed.error == f"'{folder}/bad.wav' is no recording"
    assert batch(str(folder)) == (1, [])
    assert "1 failed before (--retry-failed does them again)" in capsys.readouterr().err
    assert batch(str(folder), "--retry-failed") == (1, ["bad"])
    (folder / "bad.wav").write_text("good now")
    assert batch(str(folder)) == (0, ["bad"])
    assert set(outputs_in(tmp_path / "out")) == {"a.txt", "a.json", "bad.txt", "bad.json"}


def test_a_file_of_somebody_else_is_not_replaced_and_one_half_done_is(talks: Make, batch, tmp_path: Path, capsys):
    folder = talks("a.wav", "b.wav")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "b.txt").write_text("corrected by hand")
    assert batch(str(folder)) == (2, [])
    assert "b.txt in the output folder were not written by a batch; --overwrite" in capsys.readouterr().err
    assert (tmp_path / "out" / "b.txt").read_text() == "corrected by hand"
    state = tmp_path / "out" / ".batch" / "manifest.out"
    source = str(folder / "b.wav")
    token = recording("b", key=source, source=source).token
    (state / token).mkdir(parents=True)
    assert batch(str(folder)) == (0, ["a", "b"])
    assert not (tmp_path / "out" / ".batch").exists()


def test_an_input_is_never_replaced(talks: Make, batch, tmp_path: Path, capsys):
    talks("a.wav")
    (tmp_path / "out").mkdir()
    path = tmp_path / "out" / "list.json"
    path.write_text('{"path": "../in/a.wav", "id": "list"}')
    assert batch(str(path), "--overwrite") == (2, [])
    assert "list.json is one of the inputs" in capsys.readouterr().err
    assert path.read_text().startswith('{"path"')


def test_workers_with_other_networks_end_it(talks: Make, batch, monkeypatch, tmp_path: Path, capsys):
    def others(*given, **more):
        for one, row in in_process(*given, **more):
            yield one, replace(row, host="node7", made=replace(row.made, models="others"))

    monkeypatch.setattr(stream, "rows_of", others)
    assert batch(str(talks("a.wav")))[0] == 2
    assert "error: node7 has another version of Lipstream or other networks" in capsys.readouterr().err
    assert rows_in(tmp_path / "out") == {}


def test_overwrite_replaces(talks: Make, batch, tmp_path: Path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a.txt").write_text("old")
    assert batch(str(talks("a.wav")), "--overwrite") == (0, ["a"])
    assert (tmp_path / "out" / "a.txt").read_text() == "heard: a says hello"


# Choosing.


def test_a_dry_run_lists_what_is_to_be_done_and_touches_nothing(talks: Make, batch, tmp_path: Path, capsys):
    folder = talks("a.wav", "b.wav")
    assert batch(str(folder), "--dry-run") == (0, [])
    assert not (tmp_path / "out").exists()
    out, err = capsys.readouterr()
    assert sorted(out.splitlines()) == [str(folder / "a.wav"), str(folder / "b.wav")]
    assert "2 recordings to do" in err


def test_a_limit_is_of_this_run(talks: Make, batch):
    folder = talks("a.wav", "b.wav", "c.wav")
    assert batch(str(folder), "--limit", "2") == (0, ["a", "b"])
    assert batch(str(folder), "--limit", "2") == (0, ["c"])


def test_shards_do_everything_once(talks: Make, batch, tmp_path: Path):
    folder = talks(*(f"r{number}.wav" for number in range(12)))
    done = [batch(str(folder), "--shard", f"{index}/3") for index in (1, 2, 3)]
    assert sorted(name for _, names in done for name in names) == sorted(f"r{number}" for number in range(12))
    assert batch(str(folder)) == (0, [])
    assert len(list((tmp_path / "out").glob("manifest.out.*of3.jsonl"))) == 3


def test_a_list_chooses_language_and_profile_for_each(talks: Make, batch, tmp_path: Path):
    talks("a.wav", "b.wav")
    path = tmp_path / "list.jsonl"
    path.write_text('{"path": "in/a.wav", "language": "de"}\n{"path": "in/b.wav"}\n')
    assert batch(str(path), "--language", "fr") == (0, ["a", "b"])
    told = {name: json.loads((tmp_path / "out" / f"{name}.json").read_text())["language"] for name in ("a", "b")}
    assert told == {"a": "de", "b": "fr"}
    path.write_text('{"path": "in/a.wav", "language": "de"}\n{"path": "in/b.wav", "language": "it"}\n')
    assert batch(str(path), "--language", "fr") == (0, ["b"])


def test_what_takes_longest_is_begun_first(tmp_path: Path, talks: Make, monkeypatch):
    talks("a.wav", "b.wav", "c.wav")
    order: list[str] = []

    def noting(recordings, *others, **more):
        order.extend(each.name for each in recordings)
        return in_process(recordings, *others, **more)

    monkeypatch.setattr(stream, "rows_of", noting)
    lines = [{"path": f"in/{name}.wav", "duration": seconds} for name, seconds in (("a", 2), ("b", 9), ("c", 5))]
    (tmp_path / "l.jsonl").write_text("\n".join(map(json.dumps, lines)))
    assert main(["batch", str(tmp_path / "l.jsonl"), "-o", str(tmp_path / "out")]) == 0
    assert order == ["b", "c", "a"]


# Stopping.


def test_too_many_errors_stop_it(talks: Make, batch, capsys):
    folder = talks(*(f"r{number}.wav" for number in range(8)))
    for number in range(5):
        (folder / f"r{number}.wav").write_text("bad" + "x" * (100 - number))
    code, worked = batch(str(folder), "--max-errors", "2")
    assert (code, worked[:3]) == (1, ["r0", "r1", "r2"])
    assert "more than 2 recordings failed" in capsys.readouterr().err
    # The worker may be ahead of the driver by what is in its hands, but the rows are those of three.
    rows = rows_in(Path(folder).parent / "out")
    assert len(rows) == 3


def test_ctrl_c_ends_it_with_the_exit_code_of_file_and_the_same_command_goes_on(
    talks: Make, batch, tmp_path: Path, monkeypatch, capsys, ctrl_c
):
    folder = talks("a.wav", "b.wav", "c.wav")

    def rows(recordings, *others, **more):
        yield from in_process(recordings[:2], *others, **more)
        os.kill(os.getpid(), signal.SIGINT)
        threading.Event().wait()

    monkeypatch.setattr(stream, "rows_of", rows)
    assert batch(str(folder))[0] == 130
    err = capsys.readouterr().err
    assert "stopped: 2 recordings" in err and "the same command goes on from here" in err
    monkeypatch.setattr(stream, "rows_of", in_process)
    assert len(rows_in(tmp_path / "out")) == 2
    assert batch(str(folder))[1] == ["c"]


def test_networks_that_cannot_be_loaded_end_it_at_once(talks: Make, monkeypatch, tmp_path: Path, capsys):
    class Broken(StubWork):
        def __call__(self, *_):
            raise ModelError("net.onnx is missing; run `lipstream models pull`")

    monkeypatch.setattr(worker, "transcriber", Broken)
    assert main(["batch", str(talks("a.wav", "b.wav")), "-o", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err.endswith("lipstream: error: net.onnx is missing; run `lipstream models pull`\n")
    assert rows_in(tmp_path / "out") == {}


def test_a_bug_in_one_recording_is_a_row_and_the_others_are_done(talks: Make, monkeypatch, tmp_path: Path):
    class Buggy(StubWork):
        def __call__(self, recording, path, folder):
            return super().__call__(recording, path, folder) if recording.name != "a" else 1 / 0

    monkeypatch.setattr(worker, "transcriber", Buggy)
    assert main(["batch", str(talks("a.wav", "b.wav")), "-o", str(tmp_path / "out"), "-f", "txt,json"]) == 1
    rows = rows_in(tmp_path / "out")
    assert (rows["a"].error_class, rows["a"].error) == ("ZeroDivisionError", "ZeroDivisionError: division by zero")
    assert rows["b"].done


def test_recordings_that_ray_has_lost_are_said(talks: Make, batch, monkeypatch, tmp_path: Path, capsys):
    folder = talks("a.wav", "b.wav", "c.wav")
    monkeypatch.setattr(
        stream, "rows_of", lambda recordings, *others, **more: in_process(recordings[:1], *others, **more)
    )
    assert batch(str(folder)) == (2, ["a"])
    assert "Ray has lost 2 recordings; the same command does them" in capsys.readouterr().err
    assert set(rows_in(tmp_path / "out")) == {"a"}


def test_a_failure_of_ray_is_one_line(talks: Make, batch, monkeypatch, capsys):
    def rows(*_, **__):
        raise RuntimeError("a traceback\nof many lines\nthe cluster is gone")
        yield

    monkeypatch.setattr(stream, "rows_of", rows)
    assert batch(str(talks("a.wav")))[0] == 2
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith("lipstream: error: Ray has stopped: RuntimeError: the cluster is gone; the same command")


# What is said of mistakes.


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--shard", "4/3"], "'4/3' is no part of a whole"),
        (["--limit", "0"], "expected a number from 1"),
        (["--max-errors", "x"], "expected a number from 0"),
        (["-f", "doc"], "there is no output format 'doc'"),
        (["--set", "vad.threshold=7"], "vad.threshold"),
    ],
)
def test_a_wrong_option_is_exit_code_2(talks: Make, capsys, arguments: list[str], message: str):
    assert main(["batch", str(talks("a.wav")), *arguments]) == 2
    assert message in capsys.readouterr().err


def test_a_language_that_is_none_is_said_before_anything_is_done(tmp_path: Path, talks: Make, batch, capsys):
    talks("a.wav")
    (tmp_path / "l.jsonl").write_text('{"path": "in/a.wav", "language": "klingon"}')
    assert batch(str(tmp_path / "l.jsonl")) == (2, [])
    assert "klingon" in capsys.readouterr().err


def test_without_ray_a_line_says_what_to_install(talks: Make, batch, monkeypatch, capsys):
    monkeypatch.setattr(cluster, "find_spec", lambda name: None if name == "ray" else object())
    assert batch(str(talks("a.wav")))[0] == 2
    assert "batch needs ray, which is not installed: pip install 'lipstream[batch]'" in capsys.readouterr().err


def test_the_driver_imports_no_networks(tmp_path: Path, talks: Make):
    code = (
        "import sys; from lipstream.commands.main import main; assert main(sys.argv[1:]) == 0; "
        "heavy = {'torch', 'mediapipe', 'cv2', 'onnxruntime', 'ray'} & set(sys.modules); "
        "sys.exit(str(heavy) if heavy else 0)"
    )
    command = [sys.executable, "-c", code, "batch", str(talks("a.wav")), "-o", str(tmp_path / "o"), "--dry-run"]
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


# Addresses.


def test_recordings_and_outputs_may_lie_at_addresses(memory, monkeypatch, capsys):
    memory.pipe_file("/talks/a.wav", b"a says hello")
    memory.pipe_file("/talks/deep/bad.wav", b"bad")
    arguments = ["batch", "memory://talks", "-o", "memory://out", "-f", "txt,json"]
    assert main(arguments) == 1
    assert "memory://talks/deep/bad.wav' is no recording" in capsys.readouterr().err
    assert sorted(memory.find("/out")) == ["/out/a.json", "/out/a.txt", "/out/manifest.out.jsonl"]
    assert json.loads(memory.cat_file("/out/a.json"))["source"] == "memory://talks/a.wav"
    before = memory.cat_file("/out/manifest.out.jsonl")
    assert main(arguments) == 1
    assert memory.cat_file("/out/manifest.out.jsonl") == before
    memory.pipe_file("/talks/a.wav", b"a says more than hello")
    assert main(arguments) == 1
    assert memory.cat_file("/out/a.txt") == b"heard: a says more than hello"


# The worker and the line.


def test_a_recording_over_which_workers_are_lost_is_given_up(tmp_path: Path):
    journal_target = object()
    attempts = Attempts()
    for _ in range(ATTEMPTS):
        assert attempts.begin("/in/a.wav") <= ATTEMPTS
    worker_ = Worker(Job(any_settings(), journal_target, stub), attempts.begin)  # type: ignore[arg-type]
    row = Row.from_json(worker_({RECORDING: recording("a").to_json()})[ROW])
    assert (row.status, row.error_class) == ("failed", "WorkerLost")
    assert "lost 3 times" in str(row.error)


def test_the_line_says_how_far_how_fast_and_how_long_still():
    shown: list[str] = []

    class Noted(Display):
        interval = 10.0

        def draw(self, line: str) -> None:
            shown.append(line)

    now = [0.0]
    todo = [recording(f"r{number}", duration=1800.0) for number in range(4)]
    progress = Progress(todo, Noted(), lambda: now[0])
    progress.show()
    made = Made("c", "m", 1)
    for number in range(2):
        now[0] += 300
        status = DONE if number else "failed"
        progress.add(todo[number], Row("k", "k", status, made, duration=1800.0 if number else 0.0))
        progress.show()
    assert shown == [
        "0/4 done, 1 failed; 0.00 h of media; 15:00 left",
        "1/4 done, 1 failed; 0.50 h of media, 3.0x real time; 10:00 left",
    ]
