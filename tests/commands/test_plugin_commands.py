"""Plug-ins on the command line: listed by `doctor`, used by `file`, and one line when they are broken."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from lipstream.commands.checks.plugins import check_plugins
from lipstream.commands.main import main
from lipstream.plugins import ENGINES, STAGES, WRITERS
from tests.commands.fakes import Captions
from tests.distributions import Site

WRITER = """
from lipstream import TranscriptFinal
from lipstream.stages.sinks import Writer

class Shouted(Writer):
    def write(self, event):
        if isinstance(event, TranscriptFinal):
            self.put(event.text.upper())
            self.mark_content()
"""


def told() -> list[tuple[str, str, str]]:
    return [(finding.state, finding.what, finding.mend) for finding in check_plugins()]


def test_without_plugins_doctor_has_nothing_to_say_of_them():
    assert told() == []


def test_doctor_lists_what_there_is_and_how_to_ask_for_it(plugin_site: Site):
    writer = plugin_site.module(WRITER)
    plugin_site.install(
        {
            ENGINES.group: {"acme": "math:hypot"},
            WRITERS.group: {"shout": f"{writer}:Shouted"},
            STAGES.group: {"meter": "math:hypot"},
        }
    )
    assert told() == [
        ("ok", "the speech engine 'acme' of acme-plugins 1.0: --set speech.engine=acme", ""),
        ("ok", "the output format 'shout' of acme-plugins 1.0: -f shout", ""),
        ("ok", "the stage 'meter' of acme-plugins 1.0: --set stages.meter=", ""),
    ]


def test_doctor_warns_of_what_cannot_be_used_and_of_names_that_are_taken(plugin_site: Site):
    plugin_site.install({ENGINES.group: {"whisper": "math:pi", "b": "gone:x"}, WRITERS.group: {"a": "math:pi"}})
    plugin_site.install({STAGES.group: {"two": "math:pi"}}, name="first")
    plugin_site.install({STAGES.group: {"two": "math:pi"}}, name="second")
    findings = told()
    assert {state for state, _, _ in findings} == {"warning"}
    assert [what for _, what, _ in findings] == [
        "the speech engine 'b' of acme-plugins 1.0 cannot be used: ModuleNotFoundError: No module named 'gone'; update "
        "or uninstall acme-plugins",
        "the speech engine 'whisper' of acme-plugins 1.0 is not used: Lipstream has its own 'whisper'",
        "the output format 'a' of acme-plugins 1.0 cannot be used: its entry point names 3.141592653589793, expected a "
        "class derived from Writer; update or uninstall acme-plugins",
        "there is more than one stage 'two': of first 1.0 and second 1.0; uninstall all but one",
    ]


def test_a_plugins_format_is_written(
    captions: Captions, recording: Callable[[str], Path], plugin_site: Site, tmp_path: Path
):
    plugin_site.install({WRITERS.group: {"shout": f"{plugin_site.module(WRITER)}:Shouted"}})
    assert main(["file", str(recording("talk.wav")), "-f", "txt,shout"]) == 0
    assert (tmp_path / "talk.txt").read_text() == "Hello there.\n"
    assert (tmp_path / "talk.shout").read_text() == "HELLO THERE."


def test_a_format_by_a_name_that_ships_is_not_used_and_that_is_said(
    captions: Captions, recording: Callable[[str], Path], plugin_site: Site, tmp_path: Path, capsys
):
    plugin_site.install({WRITERS.group: {"txt": f"{plugin_site.module(WRITER)}:Shouted"}})
    assert main(["file", str(recording("talk.wav")), "-q", "-f", "txt"]) == 0
    assert (tmp_path / "talk.txt").read_text() == "Hello there.\n"
    assert (
        "the output format 'txt' of acme-plugins 1.0 is not used: Lipstream has its own 'txt'"
        in capsys.readouterr().err
    )
    assert plugin_site.imported() == []


@pytest.mark.parametrize("formats", ["txt,shout", "shout,all"])
def test_a_format_that_cannot_be_imported_is_one_line_before_anything_is_written(
    captions: Captions, recording: Callable[[str], Path], plugin_site: Site, tmp_path: Path, capsys, formats: str
):
    plugin_site.install({WRITERS.group: {"shout": f"{plugin_site.module('import gone')}:Shouted"}})
    path = recording("talk.wav")
    assert main(["file", str(path), "-f", formats]) == 2
    assert capsys.readouterr().err == (
        "lipstream: error: the output format 'shout' of acme-plugins 1.0 cannot be used: "
        "ModuleNotFoundError: No module named 'gone'; update or uninstall acme-plugins\n"
    )
    assert list(tmp_path.iterdir()) == [path]


def test_a_broken_plugin_breaks_nothing_that_does_not_ask_for_it(
    captions: Captions, recording: Callable[[str], Path], plugin_site: Site, capsys
):
    module = plugin_site.module("raise RuntimeError('imported')")
    plugin_site.install({kind.group: {"broken": f"{module}:x"} for kind in (ENGINES, WRITERS, STAGES)})
    assert main(["file", str(recording("talk.wav")), "-f", "all", "-q"]) == 0
    assert capsys.readouterr() == ("", "")
    assert plugin_site.imported() == []


def test_help_tells_where_to_look_for_the_formats_of_plugins(capsys):
    main(["file", "--help"])
    assert "what plug-ins bring, which `lipstream doctor` lists" in " ".join(capsys.readouterr().out.split())
