"""`lipstream devices`, and what `doctor` says of them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from lipstream.commands.checks import devices as device_checks
from lipstream.commands.main import main
from lipstream.pipeline import UserError
from lipstream.stages.capture.devices import CameraInfo, MicrophoneInfo

BUILT_IN = MicrophoneInfo(index=0, name="Built-in", channels=2, rate=44_100, default=False)
USB = MicrophoneInfo(index=3, name="USB Microphone", channels=1, rate=48_000, default=True)


@pytest.fixture
def machine(monkeypatch):
    """Sets the devices of a pretended machine."""

    def pretend(
        microphones: list[MicrophoneInfo] | UserError,
        cameras: list[CameraInfo],
        outputs: list[MicrophoneInfo] | UserError = UserError("no sound server answers"),  # noqa: B008 - never raised on
    ) -> None:
        def list_microphones() -> list[MicrophoneInfo]:
            if isinstance(microphones, UserError):
                raise microphones
            return microphones

        def list_system_sound() -> list[MicrophoneInfo]:
            if isinstance(outputs, UserError):
                raise outputs
            return outputs

        monkeypatch.setattr(device_checks, "list_microphones", list_microphones)
        monkeypatch.setattr(device_checks, "list_system_sound", list_system_sound)
        monkeypatch.setattr(device_checks, "list_cameras", lambda: cameras)

    return pretend


def camera(index: int) -> CameraInfo:
    return CameraInfo(index=index, name=f"Camera {index}", width=640, height=480)


def marked(out: str) -> list[str]:
    return [line.strip() for line in out.splitlines() if line.strip().startswith("*")]


def test_the_devices_that_live_would_use_are_marked(machine, capsys):
    machine([BUILT_IN, USB], [camera(0), camera(2)])
    assert main(["devices"]) == 0
    out = capsys.readouterr().out
    assert marked(out) == ["* 3: USB Microphone (1 ch, 48000 Hz, the system's default)", "* 0: Camera 0 (640x480)"]
    assert "    0: Built-in (2 ch, 44100 Hz)\n" in out
    assert "    2: Camera 2 (640x480)\n" in out


def test_system_sound_is_listed_with_the_output_that_live_would_caption(machine, capsys):
    speakers = MicrophoneInfo(index=0, name="speakers.monitor", channels=2, rate=48_000, default=True)
    headset = MicrophoneInfo(index=1, name="headset.monitor", channels=2, rate=48_000, default=False)
    machine([USB], [], [headset, speakers])
    assert main(["devices"]) == 0
    out = capsys.readouterr().out
    assert "system sound (live --system-sound):\n    1: headset.monitor" in out
    assert "* 0: speakers.monitor (2 ch, 48000 Hz, the system's default)" in marked(out)
    assert main(["devices", "--set", "audio.system=headset"]) == 0
    assert "* 1: headset.monitor (2 ch, 48000 Hz)" in marked(capsys.readouterr().out)


def test_a_machine_without_a_sound_server_says_so(machine, capsys):
    machine([USB], [])
    assert main(["devices"]) == 0
    assert "    no sound server answers\n" in capsys.readouterr().out


def test_the_mark_follows_the_configuration(machine, capsys):
    machine([BUILT_IN, USB], [camera(0), camera(2)])
    assert main(["devices", "--set", "audio.microphone=built", "--set", "video.camera=2"]) == 0
    assert [line[:4] for line in marked(capsys.readouterr().out)] == ["* 0:", "* 2:"]


def test_a_camera_by_address_is_taken_as_it_is(machine, capsys):
    machine([USB], [])
    assert main(["devices", "--set", "video.camera=rtsp://door/stream"]) == 0
    assert "* rtsp://door/stream (as configured)" in capsys.readouterr().out


def test_it_says_when_there_is_none_and_why(machine, monkeypatch, tmp_path: Path, capsys):
    monkeypatch.setattr(device_checks, "_DEV", tmp_path)
    machine(UserError("PortAudio is not installed"), [])
    assert main(["devices"]) == 0
    out = capsys.readouterr().out
    assert "PortAudio is not installed" in out
    assert "no camera was found: connect one" in out
    assert marked(out) == []


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems have no /dev/video")
def test_a_camera_without_permission_is_told_from_none(machine, monkeypatch, tmp_path: Path, capsys):
    (tmp_path / "video0").touch()
    monkeypatch.setattr(device_checks, "_DEV", tmp_path)
    monkeypatch.setattr(device_checks.os, "access", lambda path, mode: False)
    machine([USB], [])
    assert main(["devices"]) == 0
    assert f"no permission to use {tmp_path / 'video0'}: sudo usermod" in capsys.readouterr().out


def test_a_configured_microphone_that_is_not_there_is_said_with_those_that_are(machine, capsys):
    machine([BUILT_IN], [camera(0)])
    assert main(["devices", "--set", "audio.microphone=Blue"]) == 0
    out = capsys.readouterr().out
    assert "no microphone is called 'Blue'" in out
    assert "Built-in" in out


def test_the_doctor_only_warns_of_missing_devices(machine):
    machine(UserError("PortAudio is not installed"), [])
    findings = [*device_checks.check_microphone(), *device_checks.check_camera()]
    assert [finding.state for finding in findings] == ["warning", "warning"]
    assert all(finding.mend for finding in findings)


def test_the_doctor_names_the_devices_that_would_be_used(machine):
    machine([BUILT_IN, USB], [camera(0)])
    findings = [*device_checks.check_microphone(), *device_checks.check_camera()]
    assert [finding.state for finding in findings] == ["ok", "ok"]
    assert "USB Microphone" in findings[0].what
