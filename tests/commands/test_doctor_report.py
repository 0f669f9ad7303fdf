"""`lipstream doctor --report`: what helps, and nothing of the user's, however it came into a message."""

from __future__ import annotations

import re
import socket
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest

from lipstream.commands.checks import devices as device_checks
from lipstream.commands.checks import installation as checks
from lipstream.commands.checks import plugins as plugin_checks
from lipstream.commands.checks import speed as speed_checks
from lipstream.commands.checks.installation import Finding
from lipstream.commands.checks.private import Private, of_this_machine
from lipstream.commands.main import main
from lipstream.version import version

USER, HOST, TOKEN = "marlowe", "studio-nine", "hf_aB3dE5gH7jK9mN1pQ3sT5vX7"
PLANTED = (
    USER,
    "Philippa",
    HOST,
    TOKEN,
    "swordfish",
    "Secret Talks",
    "board meeting",
    "the merger is off",
    "10.20.30.40",
)


def planted(home: Path) -> list[Finding]:
    """Findings with something private in them, in the forms that messages have."""
    quoted = home / "Secret Talks" / "the merger is off.mp4"
    return [
        Finding("ok", f"9 model files, cache {home}/.cache/lipstream", "see " + str(home)),
        Finding("problem", f"'{quoted}' is damaged", f"rm '{quoted}'"),
        Finding("problem", f"{home}/Secret Talks/board meeting.mp4: cannot be opened"),
        Finding("warning", r"C:\Users\marlowe\Secret Talks\board meeting.mp4: cannot be opened"),
        Finding("warning", f"/mnt/{HOST}/board meeting/net.onnx is of another version; expected 2"),
        Finding("warning", f"https://{USER}:swordfish@files.{HOST}.example/board?key={TOKEN} did not answer"),
        Finding("warning", f"Marlowe ({USER}@{HOST}.example) on STUDIO-NINE, 10.20.30.40, token {TOKEN}"),
        Finding("ok", "microphone 3: Philippa's headset (2 ch, 48000 Hz, the system's default)"),
        Finding("warning", "camera: no camera called 'Philippa' (there are: Philippa's phone)"),
        Finding("problem", "a plug-in failed: swordfish"),
    ]


@pytest.fixture
def secretive(monkeypatch, tmp_path: Path) -> Path:
    """A user with a name, a machine with one, and secrets; returns the home."""
    home = tmp_path / USER
    (home / "demo_output").mkdir(parents=True)
    (home / "demo_output" / "talk.txt").write_text("the merger is off\n")
    monkeypatch.chdir(home / "demo_output")
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(home))
    for name in ("USER", "LOGNAME", "USERNAME"):
        monkeypatch.setenv(name, USER)
    monkeypatch.setenv("LIPSTREAM_TOKEN", "swordfish")
    monkeypatch.setenv("LIPSTREAM_CONFIG_OF", "the merger is off")
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setattr(socket, "gethostname", lambda: f"{HOST}.example")
    return home


@pytest.fixture
def findings(monkeypatch, secretive: Path) -> list[Finding]:
    """What the checks find, with something private in it."""
    found = [Finding("ok", "numpy 2.4.6"), Finding("ok", "Python 3.12.1"), *planted(secretive)]

    def nothing() -> Iterator[Finding]:
        return iter(())

    for name in ("check_python", "check_models", "check_codecs", "check_speech", "check_face"):
        monkeypatch.setattr(checks, name, nothing)
    for name in ("check_microphone", "check_camera"):
        monkeypatch.setattr(device_checks, name, nothing)
    monkeypatch.setattr(speed_checks, "check_speed", nothing)
    monkeypatch.setattr(plugin_checks, "check_plugins", nothing)
    monkeypatch.setattr(checks, "check_packages", lambda: iter(found))
    return found


def test_nothing_that_was_planted_is_in_it(findings: list[Finding], capsys):
    assert main(["doctor", "--report"]) == 1
    out = capsys.readouterr().out
    assert [secret for secret in PLANTED if re.search(secret, out, re.IGNORECASE)] == []
    assert str(Path.cwd().parent.parent) not in out


def test_what_helps_is_in_it(findings: list[Finding], capsys):
    main(["doctor", "--report"])
    out = capsys.readouterr().out
    assert f"Lipstream {version()} in a checkout, Python {sys.version.split()[0]}" in out
    assert "packages: numpy 2.4.6, Python 3.12.1\n" in out
    assert re.search(r"variables that are set: .*LIPSTREAM_TOKEN", out)
    assert "ok      9 model files, cache <path>\n" in out
    assert "PROBLEM <path> is damaged\n" in out
    assert "PROBLEM <path>: cannot be opened\n" in out
    assert "of another version; expected 2" in out
    assert "did not answer\n" in out
    assert "ok      microphone 2 ch 48000 Hz\n" in out
    assert "warning camera\n" in out
    assert out.count("\nPROBLEM ") == 3


def test_the_extras_that_are_complete_are_told(findings: list[Finding], capsys, monkeypatch):
    main(["doctor", "--report"])
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("extras: ")]
    assert "numerals" in line
    there = metadata.version
    monkeypatch.setattr(metadata, "version", lambda name: there("no-such-package" if name == "text2num" else name))
    main(["doctor", "--report"])
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("extras: ")]
    assert "numerals" not in line


def test_all_well_is_exit_code_0_and_nothing_but_the_report_is_printed(findings: list[Finding], monkeypatch, capsys):
    monkeypatch.setattr(checks, "check_packages", lambda: iter([Finding("ok", "fine")]))
    assert main(["doctor", "--report"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("Made by `lipstream doctor --report`.") and out.endswith("\nok      fine\n")


PRIVATE = Private(("marlowe",), ("studio-nine",), ("swordfish",), ("/home/marlowe",))


@pytest.mark.parametrize(
    "harmless",
    [
        "decoders of PyAV 18.1.0: h264, hevc, vp8, vp9, av1, mpeg4, aac, mp3, opus, vorbis, flac, pcm_s16le",
        "speech recognition, live (moonshine), took 0.12 s for 1 s",
        "Whisper base takes 0.52 s for 6 s of speech (live, up to 0.6 s will do): live `auto` is balanced",
        "AMD EPYC 9R14 96-Core Processor, 2 cores",
        "opencv-contrib-python 5.0.0.93, tried with <6,>=4.12",
        "Linux 6.1.0 x86_64, 24 GiB",
    ],
)
def test_what_is_harmless_stays_as_it_is(harmless: str):
    assert PRIVATE.hidden(harmless) == harmless


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("in /home/marlowe/x y/z.mp4: no", "in <path>: no"),
        ("in ~/x: no", "in <path>: no"),
        (r"in D:\x y\z.mp4: no", "in <path>: no"),
        (r"in \\studio-nine\share\x: no", "in <path>: no"),
        ("marlowe's", "<user>'s"),
        ("marlowe_2 and marlowes", "<user>_2 and marlowes"),
        ("00:1a:2b:3c:4d:5e, fe80::1:2:3:4, 192.168.1.4", "<address>, <address>, <address>"),
        ("key sk-proj-Ab12Cd34Ef56Gh78Ij90 given", "key <secret> given"),
    ],
)
def test_what_is_private_is_named_by_its_kind(text: str, left: str):
    assert PRIVATE.hidden(text) == left


def test_the_user_and_the_machine_are_known(secretive: Path):
    private = of_this_machine()
    assert USER in private.people and {HOST, f"{HOST}.example"} <= set(private.hosts)
    assert {"swordfish", TOKEN} <= set(private.secrets) and str(secretive) in private.homes
