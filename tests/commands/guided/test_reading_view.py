"""What one who reads aloud sees."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from lipstream.commands.guided import view as reading_view
from lipstream.commands.guided.view import LessonView, View

SCENE = LessonView("Not today.", 72.0, 300.0, -30.0, speaking=True, mouth=True)


@pytest.fixture
def terminal(monkeypatch):
    written = io.StringIO()
    console = Console(file=written, force_terminal=True, width=110, height=20, _environ={"TERM": "xterm"})
    monkeypatch.setattr(reading_view, "Console", lambda stderr: console)
    return written


def test_a_terminal_shows_sentence_progress_level_mouth_and_what_became_of_the_last_one(terminal):
    with View(keys=True) as view:
        view.show(SCENE, "kept")
        view.show(SCENE)
    shown = terminal.getvalue()
    for part in ("Not today.", "1.2 of 5 min", "▮▮▮▮▮▮▮▮▮▮▯▯▯▯▯▯▯▯▯▯", "mouth seen", "listening", "kept", "s leaves"):
        assert part in shown


def test_trouble_and_an_unseen_mouth_are_shown_at_once(terminal):
    with View(keys=False) as view:
        view.show(LessonView("Not today.", 0, 300, -100, speaking=False, mouth=False, trouble="the camera is gone"))
    assert "mouth not seen: face the camera" in terminal.getvalue()
    assert "the camera is gone" in terminal.getvalue()
    assert "s leaves" not in terminal.getvalue()


def test_elsewhere_each_sentence_and_each_trouble_is_one_line(capsys):
    with View(keys=False) as view:
        for line in ("", "kept", ""):
            view.show(SCENE, line)
    assert capsys.readouterr().err == "lipstream: read: Not today.\nlipstream: kept (1.2 of 5 min)\n"
