"""`lipstream file --render` and `--mux`: the files that come of a run, and the runs that do not get that far."""

from __future__ import annotations

import signal
from pathlib import Path

import av
import numpy as np
import pytest

from lipstream.commands.extras import media as media_extra
from lipstream.commands.main import main
from lipstream.events import TranscriptFinal
from lipstream.views.media import part_file
from tests.commands.fakes import Captions, sentence
from tests.full_disk import FullDisk
from tests.media_factory import Picture, Sound, moving, tone, write_media

QUICK = ["-f", "txt", "--no-emotion"]


@pytest.fixture
def talk(tmp_path: Path) -> Path:
    """A video of two seconds."""
    return write_media(tmp_path / "talk.mp4", Sound(tone(2.0)), Picture(moving(50)))


def contents(folder: Path) -> set[str]:
    return {entry.name for entry in folder.iterdir()}


def test_both_are_made_beside_the_captions(captions: Captions, talk: Path, tmp_path: Path, capsys):
    assert main(["file", "talk.mp4", *QUICK, "--render", "new/out.mp4", "--mux", "new/out.mkv"]) == 0
    assert contents(tmp_path) == {"talk.mp4", "talk.txt", "new"}
    assert contents(tmp_path / "new") == {"out.mp4", "out.mkv"}
    with av.open("new/out.mp4") as rendered, av.open("new/out.mkv") as muxed:
        assert [stream.type for stream in rendered.streams] == ["video", "audio"]
        assert [stream.type for stream in muxed.streams] == ["video", "audio", "subtitle"]
    out, err = capsys.readouterr()
    assert "saved talk.txt, new/out.mp4, new/out.mkv" in err.splitlines()[-1]
    assert "\x1b" not in out + err


def test_rendering_asks_for_what_it_draws_and_leaves_the_users_own_settings(captions: Captions, talk: Path):
    arguments = ["file", "talk.mp4", *QUICK, "-q", "--overwrite"]
    overlay = ["--render", "a.mp4", "--render-style", "overlay"]
    assert main([*arguments, *overlay]) == 0
    assert main([*arguments, "--mux", "a.mkv"]) == 0
    assert main([*arguments, *overlay, "--set", "face.report_rate=5"]) == 0
    assert main([*arguments, "--render", "a.mp4"]) == 0
    rates = [(config.face.report_rate, config.audio.report_rate) for config in captions.configs]
    assert rates == [(25.0, 12.5), (0.0, 0.0), (5.0, 12.5), (0.0, 0.0)]


def test_a_folder_gets_a_video_of_each_input(captions: Captions, talk: Path, tmp_path: Path, capsys):
    write_media(tmp_path / "more.mkv", Sound(tone(2.0)), Picture(moving(50)))
    assert main(["file", "talk.mp4", "more.mkv", *QUICK, "--render", "videos/"]) == 0
    assert contents(tmp_path / "videos") == {"talk.mp4", "more.mp4"}
    assert "saved more.txt, videos/more.mp4" in capsys.readouterr().err
    assert main(["file", "talk.mp4", "-o", "again", *QUICK, "--render", "videos"]) == 2
    assert "videos/talk.mp4 is there already" in capsys.readouterr().err
    assert main(["file", "talk.mp4", "-o", "again", *QUICK, "--render", "./"]) == 2
    assert "this file is the input itself" in capsys.readouterr().err


def test_a_rendered_video_has_captions_alone_unless_the_overlay_is_asked_for(captions: Captions, talk: Path):
    drawn = {}
    for style in ("captions", "overlay"):
        assert (
            main(["file", "talk.mp4", *QUICK, "-q", "--overwrite", "--render", "a.mp4", "--render-style", style]) == 0
        )
        with av.open("a.mp4") as container:
            shown = [frame.to_ndarray(format="gray").astype(int) for frame in container.decode(video=0)]
        drawn[style] = shown[15]
    height = drawn["captions"].shape[0]
    upper = np.abs(drawn["captions"] - drawn["overlay"])[: height // 4]
    lower = np.abs(drawn["captions"] - drawn["overlay"])[3 * height // 4 :]
    assert lower.max() > 50
    assert (upper > 50).mean() < 0.05


def test_quiet_prints_nothing(captions: Captions, talk: Path, capsys):
    assert main(["file", "talk.mp4", *QUICK, "-q", "--render", "a.mp4", "--mux", "a.mkv"]) == 0
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(("text", "boxes"), [("नमस्ते दोस्तों", True), ("日本語 é Ж 한국", False)])
def test_captions_that_come_out_as_boxes_are_told(captions: Captions, talk: Path, capsys, text: str, boxes: bool):
    captions.steps = [sentence(text, 0.2)]
    assert main(["file", "talk.mp4", *QUICK, "--render", "a.mp4"]) == 0
    assert ("a.mp4 has boxes in its captions" in capsys.readouterr().err) == boxes


def test_without_captions_the_copy_has_none_and_says_so(captions: Captions, talk: Path, capsys):
    captions.steps = []
    assert main(["file", "talk.mp4", *QUICK, "--mux", "a.mkv"]) == 0
    assert "lipstream: a.mkv has no subtitles: there are no captions" in capsys.readouterr().err.splitlines()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--render", "a.avi"], "--render a.avi: the name must end in .mp4, .m4v or .mov"),
        (["--render", "a"], "--render a: the name must end in"),
        (["--mux", "a.srt"], "--mux a.srt: the name must end in .mkv, .mp4, .m4v or .mov"),
        (["--mux", "talk.mp4"], "--mux talk.mp4: this file is the input itself"),
        (["--render", "./talk.mp4"], "this file is the input itself"),
        (["--render", "link.mp4"], "this file is the input itself"),
        (["--render", "a.mp4", "--mux", "a.mp4"], "--mux a.mp4: this file is written by another option"),
        (["--render", "folder.mp4"], "that is a folder"),
        (["--render", "talk.mp4/a.mp4"], "cannot write talk.mp4/a.mp4: "),
        (["--render", "a" * 300 + ".mp4"], "no file can have this name"),
        (["--render", "a.mp4", "other.mp4"], "one input at a time"),
    ],
)
def test_what_cannot_be_made_is_said_before_the_run(
    captions: Captions, talk: Path, tmp_path: Path, capsys, arguments: list[str], message: str
):
    (tmp_path / "folder.mp4").mkdir()
    (tmp_path / "link.mp4").symlink_to(talk)
    before, content = contents(tmp_path), talk.read_bytes()
    captions.steps = [AssertionError("the run must not begin")]
    assert main(["file", *QUICK, *arguments, "talk.mp4"]) == 2
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith("lipstream: error: ") and message in line
    assert contents(tmp_path) == before
    assert talk.read_bytes() == content


