"""Recognisers by name."""

from __future__ import annotations

import pytest

from lipstream.models.errors import ModelError
from lipstream.models.speech import engines


def test_a_size_of_whisper_asked_of_moonshine_names_the_engine_that_has_it():
    with pytest.raises(ModelError, match=r"no Moonshine model 'base\.en', only 'tiny\.en'.*speech\.engine to whisper"):
        engines.create("moonshine", "base.en", 1)


def test_an_engine_that_is_not_there_is_answered_with_those_that_are():
    with pytest.raises(ModelError, match="no speech engine 'wisper', only 'moonshine' and 'whisper'"):
        engines.create("wisper", "tiny.en", 1)
