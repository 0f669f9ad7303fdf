"""The figure of `file --plot`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import cv2
import pytest

from lipstream.events import SoundLevel
from lipstream.pipeline import End
from lipstream.views.media.part_file import PartFile
from lipstream.views.recorded.plot import draw, save
from lipstream.views.recorded.record import Recorder
from lipstream.views.recorded.timeline import timeline
from tests.views.records import emotion, final, recorded, stats, talk


def plotted(record: Recorder, out: Path) -> bytes:
    file = PartFile(out)
    file.open()
    save(draw(timeline(record)), file, out.suffix[1:])
    file.commit()
    return out.read_bytes()


def texts(record: Recorder, tmp_path: Path) -> str:
    """An SVG of the figure, in which letters are letters."""
    return plotted(record, tmp_path / "p.svg").decode()


def test_a_png_is_as_wide_as_a_page_at_print_resolution(tmp_path: Path):
    plotted(recorded(talk(6.0)), tmp_path / "p.png")
    image = cv2.imread(str(tmp_path / "p.png"))
    assert image.shape[1] == 2160 and image.shape[0] > 1000
    assert image.std() > 20


def test_a_pdf_holds_its_letters_as_letters(tmp_path: Path):
    data = plotted(recorded(talk(6.0)), tmp_path / "p.pdf")
    assert data.startswith(b"%PDF") and b"/FontFile2" in data and b"/Type3" not in data


@pytest.mark.parametrize("kind", ["png", "pdf", "svg"])
def test_the_same_record_gives_the_same_file(tmp_path: Path, kind: str):
    first, second = (plotted(recorded(talk(1.0)), tmp_path / f"{name}.{kind}") for name in "ab")
    assert first == second


def test_axes_have_units_and_tracks_a_legend(tmp_path: Path):
    drawn = texts(recorded(talk(6.0)), tmp_path)
    axes = ("time (s)", "level (dB FS)", "lip aperture", "probability", "weight", "confidence")
    tracks = ("happy", "of the voice", "speech", "face 1", "degraded", "taken for the speaker")
    missing = [name for name in (*axes, *tracks) if f">{name}" not in drawn]
    assert missing == []


def test_words_are_written_where_there_is_room_for_all_of_them(tmp_path: Path):
    assert ">three<" in texts(recorded(talk(6.0)), tmp_path)
    assert ">three<" not in texts(recorded(talk(300.0)), tmp_path)


def test_words_are_no_formulas(tmp_path: Path):
    drawn = texts(recorded([final("costs $5 and $x^2$ \\frac <b>"), stats()]), tmp_path)
    assert ">$x^2$<" in drawn and "&lt;b&gt;" in drawn


def test_minutes_are_counted_as_minutes(tmp_path: Path):
    drawn = texts(recorded(talk(300.0)), tmp_path)
    assert ">time (min:s)<" in drawn and ">2:00<" in drawn


@pytest.mark.parametrize(
    "events",
    [
        [],
        [End(reason="finished", duration=3.0)],
        [SoundLevel(time=0.1, level=-20.0, speech=False)],
        [emotion(0.0, face=None, voice=1.0), emotion(2.0, evidence=0.0), emotion(3.0)],
        [final("One.")],
    ],
    ids=["nothing", "only its length", "one level", "emotion with gaps", "one word"],
)
def test_what_is_missing_is_left_out(tmp_path: Path, events):
    assert b"</svg>" in plotted(recorded(events), tmp_path / "p.svg")


def test_it_needs_no_display_and_no_settings_of_the_user(tmp_path: Path):
    """A display that is not there, and a matplotlibrc that asks for another look, change nothing."""
    (tmp_path / "matplotlibrc").write_text("backend: TkAgg\nlines.linewidth: 9\nfigure.facecolor: black\n")
    program = (
        "import sys; from pathlib import Path\n"
        "from tests.views.recorded.test_plot import plotted, recorded, talk\n"
        "plotted(recorded(talk(2.0)), Path(sys.argv[1]))"
    )
    root = Path(__file__).parents[3]
    environment = {"PYTHONPATH": str(root), "MATPLOTLIBRC": str(tmp_path), "PATH": "", "HOME": str(tmp_path)}
    command = [sys.executable, "-c", program, str(tmp_path / "there.svg")]
    subprocess.run(command, check=True, env=environment, timeout=120)
    assert (tmp_path / "there.svg").read_bytes() == plotted(recorded(talk(2.0)), tmp_path / "here.svg")
