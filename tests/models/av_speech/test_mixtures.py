"""Speech among other sounds."""

from __future__ import annotations

import numpy as np
import pytest

from lipstream.models.av_speech.evaluation.conditions import parse_conditions
from lipstream.models.av_speech.loudness import loudness
from lipstream.models.av_speech.training.mixtures import Noise, babble, in_a_room, mixed
from lipstream.models.errors import ModelError


def tone(hertz, seconds=1.0, level=0.1):
    return (level * np.sin(2 * np.pi * hertz * np.arange(int(16_000 * seconds)) / 16_000)).astype(np.float32)


@pytest.mark.parametrize("snr", [-5.0, 0.0, 10.0])
def test_the_ratio_of_powers_is_the_one_asked_for(snr):
    speech, noise = tone(200), tone(300, level=0.7)
    disturbed = mixed(speech, noise, snr)
    assert 20 * np.log10(loudness(speech) / loudness(disturbed - speech)) == pytest.approx(snr, abs=0.01)


def test_a_loud_sum_is_turned_down_not_clipped():
    total = mixed(tone(200, level=0.9), tone(310), -5)
    assert np.abs(total).max() <= 0.99


def test_voices_of_babble_are_equally_loud_and_short_ones_go_on():
    rng = np.random.default_rng(0)
    together = babble([tone(200, level=0.5), tone(300, seconds=0.2, level=0.01)], 2, 32_000, rng)
    spectrum = np.abs(np.fft.rfft(together))
    assert spectrum[400] == pytest.approx(spectrum[600], rel=0.1)


def test_too_few_voices_for_babble_are_an_error():
    with pytest.raises(ModelError, match="babble of 4 needs 4"):
        babble([tone(200)], 4, 100, np.random.default_rng(0))


def test_a_room_keeps_length_and_level():
    dry = tone(200)
    wet = in_a_room(dry, np.random.default_rng(0))
    assert len(wet) == len(dry)
    assert loudness(wet) == pytest.approx(loudness(dry), rel=1e-3)


@pytest.mark.parametrize("name", ["babble", "babble0", "brown", ""])
def test_unknown_noises_are_refused(name):
    with pytest.raises(ModelError, match="expected babble1"):
        Noise.parse(name)


def test_conditions_are_every_noise_at_every_level_and_clean_once():
    found = [str(each) for each in parse_conditions("clean,10,-5", "babble4,white")]
    assert found == ["clean", "babble4 10 dB", "babble4 -5 dB", "white 10 dB", "white -5 dB"]


def test_a_level_that_is_no_number_is_refused():
    with pytest.raises(ModelError, match="'loud'"):
        parse_conditions("clean,loud", "white")
