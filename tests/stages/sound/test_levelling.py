"""Quiet sound is raised and an offset taken out; all other sound is left as it is, bit for bit."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from lipstream.pipeline import Packet
from lipstream.stages.payloads import SAMPLE_RATE, AudioBlock
from lipstream.stages.sound.levelling import AHEAD, BLOCK, QUIET, Leveller, levelled
from lipstream.stages.sound.sample_blocks import sample_time

RNG = np.random.default_rng(5)


def talk(seconds: float, peak: float) -> np.ndarray:
    """Noise in syllables, with pauses between them, (N,) float32."""
    length = round(seconds * SAMPLE_RATE)
    swell = np.abs(np.sin(np.arange(length) * 2 * np.pi * 2 / SAMPLE_RATE)) ** 4
    sound = RNG.standard_normal(length) * swell
    return (sound * (peak / np.abs(sound).max())).astype(np.float32)


def through(sound: np.ndarray, ahead: float = 0.0, chunks=None) -> tuple[np.ndarray, Leveller]:
    leveller, pieces, at = Leveller(ahead), [], 0
    chunks = chunks or itertools.repeat(BLOCK)
    while at < len(sound):
        count = next(chunks)
        pieces.append(leveller.process(sound[at : at + count]))
        at += count
    return np.concatenate([*pieces, leveller.flush()]), leveller


def loudest(sound: np.ndarray) -> float:
    blocks = sound[: len(sound) // BLOCK * BLOCK].reshape(-1, BLOCK)
    return float(np.sort(np.sqrt(np.square(blocks).mean(axis=1)))[-10])


@pytest.mark.parametrize("ahead", [0.0, AHEAD])
@pytest.mark.parametrize("peak", [1.0, 0.3, 0.05])
def test_ordinary_sound_comes_out_bit_for_bit(ahead, peak):
    sound = talk(20, peak)
    heard, leveller = through(sound, ahead)
    assert np.array_equal(heard, sound) and (leveller.gain, leveller.offset) == (1.0, 0.0)


@pytest.mark.parametrize("peak", [10 ** (-50 / 20), 10 ** (-65 / 20)])
def test_quiet_sound_is_raised_from_its_first_word_on_where_it_can_be_heard_ahead(peak):
    heard, _ = through(talk(20, peak), AHEAD)
    for second in range(0, 20, 4):
        part = heard[second * SAMPLE_RATE : (second + 4) * SAMPLE_RATE]
        assert QUIET / 1.3 < loudest(part) < QUIET * 1.3


def test_quiet_sound_is_raised_live_once_it_has_been_heard():
    heard, _ = through(talk(20, 10 ** (-50 / 20)))
    assert QUIET / 1.3 < loudest(heard[3 * SAMPLE_RATE :]) < QUIET * 1.3
    assert len(heard) == 20 * SAMPLE_RATE


def test_live_every_sample_comes_out_at_once():
    leveller = Leveller()
    assert [len(leveller.process(talk(0.02, 0.001))) for _ in range(20)] == [320] * 20


@pytest.mark.parametrize("ahead", [0.0, 3.0])
def test_the_result_does_not_depend_on_how_the_sound_is_cut(ahead):
    sound = talk(10, 0.002) + np.float32(0.1)
    one, _ = through(sound, ahead)
    other, _ = through(sound, ahead, itertools.cycle([320, 7, 1111, 50, 5000]))
    assert np.array_equal(one, other)


@pytest.mark.parametrize("offset", [0.5, -0.5, 0.02])
@pytest.mark.parametrize("ahead", [0.0, AHEAD])
def test_an_offset_is_taken_out_and_the_sound_is_not_changed_otherwise(offset, ahead):
    sound = talk(10, 0.3)
    heard, leveller = through(sound + np.float32(offset), ahead)
    settled = slice(SAMPLE_RATE // 2 if ahead == 0 else 0, None)
    assert np.abs(heard - sound)[settled].max() < 0.01 and leveller.gain == 1.0


def test_an_offset_of_very_quiet_sound_is_not_raised_with_it():
    heard, _ = through(talk(10, 0.002) + np.float32(0.004), AHEAD)
    assert abs(float(heard.mean())) < 0.002 and loudest(heard) > QUIET / 1.3


def test_an_even_noise_and_silence_are_not_raised():
    noise = (RNG.standard_normal(20 * SAMPLE_RATE) * 0.001).astype(np.float32)
    assert through(noise, AHEAD)[1].gain == 1.0 and through(noise)[1].gain == 1.0
    assert not through(np.zeros(5 * SAMPLE_RATE, np.float32), AHEAD)[0].any()


def test_noise_in_a_pause_of_ordinary_speech_is_not_raised():
    pause = (RNG.standard_normal(60 * SAMPLE_RATE) * 0.0005).astype(np.float32)
    sound = np.concatenate([talk(10, 0.3), pause, talk(10, 0.3)])
    for ahead in (0.0, AHEAD):
        assert np.array_equal(through(sound, ahead)[0], sound)


def test_a_click_does_not_keep_quiet_speech_from_being_raised():
    sound = talk(20, 10 ** (-50 / 20))
    sound[5000:5100] = 0.8
    heard, _ = through(sound, AHEAD)
    assert loudest(heard[4 * SAMPLE_RATE :]) > QUIET / 1.3 and np.abs(heard).max() <= 1.0


def test_loud_speech_after_quiet_is_as_loud_as_it_is():
    sound = np.concatenate([talk(30, 0.002), talk(10, 0.5)])
    heard, _ = through(sound)
    behind = slice(31 * SAMPLE_RATE, None)
    assert np.array_equal(heard[behind], sound[behind]) and np.abs(heard).max() <= 1.0


def test_blocks_keep_their_times_and_silence_that_was_put_in_stays_silent():
    sound = talk(40, 0.002) + np.float32(0.5)
    sound[SAMPLE_RATE : SAMPLE_RATE + 2 * BLOCK] = 0
    starts = range(0, len(sound), BLOCK)
    gap = {SAMPLE_RATE // BLOCK * BLOCK + BLOCK * each for each in (0, 1, 2)}
    blocks = [
        Packet(sample_time(at), AudioBlock(sound[at : at + BLOCK], BLOCK if at in gap else 0), 32_000) for at in starts
    ]
    said: list[str] = []
    given = list(levelled(iter(blocks), said.append))
    assert [packet.timestamp for packet in given] == [packet.timestamp for packet in blocks]
    heard = np.concatenate([packet.payload.samples for packet in given])
    assert not heard[SAMPLE_RATE : SAMPLE_RATE + 2 * BLOCK].any() and abs(float(heard.mean())) < 0.01
    assert said == ["the sound has an offset, which is taken out", "the sound is very quiet, and is raised"]
