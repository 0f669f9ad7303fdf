"""Which recognisers a configuration wants."""

from __future__ import annotations

import pytest

from lipstream.config import Quality, load_config
from lipstream.models.errors import ModelError
from lipstream.models.speech import speed
from lipstream.models.speech.profile_reader import ProfileReader
from lipstream.pipeline import ConfigError, UserError
from lipstream.stages.speech import readers
from lipstream.stages.speech.readers import Choice, choose, make_reading, quality_of, threads_of_final
from lipstream.version import version
from tests.stages.fakes import CountingEngine

FAST = Choice("moonshine", "moonshine", "tiny.en")


@pytest.mark.parametrize(
    ("mode", "settings", "chosen"),
    [
        ("file", {}, Choice("whisper", "whisper", "base")),
        ("file", {"pace": "realtime"}, FAST),
        ("live", {}, FAST),
        ("live", {"speech.quality": "fast"}, FAST),
        ("live", {"speech.quality": "balanced"}, Choice("moonshine", "whisper", "base")),
        ("live", {"speech.quality": "best"}, Choice("moonshine", "whisper", "small")),
        ("live", {"speech.quality": "balanced", "speech.language": "de"}, Choice("whisper", "whisper", "base")),
        ("live", {"speech.quality": "balanced", "speech.first": "whisper"}, Choice("whisper", "whisper", "base")),
        ("live", {"speech.engine": "whisper", "speech.model": "tiny"}, Choice("moonshine", "whisper", "tiny")),
        ("file", {"speech.engine": "moonshine"}, FAST),
        ("file", {"speech.quality": "fast", "speech.engine": "whisper"}, Choice("whisper", "whisper", "base")),
        ("file", {"speech.engine": "sherpa", "speech.model": "x"}, Choice("sherpa", "sherpa", "x")),
        ("file", {"fusion.profile": "ann"}, Choice("whisper", "whisper", "base")),
        ("file", {"fusion.profile": "ann", "speech.engine": "moonshine"}, FAST),
        ("live", {"fusion.profile": "ann", "speech.engine": "whisper"}, Choice("moonshine", "whisper", "base")),
        ("live", {"fusion.profile": "ann", "speech.engine": "sherpa"}, Choice("moonshine", "sherpa", "")),
        (
            "live",
            {"fusion.profile": "ann", "speech.quality": "balanced", "speech.language": "de"},
            Choice("whisper", "whisper", "base"),
        ),
    ],
)
def test_the_choice(mode, settings, chosen):
    assert choose(load_config(mode, settings)) == chosen


@pytest.mark.parametrize(
    ("mode", "settings", "cores", "threads"),
    [
        ("live", {"speech.quality": "balanced"}, 2, 2),
        ("live", {"speech.quality": "balanced"}, 1, 1),
        ("live", {"speech.quality": "balanced"}, 16, 2),
        ("live", {"speech.quality": "balanced", "speech.threads": 4}, 16, 4),
        ("live", {"speech.quality": "balanced", "speech.final_threads": 1}, 16, 1),
        ("live", {"speech.quality": "fast"}, 16, 1),
        ("file", {}, 16, 1),
    ],
)
def test_what_somebody_waits_for_is_read_by_two_cores(monkeypatch, mode, settings, cores, threads):
    monkeypatch.setattr(speed, "usable_cores", lambda: cores)
    config = load_config(mode, settings)
    assert threads_of_final(config, choose(config)) == threads


@pytest.mark.parametrize(
    ("seconds", "live"),
    [
        (0.1, Quality.BALANCED),
        (0.6, Quality.BALANCED),
        (0.601, Quality.FAST),
        (9.0, Quality.FAST),
        (None, Quality.FAST),
    ],
)
def test_auto_goes_by_the_speed_of_the_machine_where_somebody_waits(monkeypatch, seconds, live):
    monkeypatch.setattr(readers, "measured", lambda config: seconds)
    assert quality_of(load_config("live")) is live
    assert quality_of(load_config("file", {"pace": "realtime"})) is live
    assert quality_of(load_config("file")) is Quality.BALANCED
    for told in (Quality.FAST, Quality.BALANCED, Quality.BEST):
        assert quality_of(load_config("live", {"speech.quality": told.value})) is told


def test_a_run_goes_by_what_was_kept_for_its_threads_and_does_not_measure(monkeypatch):
    monkeypatch.setattr(speed, "measure", lambda threads: pytest.fail("a run measured"))
    assert choose(load_config("live")) == FAST
    speed.keep(speed.this_machine(2, version()), 0.5)
    assert choose(load_config("live")) == FAST
    assert choose(load_config("live", {"speech.threads": 2})) == Choice("moonshine", "whisper", "base")


@pytest.mark.parametrize(
    ("settings", "beside"),
    [
        ({}, False),
        ({"fusion.profile": "ann"}, True),
        ({"fusion.profile": "ann", "speech.engine": "whisper"}, True),
        ({"fusion.profile": "ann", "speech.engine": "moonshine"}, False),
        ({"fusion.profile": "ann", "speech.language": "en"}, True),
        ({"fusion.profile": "ann", "speech.language": "de"}, False),
        ({"fusion.profile": "ann", "speech.task": "translate"}, False),
    ],
)
def test_a_profile_reads_beside_the_recogniser_that_it_is_not_made_for(settings, beside):
    reading = make_reading(load_config("file", settings), CountingEngine())
    assert isinstance(reading.final, ProfileReader) is beside
    assert reading.join == (0.0 if settings.get("speech.engine") == "moonshine" else 24.0)


def test_what_goes_on_is_read_by_moonshine_where_a_profile_is():
    settings = {"fusion.profile": "ann", "speech.quality": "balanced"}
    reading = make_reading(load_config("live", settings), CountingEngine())
    assert reading.first.reads_frames and reading.first.languages == {"en"}


@pytest.mark.parametrize(
    ("settings", "join"),
    [({}, 24.0), ({"speech.join": 10}, 10.0), ({"speech.partials": "on"}, 0.0), ({"speech.quality": "fast"}, 0.0)],
)
def test_speech_is_joined_where_nobody_waits_and_the_recogniser_reads_it_better(settings, join):
    assert make_reading(load_config("file", settings), CountingEngine()).join == join


def test_the_language_is_told_as_its_short_code():
    assert make_reading(load_config("file", {"speech.language": "DE-at"}), CountingEngine()).language == "de"
    assert make_reading(load_config("file", {}), CountingEngine()).language is None
    with pytest.raises(ConfigError, match="'german1' is no code of a language"):
        load_config("file", {"speech.language": "german1"})


def test_terms_come_from_the_list_and_the_file(tmp_path):
    path = tmp_path / "names.txt"
    path.write_text("# names\nAda Lovelace\n", encoding="utf-8")
    settings = {"speech.terms": ["Babbage"], "speech.terms_file": str(path)}
    assert make_reading(load_config("file", settings), CountingEngine()).terms.phrases == ("Babbage", "Ada Lovelace")
    with pytest.raises((UserError, ModelError), match=r"missing\.txt"):
        make_reading(load_config("file", {"speech.terms_file": str(tmp_path / "missing.txt")}), CountingEngine())
