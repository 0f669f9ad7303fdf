"""The parser, and the verbs that run nothing: `config`, `models`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from lipstream.commands.main import build_parser, limit_threads, main
from lipstream.config import Quality, load_config, names
from lipstream.models import assets
from lipstream.models.assets import AssetStatus
from lipstream.models.errors import ModelError
from lipstream.models.speech import speed
from lipstream.stages.sinks import FORMATS
from lipstream.stages.speech.readers import quality_of
from lipstream.version import version

ROOT = Path(__file__).resolve().parents[2]
VERBS = ("file", "batch", "live", "devices", "models", "doctor", "demo", "config", "train", "eval")


# The parser.


@pytest.mark.parametrize("arguments", [[], *([verb] for verb in VERBS), ["config", "show"], ["models", "pull"]])
def test_every_help_shows_an_example(arguments: list[str], capsys):
    assert main([*arguments, "--help"]) == 0
    help_text = capsys.readouterr().out
    assert "example" in help_text
    assert help_text.startswith("usage: lipstream")


def test_help_shows_defaults(capsys):
    main(["file", "--help"])
    help_text = " ".join(capsys.readouterr().out.split())
    assert "(default: txt,srt,json,emotion.csv)" in help_text
    assert "(default: file)" in help_text
    assert "(default: False)" not in help_text
    assert "(default: [])" not in help_text


def test_help_names_every_format(capsys):
    main(["file", "--help"])
    help_text = " ".join(capsys.readouterr().out.split())
    assert ", ".join(FORMATS) in help_text


def test_help_names_every_verb(capsys):
    main(["--help"])
    help_text = capsys.readouterr().out
    assert all(f"\n    {verb} " in help_text for verb in VERBS)


def test_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"lipstream {version()}\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["file", "--help"],
        ["batch", "--help"],
        ["config", "show", "live"],
        ["nonsense"],
        ["file", "x", "--set", "a.b=1"],
    ],
)
def test_nothing_heavy_is_imported_before_there_is_work_for_it(arguments: list[str]):
    code = (
        "import sys; from lipstream.commands.main import main; main(sys.argv[1:]); "
        "heavy = {'torch', 'torchaudio', 'mediapipe', 'cv2', 'onnxruntime', 'numpy', 'ray'} & set(sys.modules); "
        "sys.exit(str(heavy) if heavy else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_script_runs_from_the_checkout():
    done = subprocess.run(
        [sys.executable, ROOT / "main.py", "config", "list"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines()] == names()


def test_a_reader_that_goes_away_is_no_traceback():
    command = [sys.executable, str(ROOT / "main.py"), "config", "show", "live"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout and process.stderr
        process.stdout.close()
        assert process.stderr.read() == ""


def test_a_bug_is_not_hidden(monkeypatch):
    args = build_parser().parse_args(["config", "list"])
    assert callable(args.run)
    monkeypatch.setattr("lipstream.config.names", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        main(["config", "list"])


# config.


def test_config_show_prints_the_merged_configuration_as_yaml(capsys):
    assert main(["config", "show", "low_latency", "--set", "vad.threshold=0.7"]) == 0
    shown = yaml.safe_load(capsys.readouterr().out)
    expected = load_config("low_latency", {"vad.threshold": 0.7})
    assert shown == expected.model_dump(mode="json")


def test_config_show_of_something_unknown_is_exit_code_2(capsys):
    assert main(["config", "show", "nowhere"]) == 2
    assert capsys.readouterr().err.startswith("lipstream: error: configuration 'nowhere'")


# models.


def statuses(tmp_path: Path, *states: str) -> list[AssetStatus]:
    return [
        AssetStatus(f"net{index}.onnx", "a purpose", "MIT", 1_500_000, state, tmp_path / f"net{index}.onnx", "cache")
        for index, state in enumerate(states)
    ]


def test_models_list_shows_state_and_place(monkeypatch, tmp_path: Path, capsys):
    monkeypatch.setattr(assets, "status", lambda: statuses(tmp_path, "ready", "missing"))
    assert main(["models", "list"]) == 0
    out = capsys.readouterr().out
    assert f"cache: {tmp_path / 'net0.onnx'}" in out
    assert "net1.onnx  missing" in out
    assert "MIT" in out


@pytest.mark.parametrize(
    ("states", "named", "code"),
    [(["ready", "missing"], [], 0), (["ready", "missing"], ["net1.onnx"], 1), (["altered"], [], 1)],
)
def test_models_verify_fails_for_damaged_files_and_named_ones_that_are_missing(
    monkeypatch, tmp_path: Path, capsys, states: list[str], named: list[str], code: int
):
    monkeypatch.setattr(assets, "verify", lambda names: statuses(tmp_path, *states))
    assert main(["models", "verify", *named]) == code
    assert ("mend it with: lipstream models pull" in capsys.readouterr().err) == bool(code)


@pytest.mark.parametrize(("force", "function"), [([], "pull"), (["--force"], "refetch")])
def test_models_pull_fetches_what_is_named(monkeypatch, force: list[str], function: str):
    fetched = []
    monkeypatch.setattr(assets, function, lambda names, progress: fetched.append(names))
    monkeypatch.setattr(speed, "known", lambda machine: None)
    assert main(["models", "pull", "a.onnx", *force]) == 0
    assert main(["models", "pull", *force]) == 0
    assert fetched == [["a.onnx"], None]


def test_models_pull_measures_this_machine_once_behind_what_it_fetches_and_says_nothing_of_it(monkeypatch, capsys):
    done: list[str] = []

    def measure(threads: int) -> float:
        done.append(f"measured with {threads}")
        return 0.25

    monkeypatch.setattr(assets, "pull", lambda names, progress: done.append("fetched"))
    monkeypatch.setattr(speed, "_is_there", lambda: "fetched" in done)
    monkeypatch.setattr(speed, "measure", measure)
    for _ in range(2):
        assert main(["models", "pull"]) == 0
    assert done == ["fetched", "measured with 1", "fetched"]
    assert all(line.startswith("lipstream: ready: ") for line in capsys.readouterr().err.splitlines())
    assert quality_of(load_config("live")) is Quality.BALANCED


@pytest.mark.parametrize("error", [ModelError("model.bin is damaged"), ImportError("no torch")])
def test_models_pull_does_not_fail_where_the_machine_cannot_be_measured(monkeypatch, capsys, error: Exception):
    def measure(threads: int) -> float:
        raise error

    monkeypatch.setattr(assets, "pull", lambda names, progress: None)
    monkeypatch.setattr(speed, "_is_there", lambda: True)
    monkeypatch.setattr(speed, "measure", measure)
    assert main(["models", "pull"]) == 0
    first, last = capsys.readouterr().err.splitlines()
    assert "speed of this machine is not known" in first and str(error) in first
    assert last.startswith("lipstream: ready: ")


def test_an_unknown_model_is_exit_code_2(capsys):
    assert main(["models", "pull", "nothing.onnx"]) == 2
    assert "no asset 'nothing.onnx'" in capsys.readouterr().err


def test_ctrl_c_while_the_program_is_being_imported_is_no_traceback():
    code = (
        "import signal, sys\n"
        # Whoever runs the tests in the background may have it ignored.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "class Pressed:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'lipstream.commands.options': signal.raise_signal(signal.SIGINT)\n"
        "sys.meta_path.insert(0, Pressed())\n"
        "import lipstream.commands.main as main; main.run()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "devices"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


@pytest.mark.parametrize(
    ("arguments", "before", "threads"),
    [(["live"], None, "1"), ([], None, "1"), (["live"], "4", "4"), (["train", "speech"], None, None)],
)
def test_short_sums_are_not_spread_over_cores_unless_the_user_or_a_training_wants_it(
    monkeypatch, arguments, before, threads
):
    """Regression: OpenBLAS's threads, which wait in a busy loop, took a third of a live run's processor time."""
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    if before is not None:
        monkeypatch.setenv("OPENBLAS_NUM_THREADS", before)
    limit_threads(arguments)
    assert os.environ.get("OPENBLAS_NUM_THREADS") == threads


def test_the_program_sees_to_that_before_numpy_is_there():
    code = """if True:
        import os, sys
        from lipstream.commands import main
        whole = main.main
        main.main = lambda: print(os.environ["OPENBLAS_NUM_THREADS"], "numpy" in sys.modules) or whole(["--version"])
        main.run()
    """
    environment = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stdout.splitlines()[0] == "1 False", done.stderr
