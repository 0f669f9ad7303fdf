"""Plug-ins by entry points: found by name, imported when asked for, and one line for everything that is wrong."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import BaseModel, Field

from lipstream.config import load_config
from lipstream.plugins import ENGINES, KINDS, STAGES, WRITERS, Kind, OptionError, Plugin, PluginError
from lipstream.stages.sinks import DATA_FORMATS, FORMATS
from lipstream.version import version
from tests.distributions import Site

ROOT = Path(__file__).parents[2]

NUMBERS = Kind("acme.numbers", "number", ("one", "two"))
"""A kind that no real distribution brings anything of."""


def message(error: pytest.ExceptionInfo[Exception]) -> str:
    text = str(error.value)
    assert "\n" not in text
    return text


def refusal(kind: Kind, name: str) -> str:
    with pytest.raises(PluginError) as caught:
        plugin = kind.find(name)
        assert plugin is not None
        plugin.load()
    return message(caught)


def three(plugin_site: Site, value: str, **distribution) -> Plugin:
    plugin_site.install({"acme.numbers": {"three": value}}, **distribution)
    plugin = NUMBERS.find("three")
    assert plugin is not None
    return plugin


# Names.


def test_what_ships_and_what_is_installed_is_known_and_nothing_else(plugin_site):
    plugin_site.install({"acme.numbers": {"three": "math:pi"}, "acme.letters": {"c": "math:e"}})
    assert [name for name in ("one", "two", "three", "c", "four") if NUMBERS.knows(name)] == ["one", "two", "three"]
    assert NUMBERS.find("one") is None
    assert NUMBERS.find("three").distribution == "acme-plugins 1.0"


def test_a_name_that_nothing_has_is_told_with_all_there_are_and_who_brings_them(plugin_site):
    assert refusal(NUMBERS, "tow") == "there is no number 'tow', did you mean 'two'? (there are: one, two)"
    plugin_site.install({"acme.numbers": {"three": "math:pi"}})
    assert refusal(NUMBERS, "thre") == (
        "there is no number 'thre', did you mean 'three'? (there are: one, two, three of acme-plugins 1.0)"
    )


def test_the_names_that_ship_are_those_there_is_code_for():
    assert WRITERS.built_in == (*FORMATS, *DATA_FORMATS)
    assert [kind.group for kind in KINDS] == ["lipstream.engines", "lipstream.writers", "lipstream.stages"]


def test_a_name_of_two_distributions_is_refused_and_both_are_named(plugin_site):
    plugin_site.install({"acme.numbers": {"three": "math:pi", "four": "math:e"}})
    plugin_site.install({"acme.numbers": {"three": "math:tau"}}, name="other", version="2")
    assert refusal(NUMBERS, "three") == (
        "there is more than one number 'three': of acme-plugins 1.0 and other 2; uninstall all but one"
    )
    assert NUMBERS.find("four") is not None


def test_a_name_that_ships_stays_what_it_is_and_the_plugin_is_spoken_of(plugin_site, caplog):
    plugin_site.install({"acme.numbers": {"two": "math:pi", "three": "math:e"}})
    assert NUMBERS.find("two") is None
    with caplog.at_level(logging.WARNING):
        NUMBERS.warn_of_shadowed(["one", "three"])
        assert caplog.messages == []
        NUMBERS.warn_of_shadowed(["one", "two"])
    assert caplog.messages == ["the number 'two' of acme-plugins 1.0 is not used: Lipstream has its own 'two'"]


@pytest.mark.parametrize("name", ["Three", "a,b", "../up", "x y", "a..b", "-a"])
def test_a_name_that_cannot_stand_in_a_list_or_end_a_file_name_is_refused(plugin_site, name):
    plugin_site.install({"acme.numbers": {name: "math:pi"}})
    assert "cannot be used: a name has small letters and digits" in refusal(NUMBERS, name)


# Importing.


def test_a_plugin_is_imported_when_it_is_asked_for_and_not_before(plugin_site):
    mine, other = plugin_site.module("value = 3"), plugin_site.module("raise RuntimeError('not asked for')")
    plugin_site.install({"acme.numbers": {"three": f"{mine}:value", "four": f"{other}:value"}})
    plugin = NUMBERS.find("three")
    assert NUMBERS.knows("four") and "four" in NUMBERS.unknown("five")
    assert plugin_site.imported() == []
    assert plugin.load() == 3
    assert plugin_site.imported() == [mine]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import nonsense_that_is_not_there", "ModuleNotFoundError: No module named 'nonsense_that_is_not_there'"),
        ("raise RuntimeError('two\\nlines')", "RuntimeError: two lines"),
        ("raise RuntimeError", "RuntimeError"),
        ("import sys; sys.exit(3)", "SystemExit: 3"),
        ("this is no Python", "SyntaxError: invalid syntax"),
        ("other = 1", "AttributeError: module"),
    ],
)
def test_one_that_cannot_be_imported_is_one_line_with_the_distribution_and_the_error(plugin_site, source, expected):
    plugin = three(plugin_site, f"{plugin_site.module(source)}:value")
    with pytest.raises(PluginError) as caught:
        plugin.load()
    text = message(caught)
    assert text.startswith(f"the number 'three' of acme-plugins 1.0 cannot be used: {expected}")
    assert text.endswith("; update or uninstall acme-plugins")


def test_ctrl_c_while_a_plugin_is_imported_is_not_swallowed(plugin_site):
    plugin = three(plugin_site, f"{plugin_site.module('raise KeyboardInterrupt')}:value")
    with pytest.raises(KeyboardInterrupt):
        plugin.load()


@pytest.mark.parametrize("requires", ["lipstream<0", "Lipstream>=99", 'lipstream<0; python_version >= "3"'])
def test_one_that_is_made_for_another_lipstream_is_refused_before_it_is_imported(plugin_site, requires):
    module = plugin_site.module("value = 3")
    plugin_site.install({"acme.numbers": {"three": f"{module}:value"}}, requires=["numpy<1", requires])
    text = refusal(NUMBERS, "three")
    bound = requires.lower().removeprefix("lipstream").partition(";")[0]
    assert f"cannot be used: it is made for lipstream {bound}, and this is {version()}; update or" in text
    assert plugin_site.imported() == []


@pytest.mark.parametrize("requires", [f"lipstream=={version()}", 'lipstream<0; python_version < "3"', "- damaged -"])
def test_one_that_is_made_for_this_lipstream_or_does_not_say_is_imported(plugin_site, requires):
    assert three(plugin_site, "math:pi", requires=[requires]).load() > 3


def test_a_damaged_distribution_disturbs_nobody(plugin_site):
    folder = plugin_site.folder / "damaged-1.dist-info"
    folder.mkdir()
    (folder / "entry_points.txt").write_text("[acme.numbers]\nfive = math:e\n", encoding="utf-8")
    plugin_site.install({"acme.numbers": {"three": "math:pi"}})
    assert NUMBERS.knows("five")
    assert NUMBERS.find("three").load() > 3
    assert "five of a damaged distribution" in NUMBERS.unknown("six")


# Making, and options.


class Options(BaseModel, extra="forbid"):
    """What a plug-in of a test takes."""

    size: int = Field(1, ge=1)
    needed: str


def make_with_model(options):
    return Options.model_validate(options)


def make_by_hand(options):
    if "size" in options:
        raise OptionError("size", f"{options['size']!r} is not allowed, expected none")
    raise OptionError("", "an option is missing")


def make_wrongly(options):
    raise ValueError("went wrong")


def made(plugin_site: Site, function: str, **options) -> str:
    plugin = three(plugin_site, f"{__name__}:{function}")
    with pytest.raises(PluginError) as caught:
        plugin.create("a.options", LookupError, options=options)
    return message(caught)


@pytest.mark.parametrize(
    ("function", "options", "expected"),
    [
        ("make_with_model", {"needed": "x", "size": 0}, "'a.options.size': 0 is not allowed, expected greater than or"),
        ("make_with_model", {"needed": "x", "size": "big"}, "'a.options.size': 'big' is not allowed, expected a valid"),
        ("make_with_model", {"needed": "x", "sise": 1}, "'a.options.sise': there is no such option"),
        ("make_with_model", {}, "'a.options.needed': this option has to be set"),
        ("make_by_hand", {"size": 3}, "'a.options.size': 3 is not allowed, expected none"),
        ("make_by_hand", {}, "'a.options': an option is missing"),
        ("make_wrongly", {}, "the number 'three' of acme-plugins 1.0 cannot be used: ValueError: went wrong; update"),
        (
            "NUMBERS",
            {},
            "the number 'three' of acme-plugins 1.0 cannot be used: its entry point names a Kind, expected",
        ),
        (
            "message",
            {},
            "the number 'three' of acme-plugins 1.0 cannot be used: TypeError: message() got an unexpected",
        ),
    ],
)
def test_what_a_plugin_does_not_accept_is_named_by_its_key(plugin_site, function, options, expected):
    assert made(plugin_site, function, **options).startswith(expected)


def test_what_a_plugin_has_worded_itself_stays_as_it_is(plugin_site):
    plugin = three(plugin_site, f"{__name__}:make_wrongly")
    with pytest.raises(ValueError, match="went wrong"):
        plugin.create("a.options", ValueError, options={})


# Where nothing has to be looked through.


@pytest.mark.parametrize(
    "work",
    [
        "import lipstream",
        "from lipstream.commands.main import main; main(['--help'])",
        "from lipstream.commands.main import main; main(['file', '--help'])",
        "from lipstream.commands.main import main; main(['config', 'show', 'file', '--set', 'speech.engine=whisper'])",
        "from lipstream.stages.sinks import parse_formats; parse_formats('all')",
    ],
)
def test_names_that_ship_are_found_without_looking_through_what_is_installed(work: str):
    # Others, such as pydantic, look for plug-ins of their own.
    forbid = (
        "from importlib import metadata; look = metadata.entry_points; "
        "metadata.entry_points = lambda group: 1 / 0 if group.startswith('lipstream') else look(group=group); "
    )
    code = [sys.executable, "-c", forbid + work]
    done = subprocess.run(code, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    code = [sys.executable, "-c", forbid + "from lipstream.plugins import STAGES; STAGES.knows('x')"]
    done = subprocess.run(code, cwd=ROOT, capture_output=True, text=True, check=False)
    assert "ZeroDivisionError" in done.stderr


# In a configuration.


def test_an_engine_of_a_plugin_may_stand_in_a_configuration_with_its_options(plugin_site):
    plugin_site.install({ENGINES.group: {"acme": "math:pi"}})
    speech = load_config("file", {"speech.engine": "acme", "speech.options.beam.width": 3}).speech
    assert (speech.engine, speech.model, speech.options) == ("acme", "", {"beam": {"width": 3}})
    assert load_config("file", {"speech.engine": "acme", "speech.model": "big"}).speech.model == "big"
    assert load_config("file", {"speech.engine": "whisper"}).speech.model == ""


def test_a_stage_is_called_like_its_key_unless_it_says_otherwise(plugin_site):
    plugin_site.install({STAGES.group: {"meter": "math:pi"}})
    stages = load_config("file", {"stages.meter": None, "stages.second": {"stage": "meter"}}).stages
    assert {name: stage.stage for name, stage in stages.items()} == {"meter": "meter", "second": "meter"}


def test_a_stage_that_is_switched_off_need_not_be_installed():
    assert not load_config("file", {"stages.meter.enabled": False}).stages["meter"].enabled
