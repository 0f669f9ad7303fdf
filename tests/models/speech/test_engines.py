"""Recognisers by name, those of plug-ins too."""

from __future__ import annotations

import pytest

from lipstream.models.errors import ModelError
from lipstream.models.speech import engines
from lipstream.models.speech.moonshine import MoonshineEngine
from lipstream.models.speech.whisper import WhisperEngine
from lipstream.plugins import ENGINES, OptionError
from tests.stages.fakes import CountingEngine


class Acme(CountingEngine):
    """A plug-in's recogniser, which remembers what it was made with."""

    def __init__(self, *made_with):
        super().__init__()
        self.made_with = made_with


def create(model, threads, options):
    if model == "huge":
        raise ModelError("there is no model 'huge'")
    if "beam" in options:
        raise OptionError("beam", "there is no such option")
    return Acme(model, threads, options)


def create_nonsense(model, threads, options):
    return 3


@pytest.fixture(autouse=True)
def installed(plugin_site):
    plugin_site.install({ENGINES.group: {"acme": f"{__name__}:create", "odd": f"{__name__}:create_nonsense"}})


def refusal(*arguments: object) -> str:
    with pytest.raises(ModelError) as caught:
        engines.create(*arguments)
    return str(caught.value)


def test_what_ships_is_made_by_its_name():
    assert isinstance(engines.create("moonshine", "tiny.en", 1), MoonshineEngine)
    assert isinstance(engines.create("whisper", "tiny.en", 1), WhisperEngine)
    assert all(engines.create(name, "tiny.en", 1) for name in ENGINES.built_in)


def test_a_plugins_is_made_from_model_threads_and_options():
    options = {"a": 1}
    engine = engines.create("acme", "small", 2, options)
    assert engine.made_with == ("small", 2, {"a": 1})
    assert engine.made_with[2] is not options


def test_a_plugin_by_a_name_that_ships_is_not_used_and_that_is_said(plugin_site, caplog):
    plugin_site.install({ENGINES.group: {"moonshine": f"{__name__}:create"}}, name="other")
    assert isinstance(engines.create("moonshine", "tiny.en", 1), MoonshineEngine)
    assert caplog.messages == [
        "the speech engine 'moonshine' of other 1.0 is not used: Lipstream has its own 'moonshine'"
    ]


def test_what_ships_takes_no_options():
    assert refusal("moonshine", "tiny.en", 1, {"beam": 5}) == (
        "'speech.options.beam': there is no such option, moonshine takes none"
    )


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (
            ("acmee", "", 1),
            "there is no speech engine 'acmee', did you mean 'acme'? (there are: moonshine, whisper, ac",
        ),
        (("acme", "huge", 1), "there is no model 'huge'"),
        (("acme", "", 1, {"beam": 1}), "'speech.options.beam': there is no such option"),
        (("odd", "", 1), "the speech engine 'odd' of acme-plugins 1.0 cannot be used: it gives int, expected a Speech"),
    ],
)
def test_what_is_wrong_is_one_line(arguments, expected):
    assert refusal(*arguments).startswith(expected)


def test_a_size_of_whisper_asked_of_moonshine_names_the_engine_that_has_it():
    assert "set speech.engine to whisper as well" in refusal("moonshine", "base.en", 1)
