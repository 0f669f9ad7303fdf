"""Channels that cancel each other out: the one that carries the voice is taken, and all else is mixed as ever."""

from __future__ import annotations

import numpy as np
import pytest
from av.audio.frame import AudioFrame

from lipstream.models.errors import ModelError
from lipstream.stages.payloads import SAMPLE_RATE
from lipstream.stages.sound.mixdown import Mixdown
from lipstream.stages.sound.voiced_mix import STRETCH, VoicedMix

RATE = 48_000
RNG = np.random.default_rng(3)


def frames(channels: np.ndarray, layout: str, form: str = "fltp", chunk: int = 1024, rate: int = RATE):
    for first in range(0, channels.shape[1], chunk):
        piece = channels[:, first : first + chunk].astype(np.float32)
        if form.startswith("s16"):
            piece = np.round(piece * 32767).astype(np.int16)
        if not form.endswith("p"):
            piece = piece.T.reshape(1, -1)
        frame = AudioFrame.from_ndarray(np.ascontiguousarray(piece), format=form, layout=layout)
        frame.sample_rate = rate
        yield frame


class Loud:
    """Takes everything that is loud for speech."""

    def load(self) -> None:
        pass

    def reset(self) -> None:
        pass

    def probability(self, window: np.ndarray) -> float:
        return float(np.abs(window).max() > 0.05)


class Missing(Loud):
    def load(self) -> None:
        raise ModelError("not here")


def mixed(channels: np.ndarray, layout: str, judge=None, **how) -> tuple[np.ndarray, list[str]]:
    said: list[str] = []
    mix, pieces = None, []
    for frame in frames(channels, layout, **how):
        mix = mix or VoicedMix(frame, said.append, judge or Loud())
        pieces.append(mix.process(frame))
    return np.concatenate([*pieces, mix.flush()]), said


def plainly(channels: np.ndarray, layout: str, **how) -> np.ndarray:
    mix, pieces = None, []
    for frame in frames(channels, layout, **how):
        mix = mix or Mixdown(frame)
        pieces.append(mix.process(frame))
    return np.concatenate([*pieces, mix.flush()])


def voice(seconds: float, rate: int = RATE) -> np.ndarray:
    return (0.3 * np.sin(np.arange(round(seconds * rate)) * 2 * np.pi * 300 / rate)).astype(np.float32)


def rms(sound: np.ndarray) -> float:
    return float(np.sqrt(np.square(sound).mean()))


@pytest.mark.parametrize(("layout", "count"), [("mono", 1), ("stereo", 2), ("5.1", 6), ("5 channels", 5)])
@pytest.mark.parametrize("form", ["fltp", "s16"])
def test_channels_that_go_together_are_mixed_bit_for_bit(layout, count, form):
    channels = np.stack([voice(10) * (0.2 + 0.1 * at) for at in range(count)]) + 0.01 * RNG.standard_normal(
        (count, 480_000)
    )
    heard, said = mixed(channels, layout, form=form)
    assert np.array_equal(heard, plainly(channels, layout, form=form)) and said == []


@pytest.mark.parametrize("rate", [48_000, 44_100, 8_000])
@pytest.mark.parametrize("form", ["fltp", "s16", "s16p"])
def test_a_channel_that_is_the_others_opposite_does_not_silence_it(rate, form):
    sound = voice(10, rate)
    heard, said = mixed(np.stack([sound, -sound]), "stereo", form=form, rate=rate)
    assert len(heard) == 10 * SAMPLE_RATE and rms(heard[500:]) == pytest.approx(0.3 / np.sqrt(2), rel=0.02)
    assert said == ["channels cancel out when they are mixed, so channel 1 of 2 is used"]
    expected = voice(10, SAMPLE_RATE)
    assert np.abs(heard - expected)[500:-500].max() < 0.01, "at its place to the sample"


def test_the_voice_is_kept_within_surround_sound_too():
    channels = 0.001 * RNG.standard_normal((6, 10 * RATE)).astype(np.float32)
    channels[0] += voice(10)
    channels[1] -= voice(10)
    heard, said = mixed(channels, "5.1")
    assert rms(heard[500:]) > 0.15 and said


def test_a_voice_in_the_middle_is_left_to_the_mix_which_takes_opposed_music_out():
    music, spoken = 0.25 * RNG.standard_normal(10 * RATE).astype(np.float32), voice(10)
    channels = np.stack([0.3 * spoken + music, 0.3 * spoken - music])
    heard, said = mixed(channels, "stereo")
    assert said == [] and np.array_equal(heard, plainly(channels, "stereo"))


def test_a_channel_is_taken_for_as_long_as_it_is_needed():
    spoken = voice(12)
    flipped = spoken.copy()
    flipped[4 * RATE : 8 * RATE] *= -1
    heard, _ = mixed(np.stack([spoken, flipped]), "stereo")
    levels = [rms(heard[round(second * SAMPLE_RATE) :][:SAMPLE_RATE]) for second in (1, 5, 6, 9, 10.5)]
    assert levels == pytest.approx([0.212] * 5, rel=0.03)
    assert np.abs(np.diff(heard)).max() < 0.1, "without a click"


def test_quiet_opposed_channels_are_seen_as_well():
    sound = voice(10) * 0.01
    assert rms(mixed(np.stack([sound, -sound]), "stereo")[0]) > 0.001


def test_opposed_channels_with_an_offset_are_seen_as_well():
    sound = voice(10)
    assert rms(mixed(np.stack([sound, -sound]) + 0.4, "stereo")[0] - 0.4) > 0.1


def test_without_the_network_the_louder_one_is_the_better_one():
    sound = voice(10)
    assert rms(mixed(np.stack([sound, -sound]), "stereo", Missing())[0]) > 0.2


def test_what_is_shorter_than_a_stretch_is_looked_at_too():
    sound = voice(STRETCH / 4)
    assert rms(mixed(np.stack([sound, -sound]), "stereo")[0][500:]) > 0.19


def test_the_real_network_hears_the_voice(beckett_audio):
    sound = beckett_audio[: 8 * SAMPLE_RATE]
    said: list[str] = []
    mix, pieces = None, []
    for frame in frames(np.stack([sound, -sound]), "stereo", rate=SAMPLE_RATE):
        mix = mix or VoicedMix(frame, said.append)
        pieces.append(mix.process(frame))
    heard = np.concatenate([*pieces, mix.flush()])
    assert said and np.array_equal(heard[200:], sound[200:])
