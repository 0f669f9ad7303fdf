"""System sound against a real PulseAudio server, and what is said where there is none."""

from __future__ import annotations

import subprocess
import sys
import types
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from lipstream.pipeline import UserError
from lipstream.stages.capture import pulse_monitor, system_sound
from lipstream.stages.capture.pulse_monitor import PulseMonitor
from lipstream.stages.capture.system_sound import VirtualDevice, WasapiLoopback
from tests.media_factory import Sound, write_media
from tests.packaging.rooms import ROOT
from tests.stages.capture.test_microphone_pulse import PATIENCE, RATE, end, noise, offset_of, pulse

__all__ = ["pulse"]

WITHIN_MS = 100


def test_what_is_played_and_what_a_microphone_hears_are_in_sync(pulse: dict[str, str], tmp_path: Path):
    """The same noise is played into the default output and into a second one, whose monitor is the microphone."""
    load = ["pactl", "load-module"]
    subprocess.run([*load, "module-null-sink", "sink_name=mic", "rate=48000"], env=pulse, check=True)
    subprocess.run([*load, "module-combine-sink", "sink_name=both", "slaves=mic,lip"], env=pulse, check=True)
    subprocess.run(["pactl", "set-default-source", "mic.monitor"], env=pulse, check=True)
    played = noise()
    wav = write_media(tmp_path / "noise.wav", Sound(played[None], RATE, codec="pcm_s16le"))
    output = tmp_path / "heard.npz"
    command = [sys.executable, "-m", "tests.stages.capture.capture_two", str(output)]
    child = subprocess.Popen(
        command, cwd=ROOT, env=pulse, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert child.stdin and child.stdout and child.stderr
    try:
        assert child.stdout.readline().strip() == "ready", child.stderr.read()
        subprocess.run(["paplay", "--device=both", str(wav)], env=pulse, check=True, timeout=PATIENCE)
        child.stdin.close()
        assert child.wait(PATIENCE) == 0
    finally:
        end(child)
        child.stdout.close()
        child.stderr.close()
    heard = np.load(output)
    pieces = [played[first : first + RATE // 2] for first in range(0, len(played) - RATE // 2, RATE // 2)]
    times = [[time_of(piece, heard, name) for name in ("one", "two")] for piece in pieces]
    # A sound server that gets too little of a busy processor leaves out some of it.
    apart = [one - two for one, two in times if one is not None and two is not None]
    print(f"microphone against system sound: {', '.join(f'{each:+.1f}' for each in apart)} ms")
    assert apart
    assert all(abs(each) < WITHIN_MS for each in apart)


def time_of(piece: np.ndarray, heard: Mapping[str, np.ndarray], name: str) -> float | None:
    """When a piece was heard, in ms; None if it was not heard whole."""
    at, likeness = offset_of(piece, heard[name])
    block = int(np.searchsorted(heard[f"{name}_firsts"], at, side="right")) - 1
    if likeness < 0.9:
        return None
    return float(heard[f"{name}_times"][block]) / 1000 + float(at - heard[f"{name}_firsts"][block]) / RATE * 1000


def test_the_outputs_of_the_server_are_listed_with_the_default_one(
    pulse: dict[str, str], monkeypatch: pytest.MonkeyPatch
):
    for name in ("HOME", "XDG_RUNTIME_DIR", "PULSE_SERVER"):
        monkeypatch.setenv(name, pulse[name])
    (found,) = PulseMonitor().devices()
    assert (found.name, found.default) == ("lip.monitor", True)


def test_without_a_sound_server_one_line_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("PULSE_SERVER", f"unix:{tmp_path}/nobody")
    monkeypatch.setattr(pulse_monitor.shutil, "which", lambda _: None)
    monitor = PulseMonitor()
    (default,) = monitor.devices()
    with pytest.raises(UserError, match=r"system sound cannot be opened.*pipewire-pulse"):
        monitor.start(default, 0.02, lambda *_: None)


def pretended(name: str, devices: list[dict[str, object]], default: int | None = None) -> types.ModuleType:
    """A build of PyAudio with devices of another system."""

    class PyAudio:
        def get_device_count(self) -> int:
            return len(devices)

        def get_device_info_by_index(self, index: int) -> dict[str, object]:
            return {"index": index, "maxInputChannels": 2, "defaultSampleRate": 48_000.0} | devices[index]

        def get_default_input_device_info(self) -> dict[str, object]:
            return {"index": 0}

        def get_default_wasapi_loopback(self) -> dict[str, object]:
            if default is None:
                raise LookupError
            return {"index": default}

        def terminate(self) -> None:
            pass

    module = types.ModuleType(name)
    module.PyAudio = PyAudio  # type: ignore[attr-defined]
    return module


def test_on_windows_it_is_the_loopback_of_the_default_output(monkeypatch: pytest.MonkeyPatch):
    devices: list[dict[str, object]] = [
        {"name": "Microphone"},
        {"name": "Speakers [Loopback]", "isLoopbackDevice": True},
        {"name": "Headset [Loopback]", "isLoopbackDevice": True},
    ]
    monkeypatch.setitem(sys.modules, "pyaudiowpatch", pretended("pyaudiowpatch", devices, default=2))
    found = WasapiLoopback().devices()
    assert [(each.name, each.default) for each in found] == [
        ("Speakers [Loopback]", False),
        ("Headset [Loopback]", True),
    ]


def test_on_windows_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "pyaudiowpatch", None)
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(UserError, match="pip install PyAudioWPatch"):
        system_sound.backend()


def test_on_a_mac_it_is_a_virtual_device_and_without_one_the_way_to_it(monkeypatch: pytest.MonkeyPatch):
    with_one = [{"name": "MacBook Microphone"}, {"name": "BlackHole 2ch"}]
    monkeypatch.setitem(sys.modules, "pyaudio", pretended("pyaudio", with_one))
    assert [each.name for each in VirtualDevice().devices()] == ["BlackHole 2ch"]
    monkeypatch.setitem(sys.modules, "pyaudio", pretended("pyaudio", with_one[:1]))
    with pytest.raises(UserError, match="blackhole-2ch"):
        VirtualDevice().devices()
