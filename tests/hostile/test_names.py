"""Names, links and places: outputs stay in their folder, and nothing that is read is ever replaced."""

from __future__ import annotations

import os
import sys
import unicodedata
from pathlib import Path

import pytest

from lipstream.commands.main import main
from tests.commands.conftest import captions, consent, recording  # noqa: F401 - fixtures

ODD = [
    "with some spaces.wav",
    "grüße 世界 🎬.wav",
    "-o evil.wav",
    "--config.wav",
    "line\nbreak\r.wav",
    "right\u202eto left\u2066.wav",
    "\x1b]0;owned\x07\x1b[2J.wav",
    "=cmd|' C calc'!A0.wav",
    "..wav",
    "...wav",
    "$(touch x);`y`&.wav",
    "%s{0}[bold]<b>.wav",
    "x" * 250 + ".wav",
]


def plain(text: str) -> bool:
    return not any(
        (char != "\n" and unicodedata.category(char) in ("Cc", "Cs")) or char in "\u202e\u2066" for char in text
    )


@pytest.mark.skipif(sys.platform == "win32", reason="Windows forbids such names")
@pytest.mark.parametrize("name", ODD)
def test_odd_names_are_read_and_their_outputs_stay_in_the_folder(captions, recording, tmp_path, capsys, name):  # noqa: F811
    (tmp_path / "in").mkdir()
    recording("plain.wav").rename(tmp_path / "in" / name)
    os.chdir(tmp_path / "in")
    assert main(["file", "-o", "../out", "-f", "txt,json", "--", name]) == 0
    os.chdir(tmp_path)
    assert {entry.name for entry in tmp_path.iterdir()} == {"in", "out"}
    assert os.listdir(tmp_path / "in") == [name]
    assert len(os.listdir(tmp_path / "out")) == 2
    out, err = capsys.readouterr()
    assert plain(out) and plain(err)
    # One line for what is read, one for the end: a name cannot add lines of its own.
    assert len([line for line in err.splitlines() if "too long" not in line]) == 2


@pytest.mark.skipif(sys.platform != "linux", reason="names are bytes on Linux only")
def test_a_name_that_is_no_unicode_is_read(captions, recording, tmp_path, capsys):  # noqa: F811
    recording("plain.wav").rename(tmp_path / "caf\udce9.wav")
    assert main(["file", "caf\udce9.wav", "-o", "out", "-f", "all"]) == 0
    assert "caf\udce9.txt" in os.listdir(tmp_path / "out")
    assert "\\udce9" in capsys.readouterr().err


def test_a_path_with_dots_writes_into_the_output_folder_alone(captions, recording, tmp_path, monkeypatch):  # noqa: F811
    recording("x.wav")
    (tmp_path / "a" / "b").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "a" / "b")
    assert main(["file", "../../x.wav", "-o", "out", "-f", "txt"]) == 0
    files = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert files == {"x.wav", str(Path("a/b/out/x.txt"))}


@pytest.mark.parametrize("name", ["missing \x1b[31m.mp4", "missing\n.mp4", "missing\u202e4pm.exe"])
@pytest.mark.parametrize("verbose", [[], ["-v"]])
def test_errors_do_not_repeat_what_a_terminal_would_obey(captions, capsys, name, verbose):  # noqa: F811
    assert main(["file", *verbose, name]) == 2
    err = capsys.readouterr().err
    assert plain(err)
    assert len(err.splitlines()) == 1 or verbose


def test_usage_errors_do_not_repeat_what_a_terminal_would_obey(capsys):
    assert main(["file", "a.mp4", "--\x1b[31mevil\u202e"]) == 2
    err = capsys.readouterr().err
    assert plain(err) and "\\x1b[31mevil" in err


# Links.


def test_an_output_that_is_a_link_is_replaced_not_written_through(captions, recording, tmp_path):  # noqa: F811
    recording("talk.wav")
    (tmp_path / "precious").write_text("keep")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "talk.txt").symlink_to("../precious")
    assert main(["file", "talk.wav", "-o", "out", "-f", "txt"]) == 2
    assert (tmp_path / "out" / "talk.txt").is_symlink()
    assert main(["file", "talk.wav", "-o", "out", "-f", "txt", "--overwrite"]) == 0
    assert (tmp_path / "precious").read_text() == "keep"
    assert not (tmp_path / "out" / "talk.txt").is_symlink()
    assert (tmp_path / "out" / "talk.txt").read_text() == "Hello there.\n"


def test_a_link_in_the_place_of_the_growing_file_is_refused(captions, recording, tmp_path, capsys):  # noqa: F811
    recording("talk.wav")
    (tmp_path / "precious").write_text("keep")
    (tmp_path / "talk.txt.part").symlink_to("precious")
    assert main(["file", "talk.wav", "-f", "txt"]) == 2
    assert "is a symbolic link" in capsys.readouterr().err
    assert (tmp_path / "precious").read_text() == "keep"


def test_an_input_may_be_a_link(captions, recording, tmp_path):  # noqa: F811
    recording("store/1234.wav")
    (tmp_path / "talk.wav").symlink_to("store/1234.wav")
    assert main(["file", "talk.wav", "-f", "txt"]) == 0
    assert (tmp_path / "talk.txt").exists()
    assert os.listdir(tmp_path / "store") == ["1234.wav"]


# What is read is never replaced.


@pytest.mark.parametrize("other", ["talk.txt", "talk.txt.part"])
def test_the_output_of_one_input_never_replaces_another(captions, recording, tmp_path, capsys, other):  # noqa: F811
    recording("talk.wav")
    before = recording(other).read_bytes()
    assert main(["file", "talk.wav", other, "-f", "txt"]) == 2
    assert f"{other} is one of the inputs" in capsys.readouterr().err
    assert (tmp_path / other).read_bytes() == before
    assert {entry.name for entry in tmp_path.iterdir()} == {"talk.wav", other}


def test_a_hard_link_to_the_input_is_the_input(captions, recording, tmp_path, capsys):  # noqa: F811
    path = recording("talk.wav")
    os.link(path, tmp_path / "talk.txt")
    assert main(["file", "talk.wav", "-f", "txt"]) == 2
    assert "is the input itself" in capsys.readouterr().err


def test_a_trace_never_replaces_the_input(captions, recording, capsys):  # noqa: F811
    path = recording("talk.wav")
    before = path.read_bytes()
    assert main(["file", "talk.wav", "-f", "txt", "--trace", "talk.wav"]) == 2
    assert "another file for the trace" in capsys.readouterr().err
    assert path.read_bytes() == before
