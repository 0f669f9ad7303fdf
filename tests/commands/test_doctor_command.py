"""`lipstream doctor`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from lipstream.commands.checks import devices as device_checks
from lipstream.commands.checks import installation as checks
from lipstream.commands.checks import speed as speed_checks
from lipstream.commands.checks.installation import Finding
from lipstream.commands.main import main
from lipstream.config import Quality, load_config
from lipstream.models import assets
from lipstream.models.assets import AssetStatus
from lipstream.models.errors import ModelError
from lipstream.models.speech import recognisers, speed
from lipstream.stages.speech.readers import quality_of

CHECKS = ("check_python", "check_packages", "check_models", "check_codecs", "check_speech", "check_face")


def project(monkeypatch, python: str, *requirements: str) -> None:
    wanted = (SpecifierSet(python), [Requirement(text) for text in requirements])
    monkeypatch.setattr(checks, "_project", lambda: wanted)


@pytest.fixture
def healthy(monkeypatch):
    """Every check finds that all is well."""

    def fine() -> Iterator[Finding]:
        yield Finding("ok", "fine")

    for name in CHECKS:
        monkeypatch.setattr(checks, name, fine)
    for name in ("check_microphone", "check_camera"):
        monkeypatch.setattr(device_checks, name, fine)
    monkeypatch.setattr(speed_checks, "check_speed", fine)


def test_all_well_is_exit_code_0(healthy, capsys):
    assert main(["doctor"]) == 0
    out = capsys.readouterr().out
    assert out.count("ok      fine") == 9
    assert "everything that is needed works" in out


def test_a_warning_is_no_failure_and_says_how_to_mend_it(healthy, monkeypatch, capsys):
    monkeypatch.setattr(device_checks, "check_camera", lambda: iter([Finding("warning", "no camera", "plug one in")]))
    assert main(["doctor"]) == 0
    assert "warning no camera\n        -> plug one in\n" in capsys.readouterr().out


def test_a_problem_is_exit_code_1(healthy, monkeypatch, capsys):
    monkeypatch.setattr(checks, "check_codecs", lambda: iter([Finding("problem", "no codecs", "install av")]))
    assert main(["doctor"]) == 1
    out = capsys.readouterr().out
    assert "PROBLEM no codecs\n        -> install av\n" in out
    assert "1 to mend" in out


def test_a_package_that_cannot_be_imported_is_a_problem_and_the_other_checks_go_on(healthy, monkeypatch, capsys):
    def check_codecs() -> Iterator[Finding]:
        raise ImportError("libfoo.so.1: cannot open shared object file")
        yield

    monkeypatch.setattr(checks, "check_codecs", check_codecs)
    assert main(["doctor"]) == 1
    out = capsys.readouterr().out
    assert "PROBLEM codecs: libfoo.so.1: cannot open shared object file" in out
    assert out.count("ok      fine") == 8


# The checks.


def test_another_python_than_the_project_asks_for_is_a_problem(monkeypatch):
    project(monkeypatch, ">=4")
    (finding,) = checks.check_python()
    assert finding.state == "problem"
    assert ">=4" in finding.what


def test_packages_are_held_against_the_bounds_of_the_project(monkeypatch):
    project(monkeypatch, ">=3", "pytest>=1", "rich>=1,<2", "no-such-package>=3")
    found = {finding.what.split()[0]: finding for finding in checks.check_packages()}
    assert found["pytest"].state == "ok"
    assert found["rich"].state == "problem"
    assert metadata.version("rich") in found["rich"].what
    assert found["rich"].mend == 'pip install "rich<2,>=1"'
    assert found["no-such-package"].what == "no-such-package is missing"


def test_what_the_project_asks_for_is_read_from_the_checkout():
    python, requirements = checks._project()
    assert ".".join(map(str, sys.version_info[:3])) in python
    assert {"numpy", "onnxruntime", "rich"} <= {requirement.name for requirement in requirements}


def test_two_packages_that_share_cv2_are_pointed_out(monkeypatch):
    project(monkeypatch, ">=3")
    monkeypatch.setattr(metadata, "version", lambda name: "5.0")
    (finding,) = checks.check_packages()
    assert finding.state == "warning"
    assert "opencv-python" in finding.what


def test_missing_and_damaged_models_are_problems_but_missing_test_media_are_not(monkeypatch, tmp_path: Path):
    states = {"net.onnx": "missing", "bad.onnx": "altered", "good.onnx": "ready", "media/clip.mp4": "missing"}
    found = [
        AssetStatus(name, "purpose", "MIT", 1, state, tmp_path / name, "cache")  # type: ignore[arg-type]
        for name, state in states.items()
    ]
    monkeypatch.setattr(assets, "status", lambda: found)
    findings = list(checks.check_models())
    assert [finding.state for finding in findings] == ["problem", "problem", "ok"]
    assert [finding.mend for finding in findings] == [
        "lipstream models pull",
        "lipstream models pull --force bad.onnx",
        "",
    ]


def test_a_codec_that_is_not_built_in_is_a_warning(monkeypatch):
    monkeypatch.setattr(checks, "DECODERS", ("aac", "no_such_codec"))
    (finding,) = checks.check_codecs()
    assert finding.state == "warning"
    assert "no_such_codec" in finding.what


def test_a_recogniser_that_does_not_load_is_a_problem(monkeypatch):
    class Broken:
        best_length = 0.0

        def load(self) -> None:
            raise ModelError("encoder_model.ort is damaged")

    monkeypatch.setattr(recognisers, "create", lambda *_: Broken())
    findings = [(finding.state, finding.what) for finding in checks.check_speech()]
    assert findings == [
        ("problem", f"speech recognition, {mode}: encoder_model.ort is damaged") for mode in ("live", "file")
    ]


@pytest.mark.parametrize(("seconds", "quality"), [(0.48, "balanced"), (0.6, "balanced"), (0.61, "fast"), (4.0, "fast")])
def test_the_speed_of_this_machine_and_what_auto_means_by_it_are_shown(monkeypatch, seconds: float, quality: str):
    monkeypatch.setattr(speed, "_is_there", lambda: True)
    monkeypatch.setattr(speed, "measure", lambda threads: seconds)
    (finding,) = speed_checks.check_speed()
    assert finding.state == "ok"
    assert f"{seconds:g} s for 6 s of speech" in finding.what
    assert finding.what.endswith(f"live `auto` is {quality}")
    assert "--quality" in finding.mend
    # What was measured is what a run goes by, and stays.
    monkeypatch.setattr(speed, "measure", lambda threads: pytest.fail("measured again"))
    assert list(speed_checks.check_speed()) == [finding]
    assert quality_of(load_config("live")).value == quality


def test_the_speed_is_measured_again_when_that_is_asked_for_and_only_then(monkeypatch, capsys):
    for name in CHECKS:
        monkeypatch.setattr(checks, name, lambda: iter(()))
    for name in ("check_microphone", "check_camera"):
        monkeypatch.setattr(device_checks, name, lambda: iter(()))
    monkeypatch.setattr(speed, "_is_there", lambda: True)
    figures = iter([2.0, 0.3])
    monkeypatch.setattr(speed, "measure", lambda threads: next(figures))
    assert [main(["doctor", *more]) for more in ([], [], ["--measure"], [])] == [0] * 4
    lines = [line for line in capsys.readouterr().out.splitlines() if "Whisper base takes" in line]
    assert [line.rsplit(" ", 1)[1] for line in lines] == ["fast", "fast", "balanced", "balanced"]
    assert quality_of(load_config("live")) is Quality.BALANCED


def test_without_whisper_base_auto_is_fast_and_nothing_is_fetched_to_measure(monkeypatch):
    monkeypatch.setattr(assets, "status", list)
    monkeypatch.setattr(assets, "resolve_folder", lambda prefix: pytest.fail("fetched"))
    (finding,) = speed_checks.check_speed()
    assert finding.state == "warning"
    assert "live `auto` is fast" in finding.what
    assert "lipstream models pull" in finding.mend


def test_a_speed_that_cannot_be_kept_is_a_warning_that_says_what_to_do(monkeypatch, tmp_path: Path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("LIPSTREAM_SPEED", str(tmp_path / "file" / "speed.json"))
    monkeypatch.setattr(speed, "_is_there", lambda: True)
    monkeypatch.setattr(speed, "measure", lambda threads: 0.1)
    (finding,) = speed_checks.check_speed()
    assert finding.state == "warning"
    assert "live `auto` is fast" in finding.what
    assert "set LIPSTREAM_SPEED to a file that you can write" in finding.what
    assert quality_of(load_config("live")) is Quality.FAST


@pytest.mark.media
def test_the_real_networks_run():
    assert [finding.state for finding in (*checks.check_speech(), *checks.check_face())] == ["ok", "ok", "ok"]
