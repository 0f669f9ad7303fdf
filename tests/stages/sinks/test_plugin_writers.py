"""Output formats of plug-ins."""

from __future__ import annotations

import pytest

from lipstream.pipeline import UserError
from lipstream.plugins import WRITERS
from lipstream.stages.sinks import FORMATS, TxtWriter, Writer, available, parse_formats, writer_class


class Lines(TxtWriter):
    """A plug-in's writer."""


class Unfinished(Writer):
    """One without `write`."""


class Greedy(TxtWriter):
    """One that cannot be made as writers are."""

    def __init__(self, path, source, title):
        super().__init__(path, source)


def function(path, source):
    return TxtWriter(path, source)


@pytest.fixture(autouse=True)
def installed(plugin_site):
    names = {"lines": "Lines", "part": "Unfinished", "greedy": "Greedy", "func": "function", "gone": "Gone"}
    plugin_site.install({WRITERS.group: {name: f"{__name__}:{value}" for name, value in names.items()}})


def test_a_plugins_format_is_named_beside_those_that_ship():
    assert parse_formats("srt,LINES") == ["srt", "lines"]
    assert parse_formats("all,lines") == [*available(), "lines"]
    assert writer_class("lines") is Lines
    assert all(writer_class(name) is FORMATS[name] for name in available())


def test_all_stands_for_what_ships_so_that_a_broken_plugin_breaks_nothing_it_is_not_asked_for():
    assert parse_formats("all") == available()


def test_a_format_that_nothing_writes_lists_the_plugins_too():
    with pytest.raises(UserError) as caught:
        parse_formats("srt,line")
    assert str(caught.value).startswith("there is no output format 'line', did you mean 'lines'? (there are: txt, srt,")
    assert "lines of acme-plugins 1.0" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("part", "its entry point names <class '"),
        ("func", "its entry point names <function function at "),
        ("greedy", "its writer cannot be made from a path and a source; update or uninstall acme-plugins"),
        ("gone", "AttributeError: module 'tests.stages.sinks.test_plugin_writers' has no attribute 'Gone'"),
    ],
)
def test_a_writer_that_is_none_is_one_line(name, expected):
    with pytest.raises(UserError) as caught:
        writer_class(name)
    assert str(caught.value).startswith(f"the output format '{name}' of acme-plugins 1.0 cannot be used: {expected}")
    assert "\n" not in str(caught.value)
