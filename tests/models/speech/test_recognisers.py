"""Recognisers by name, those of plug-ins too."""

from __future__ import annotations

import numpy as np
import pytest

from lipstream.models.errors import ModelError
from lipstream.models.speech import recognisers
from lipstream.models.speech.moonshine import MoonshineEngine
from lipstream.models.speech.recogniser import Hints, Recogniser, Transcript, Utterance
from lipstream.models.speech.second_opinion import SecondOpinion
from lipstream.models.speech.split import SplitRecogniser
from lipstream.models.speech.whisper.recogniser import WhisperRecogniser
from lipstream.plugins import ENGINES, OptionError
from tests.stages.fakes import CountingEngine

LISTENER = CountingEngine()


class Acme(Recogniser):
    """A plug-in's recogniser, which remembers what it was made with."""

    def __init__(self, *made_with):
        self.made_with = made_with

    def load(self) -> None: ...

    def recognise(self, utterance, hints):
        return Transcript()


def create(model, threads, options):
    if model == "huge":
        raise ModelError("there is no model 'huge'")
    if "beam" in options:
        raise OptionError("beam", "there is no such option")
    return Acme(model, threads, options)


class AcmeEngine(CountingEngine):
    """A plug-in's engine, as they were before there were recognisers."""


def create_engine(model, threads, options):
    return AcmeEngine()


def create_nonsense(model, threads, options):
    return 3


@pytest.fixture(autouse=True)
def installed(plugin_site):
    made = {"acme": "create", "older": "create_engine", "odd": "create_nonsense"}
    plugin_site.install({ENGINES.group: {name: f"{__name__}:{maker}" for name, maker in made.items()}})


def made(name: str, model: str = "tiny.en", options: dict[str, object] | None = None) -> Recogniser:
    return recognisers.create(name, model, 1, LISTENER, options or {})


def refusal(*arguments: object) -> str:
    with pytest.raises(ModelError) as caught:
        made(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_what_ships_is_made_by_its_name():
    assert isinstance(made("moonshine"), SplitRecogniser)
    # What reads the sound by itself is checked by the listener where it is in doubt.
    assert isinstance(made("whisper"), SecondOpinion) and isinstance(made("sherpa"), SecondOpinion)
    assert isinstance(made("whisper").reader, WhisperRecogniser)
    assert all(made(name) for name in ENGINES.built_in)


def test_the_listener_is_moonshine():
    assert isinstance(recognisers.listener(1), MoonshineEngine)


def test_moonshine_reads_the_frames_of_the_listener_and_the_others_the_sound():
    assert made("moonshine").reads_frames
    assert made("moonshine").languages == {"en"}
    assert not any(made(name).reads_frames for name in ("whisper", "acme", "older"))


def test_a_plugins_is_made_from_model_threads_and_options():
    options = {"a": 1}
    recogniser = recognisers.create("acme", "small", 2, LISTENER, options)
    assert isinstance(recogniser, Acme)
    assert recogniser.made_with == ("small", 2, {"a": 1})
    assert recogniser.made_with[2] is not options


def test_a_plugins_engine_is_a_recogniser_that_encodes_the_sound_itself():
    recogniser = made("older")
    assert isinstance(recogniser, SplitRecogniser)
    encoding = LISTENER.encode(np.full(3200, 0.7, np.float32))
    sound = np.repeat(np.array([0.1, 0.2, 0.0], np.float32), 3200)
    assert recogniser.recognise(Utterance(sound, 0.6, encoding), Hints()).text == "one two"


def test_a_plugin_by_a_name_that_ships_is_not_used_and_that_is_said(plugin_site, caplog):
    plugin_site.install({ENGINES.group: {"moonshine": f"{__name__}:create"}}, name="other")
    assert isinstance(made("moonshine"), SplitRecogniser)
    assert caplog.messages == [
        "the speech engine 'moonshine' of other 1.0 is not used: Lipstream has its own 'moonshine'"
    ]


@pytest.mark.parametrize("name", ["moonshine", "whisper"])
def test_what_ships_takes_no_options(name):
    expected = f"'speech.options.beam': there is no such option, {name} takes none"
    assert refusal(name, "tiny.en", {"beam": 5}) == expected


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (
            ("acmee",),
            "there is no speech engine 'acmee', did you mean 'acme'? (there are: moonshine, whisper, sherpa, acme",
        ),
        (("acme", "huge"), "there is no model 'huge'"),
        (("acme", "", {"beam": 1}), "'speech.options.beam': there is no such option"),
        (
            ("odd",),
            "the speech engine 'odd' of acme-plugins 1.0 cannot be used: it gives int, expected a SpeechEngine or a "
            "Recogniser",
        ),
    ],
)
def test_what_is_wrong_is_one_line(arguments, expected):
    assert refusal(*arguments).startswith(expected)


def test_a_size_of_whisper_asked_of_moonshine_names_the_engine_that_has_it():
    assert "set speech.engine to whisper as well" in refusal("moonshine", "base.en")