def test_the_file_it_would_grow_in_may_be_the_input(captions: Captions, talk: Path, tmp_path: Path, capsys):
    talk.rename(tmp_path / "a.mp4.part")
    content = (tmp_path / "a.mp4.part").read_bytes()
    for arguments in (["--render", "a.mp4"], ["--mux", "a.mp4"]):
        assert main(["file", "a.mp4.part", *QUICK, *arguments]) == 2
        assert "it would grow in the input itself; choose another name" in capsys.readouterr().err
        assert (tmp_path / "a.mp4.part").read_bytes() == content


class Painter:
    """Draws nothing, and does something before the picture of a number."""

    def __init__(self, at: int, act) -> None:
        self._left, self._act = at, act

    def __call__(self, order: str) -> Painter:
        return self

    def draw(self, image, scene) -> None:
        self._left -= 1
        if self._left == 0:
            self._act()


def test_ctrl_c_while_rendering_keeps_a_whole_shorter_video(
    captions: Captions, talk: Path, tmp_path: Path, capsys, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(media_extra, "Subtitles", Painter(30, lambda: signal.raise_signal(signal.SIGINT)))
    assert main(["file", "talk.mp4", *QUICK, "--render", "out.mp4", "--mux", "out.mkv"]) == 130
    assert capsys.readouterr().err.splitlines()[-1] == "lipstream: stopped: out.mp4 has the first 0:01"
    assert contents(tmp_path) == {"talk.mp4", "talk.txt", "out.mp4"}
    assert (tmp_path / "talk.txt").read_text() == "Hello there.\n"
    with av.open("out.mp4") as container:
        assert 30 <= sum(1 for _ in container.decode(video=0)) <= 32


def test_a_second_ctrl_c_leaves_nothing_but_what_was_there(
    captions: Captions, talk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def twice() -> None:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    (tmp_path / "out.mp4").write_text("the one before")
    monkeypatch.setattr(media_extra, "Subtitles", Painter(30, twice))
    assert main(["file", "talk.mp4", *QUICK, "--render", "out.mp4", "--overwrite"]) == 130
    assert contents(tmp_path) == {"talk.mp4", "talk.txt", "out.mp4"}
    assert (tmp_path / "out.mp4").read_text() == "the one before"


def test_ctrl_c_in_the_run_itself_ends_it_without_another_pass(captions: Captions, talk: Path, tmp_path: Path, capsys):
    def steps():
        yield sentence("Hello there.", 0.2)
        yield lambda: signal.raise_signal(signal.SIGINT)
        while True:
            yield TranscriptFinal(segment=2, start=5.0, end=5.0, text="", words=())

    captions.steps = steps()
    assert main(["file", "talk.mp4", *QUICK, "--render", "out.mp4", "--mux", "out.mkv"]) == 130
    assert contents(tmp_path) == {"talk.mp4", "talk.txt"}
    err = capsys.readouterr().err
    assert "lipstream: --render out.mp4 was not made: the run was stopped" in err.splitlines()
    assert "stopped after" in err.splitlines()[-1]


def test_a_disk_that_fills_up_is_one_line_and_the_captions_are_saved(
    captions: Captions, talk: Path, tmp_path: Path, capsys, monkeypatch: pytest.MonkeyPatch
):
    opened = part_file.open_exclusively

    monkeypatch.setattr(part_file, "open_exclusively", lambda path: FullDisk(opened(path), 0))
    for option, name in (("--render", "out.mp4"), ("--mux", "out.mkv")):
        assert main(["file", "talk.mp4", *QUICK, option, name, "--overwrite"]) == 2
        line = capsys.readouterr().err.splitlines()[-1]
        assert line == f"lipstream: error: cannot write {name}: No space left on device"
        assert contents(tmp_path) == {"talk.mp4", "talk.txt"}


def test_a_pyav_without_the_encoder_is_said_before_the_run(
    captions: Captions, talk: Path, capsys, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(media_extra, "codecs_available", {"aac"})
    captions.steps = [AssertionError("the run must not begin")]
    assert main(["file", "talk.mp4", *QUICK, "--render", "out.mp4"]) == 2
    assert "needs the encoder libx264, which this PyAV lacks" in capsys.readouterr().err


def test_a_run_that_fails_leaves_no_video(captions: Captions, talk: Path, tmp_path: Path):
    captions.steps = [sentence("Hello there.", 0.2), RuntimeError("broken")]
    assert main(["file", "talk.mp4", *QUICK, "--render", "out.mp4", "--mux", "out.mkv"]) == 1
    assert contents(tmp_path) == {"talk.mp4", "talk.txt"}
