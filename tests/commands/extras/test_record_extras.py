"""`file --report` and `file --plot`, on scripted events and a real, silent recording."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from lipstream.commands.main import main
from tests.commands.fakes import Captions, sentence
from tests.views.pages import PageReader
from tests.views.records import talk

Recording = Callable[[str], Path]
BOTH = ["--report", "r.html", "--plot", "p.svg"]


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_the_files_are_made_beside_the_formats_and_named_at_the_end(
    captions: Captions, recording: Recording, tmp_path: Path, capsys
):
    captions.steps = talk(3.0)
    assert main(["file", str(recording("talk.wav")), "-f", "txt", *BOTH]) == 0
    assert names(tmp_path) == {"talk.wav", "talk.txt", "r.html", "p.svg"}
    assert capsys.readouterr().err.splitlines()[-1].endswith("saved talk.txt, r.html, p.svg")
    page = PageReader((tmp_path / "r.html").read_text(encoding="utf-8"))
    assert page.texts["h1"] == ["talk.wav"] and page.of("audio")
    assert [word for word, *_ in page.data["segments"][0]["words"]] == ["one", "two", "three", "four", "five"]


def test_they_switch_on_the_reports_they_need_but_not_against_the_users_will(captions: Captions, recording: Recording):
    path = str(recording("talk.wav"))
    assert main(["file", path, *BOTH]) == 0
    assert main(["file", path, *BOTH, "--set", "face.report_rate=2", "--overwrite"]) == 0
    assert main(["file", path, "--overwrite"]) == 0
    rates = [(config.audio.report_rate, config.face.report_rate) for config in captions.configs]
    assert rates == [(10, 10), (10, 2), (0, 0)]


def test_of_an_interrupted_run_there_is_what_was_done(captions: Captions, recording: Recording, tmp_path: Path):
    def endless():
        yield sentence("Until here.", 0.2)
        yield lambda: signal.raise_signal(signal.SIGINT)
        while True:
            yield lambda: None

    captions.steps = endless()
    assert main(["file", str(recording("talk.wav")), "-f", "txt", *BOTH]) == 130
    page = PageReader((tmp_path / "r.html").read_text(encoding="utf-8"))
    assert [segment["words"][0][0] for segment in page.data["segments"]] == ["Until"]
    assert "stopped early" in page.data["troubles"][0]["text"]
    assert (tmp_path / "p.svg").exists()


def test_a_run_that_fails_leaves_what_was_there_before(captions: Captions, recording: Recording, tmp_path: Path):
    (tmp_path / "r.html").write_text("yesterday's")
    captions.steps = [sentence("Before it broke.", 0.2), RuntimeError("out of magic")]
    assert main(["file", str(recording("talk.wav")), "-f", "txt", *BOTH, "--overwrite"]) == 1
    assert names(tmp_path) == {"talk.wav", "talk.txt", "r.html"}
    assert (tmp_path / "r.html").read_text() == "yesterday's"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--report", "r.pdf"], "--report r.pdf: the name must end in .html or .htm"),
        (["--report", "r.html", "--plot", "p.jpg"], "--plot p.jpg: the name must end in .png, .pdf or .svg"),
        (["--plot", "file/p.png"], "cannot write file/p.png"),
        (["--report", "folder.html"], "that is a folder"),
        (["more.wav", "--report", "r.html", "--plot", "p.svg"], "one input at a time"),
        (["--report", "x" * 300 + ".html"], "no file can have this name"),
    ],
)
def test_what_the_user_can_mend_is_one_line_before_anything_runs(
    captions: Captions, recording: Recording, tmp_path: Path, capsys, arguments: list[str], message: str
):
    path, _ = recording("talk.wav"), recording("more.wav")
    (tmp_path / "file").write_text("")
    (tmp_path / "folder.html").mkdir()
    before = names(tmp_path)
    captions.steps = [RuntimeError("it ran")]
    assert main(["file", str(path), *arguments]) == 2
    assert message in capsys.readouterr().err.splitlines()[-1]
    assert names(tmp_path) == before


def test_a_missing_matplotlib_is_one_line_with_the_command_that_mends_it(
    captions: Captions, recording: Recording, tmp_path: Path, capsys, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert main(["file", str(recording("talk.wav")), "--plot", "p.png"]) == 2
    assert "pip install 'matplotlib" in capsys.readouterr().err.splitlines()[-1]
    assert captions.configs == [] and names(tmp_path) == {"talk.wav"}
