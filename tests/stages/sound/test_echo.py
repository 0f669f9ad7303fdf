"""What loudspeakers play is told from who speaks into the microphone."""

from __future__ import annotations

import numpy as np
import pytest

from lipstream.pipeline import Packet, micros
from lipstream.pipeline.testing import run_stage
from lipstream.stages.payloads import SAMPLE_RATE, AudioBlock
from lipstream.stages.sound.echo import EchoCanceller
from lipstream.stages.sound.echo_filter import BLOCK, EchoFilter

SECONDS = 12
SPEAKS_FROM = 6


def decibels(sound: np.ndarray) -> float:
    return 10 * float(np.log10(np.mean(sound.astype(float) ** 2) + 1e-15))


def room(seed: int, delay: int) -> np.ndarray:
    """The way from loudspeaker to microphone: a delay in samples, and a room that dies away by 60 dB in 0.2 s."""
    generator = np.random.default_rng(seed)
    tail = generator.normal(size=3200) * np.exp(-np.arange(3200) / 460)
    way = np.concatenate([np.zeros(delay), tail])
    return 0.4 * way / np.linalg.norm(way)


def heard(played: np.ndarray, near: np.ndarray, seed: int = 3, delay: int = 900) -> tuple[np.ndarray, np.ndarray]:
    """What the microphone hears of both, and of the near voice alone."""
    far = np.tile(played, 4)[: SECONDS * SAMPLE_RATE]
    echo = np.convolve(far, room(seed, delay))[: len(far)]
    voice = np.zeros(len(far))
    part = near[: (SECONDS - SPEAKS_FROM) * SAMPLE_RATE]
    voice[SPEAKS_FROM * SAMPLE_RATE :][: len(part)] = part
    noise = np.random.default_rng(seed).normal(size=len(far)) * 1e-4
    return (echo + voice + noise).astype(np.float32), voice.astype(np.float32)


def filtered(mixed: np.ndarray, far: np.ndarray) -> np.ndarray:
    echo_filter, out = EchoFilter(), []
    for at in range(0, len(mixed) - BLOCK + 1, BLOCK):
        out.append(echo_filter.process(mixed[at : at + BLOCK], far[at : at + BLOCK]))
    return np.concatenate(out)


@pytest.mark.parametrize(("seed", "delay"), [(1, 300), (2, 900), (3, 3000)])
def test_of_an_echo_next_to_nothing_is_left_and_of_a_voice_over_it_all(
    two_cities_audio: np.ndarray, beckett_audio: np.ndarray, seed: int, delay: int
):
    mixed, voice = heard(two_cities_audio, beckett_audio, seed, delay)
    out = filtered(mixed, np.tile(two_cities_audio, 4)[: len(mixed)])
    echo_alone = slice(3 * SAMPLE_RATE, SPEAKS_FROM * SAMPLE_RATE)
    assert decibels(out[echo_alone]) < decibels(mixed[echo_alone]) - 35
    speaking = slice(SPEAKS_FROM * SAMPLE_RATE, len(out))
    error = out[speaking] - voice[speaking][: len(out[speaking])]
    assert decibels(error) < decibels(voice[speaking]) - 20
    before = mixed[speaking] - voice[speaking]
    assert decibels(error) < decibels(before) - 6


def test_without_anything_played_the_sound_is_as_it_was(beckett_audio: np.ndarray):
    sound = beckett_audio[: 4 * SAMPLE_RATE]
    out = filtered(sound, np.zeros_like(sound))
    assert (out == sound[: len(out)]).all()


def test_with_headphones_a_voice_is_left_as_it_is(two_cities_audio: np.ndarray, beckett_audio: np.ndarray):
    """What is played is not heard, while somebody speaks from the first moment on."""
    length = min(len(two_cities_audio), len(beckett_audio))
    out = filtered(beckett_audio[:length], two_cities_audio[:length])
    assert (out == beckett_audio[: len(out)]).all()


def packets(sound: np.ndarray, block: int, late: int = 0) -> list[Packet[AudioBlock]]:
    return [
        Packet(micros(at / SAMPLE_RATE) + late, AudioBlock(sound[at : at + block]), micros(block / SAMPLE_RATE))
        for at in range(0, len(sound), block)
    ]


def test_the_stage_places_both_by_their_time(two_cities_audio: np.ndarray, beckett_audio: np.ndarray):
    """Blocks of two sizes, and a microphone whose sound comes 30 ms before what is played by the clocks."""
    mixed, _ = heard(two_cities_audio, beckett_audio, seed=4, delay=200)
    far = np.tile(two_cities_audio, 4)[: len(mixed)]
    given = {"audio": packets(mixed, 320), "played": packets(far, 441, late=30_000)}
    out = run_stage(EchoCanceller(), given)[:]
    assert out[0].timestamp == 0
    ends = [packet.timestamp + len(packet.payload.samples) * 62.5 for packet in out]
    assert np.abs(np.array([packet.timestamp for packet in out[1:]]) - ends[:-1]).max() <= 62.5
    cleaned = np.concatenate([packet.payload.samples for packet in out])
    assert len(cleaned) == len(mixed)
    echo_alone = slice(3 * SAMPLE_RATE, SPEAKS_FROM * SAMPLE_RATE)
    assert decibels(cleaned[echo_alone]) < decibels(mixed[echo_alone]) - 30


def test_where_what_is_played_ends_early_the_sound_goes_on(beckett_audio: np.ndarray):
    sound = beckett_audio[: 3 * SAMPLE_RATE]
    out = run_stage(EchoCanceller(), {"audio": packets(sound, 320), "played": packets(sound[:320], 320)})[:]
    assert sum(len(packet.payload.samples) for packet in out) == len(sound)


def test_silence_in_place_of_lost_sound_stays_counted(beckett_audio: np.ndarray):
    sound = beckett_audio[:SAMPLE_RATE]
    given = packets(sound, 320)
    given[10] = Packet(given[10].timestamp, AudioBlock(given[10].payload.samples, 300), given[10].duration)
    out = run_stage(EchoCanceller(), {"audio": given, "played": packets(np.zeros_like(sound), 320)})[:]
    assert sum(packet.payload.filled for packet in out) == 300
