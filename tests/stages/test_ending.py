"""The end of a segment, foreseen in the pause that may end it: voice activity to text, with scripted networks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.fusion import AudioOnlyFusion, Fusion
from pipeline import Packet, TranscriptFinal, TranscriptPartial
from pipeline.config import VadConfig
from pipeline.testing import StageRun, run_stage
from stages.decode import Decode
from stages.encode import Encode
from stages.ending import prolonged
from stages.fuse import Fuse
from stages.payloads import SAMPLE_RATE, AudioWindow
from stages.voice_activity import WINDOW, VoiceActivity
from tests.stages.fakes import CountingEngine, spoken

STEP = 32_000
HUM = 0.02
"""Amplitude of a room in which nobody speaks; the scripted recogniser hears no word in it."""
WEAK = 0.1
"""Amplitude of a word, "one", that voice activity takes for silence."""


class Loudness:
    """Takes what is louder than `WEAK` for speech."""

    def load(self) -> None: ...

    def reset(self) -> None: ...

    def probability(self, window: np.ndarray) -> float:
        return float(np.abs(window).max() > 0.15)


class Fused(AudioOnlyFusion):
    """Counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0

    def fuse(self, encoding, sound, lips):
        self.asked += 1
        return super().fuse(encoding, sound, lips)


def quiet(seconds: float, level: float = HUM) -> np.ndarray:
    return np.full(round(seconds * SAMPLE_RATE), level, np.float32)


def heard(*sounds: np.ndarray, config: VadConfig | None = None) -> StageRun:
    """Chunks of voice activity."""
    signal = np.concatenate(sounds)
    signal = signal[: len(signal) // WINDOW * WINDOW].reshape(-1, WINDOW)
    windows = [Packet(index * STEP, AudioWindow(each, WINDOW), STEP) for index, each in enumerate(signal)]
    return run_stage(VoiceActivity(Loudness(), config or VadConfig()), windows)


def captions(
    *sounds: np.ndarray,
    engine: CountingEngine | None = None,
    fusion: Fusion | None = None,
    interval: float | None = 0.4,
) -> StageRun:
    engine = engine or CountingEngine()
    encoded = run_stage(Encode(engine, interval), heard(*sounds))
    return run_stage(Decode(engine), run_stage(Fuse(fusion or AudioOnlyFusion(), 30.0), {"speech": encoded}))


def finals(run: StageRun) -> list[str]:
    return [event.text for event in run.events if isinstance(event, TranscriptFinal)]


def words(*numbers: int) -> np.ndarray:
    return spoken(numbers, tail=0.0)


def test_a_chunk_says_how_long_it_has_been_silent_and_how_long_it_may_be():
    chunks = [packet.payload for packet in heard(quiet(0.32), words(2, 3), quiet(0.8))]
    assert [chunk.silence for chunk in chunks[:-14]] == [0.0] * (len(chunks) - 14)
    assert [chunk.silence for chunk in chunks[-14:-1]] == pytest.approx([0.032 * (index + 1) for index in range(13)])
    assert {chunk.pause for chunk in chunks} == {0.4}


def test_a_long_segment_ends_after_a_shorter_pause_and_says_so():
    config = VadConfig(soft_segment=1.0, max_segment=5.0, cut_lookback=1.0)
    pauses = [packet.payload.pause for packet in heard(words(2, 3), words(4, 5, 6, 7), config=config)]
    assert pauses[0] == 0.4 and pauses[-1] < 0.35 and pauses == sorted(pauses, reverse=True)


def test_when_silence_ends_a_segment_its_text_is_known_and_no_network_runs_again():
    engine, fusion = CountingEngine(), Fused()
    chunks = heard(quiet(0.32), words(2, 3, 4), quiet(0.8))
    before = [packet for packet in chunks if not packet.payload.last]
    encoded = run_stage(Encode(engine, 0.4), before)
    run_stage(Decode(engine), run_stage(Fuse(fusion, 30.0), {"speech": encoded}))
    foreseen = len(engine.encoded), fusion.asked, engine.decoded
    engine, fusion = CountingEngine(), Fused()
    encoded = run_stage(Encode(engine, 0.4), list(chunks))
    run = run_stage(Decode(engine), run_stage(Fuse(fusion, 30.0), {"speech": encoded}))
    assert (len(engine.encoded), fusion.asked, engine.decoded) == foreseen
    assert finals(run) == ["two three four"]
    assert encoded[-1].payload.last and encoded[-1].payload.encoding is encoded[-2].payload.encoding
    # What was foreseen is as long as what came.
    assert engine.encoded[-1] == pytest.approx(sum(len(packet.payload.samples) for packet in chunks), abs=WINDOW)


def test_a_pause_is_encoded_once():
    engine = CountingEngine()
    encoded = run_stage(Encode(engine, 0.1), heard(words(2, 3), quiet(0.35), words(4), quiet(0.8)))
    _, *foreseen = [at for at, packet in enumerate(encoded) if packet.payload.tentative]
    assert len(foreseen) == 2
    first, next_one = encoded[foreseen[0]], encoded[foreseen[0] + 1]
    voice_again = first.payload.speech_end + 350_000
    assert first.timestamp < voice_again < next_one.timestamp


@pytest.mark.parametrize("pause", [0.1, 0.2, 0.25, 0.35])
def test_what_is_said_after_a_short_pause_is_in_the_same_final(pause: float):
    run = captions(words(2, 3), quiet(pause), words(4), quiet(0.8))
    assert finals(run) == ["two three four"]


def test_a_weak_word_behind_the_middle_of_the_pause_is_not_lost():
    engine = CountingEngine()
    run = captions(words(2, 3), quiet(0.256), quiet(0.096, WEAK), quiet(0.032), engine=engine)
    assert finals(run) == ["two three one"]


def test_what_is_foreseen_promises_nothing():
    run = captions(words(2, 3, 4), quiet(0.3), words(5, 6, 7), quiet(0.8), interval=5.0)
    shown = [event for event in run.events if isinstance(event, TranscriptPartial)]
    assert [event.text for event in shown] == ["two three four", "two three four five six seven"]
    assert not any(event.stable for event in shown)


def test_an_encoder_that_fails_in_a_pause_is_not_asked_at_every_window_and_the_end_is_tried_anew():
    class Failing(CountingEngine):
        calls = 0

        def encode(self, audio):
            self.calls += 1
            if self.calls == 1:
                raise RuntimeError("scripted failure")
            return super().encode(audio)

    engine = Failing()
    run = captions(words(2), quiet(0.8), engine=engine, interval=5.0)
    assert engine.calls == 2
    assert finals(run) == ["two"]


def test_without_partials_nothing_is_foreseen():
    engine = CountingEngine()
    assert finals(captions(words(2, 3), quiet(0.8), engine=engine, interval=None)) == ["two three"]
    assert len(engine.encoded) == engine.decoded == 1


@given(
    script=st.lists(st.tuples(st.integers(2, 9), st.sampled_from([0.0, 0.1, 0.25, 0.3, 0.9])), min_size=1, max_size=8),
    interval=st.sampled_from([0.1, 0.4, 1.0]),
)
def test_stable_text_is_never_retracted_however_often_an_end_is_foreseen(script, interval):
    run = captions(*(piece for word, pause in script for piece in (words(word), quiet(pause))), interval=interval)
    promised: dict[int, str] = {}
    for event in run.events:
        text = event.stable if isinstance(event, TranscriptPartial) else event.text
        assert text.startswith(promised.get(event.segment, ""))
        promised[event.segment] = text


@given(
    heard_before=st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=4000),
    missing=st.integers(-10, 8000),
)
def test_what_is_made_up_is_as_loud_as_what_was_heard(heard_before, missing):
    samples = np.array(heard_before, np.float32)
    longer = prolonged(samples, missing)
    assert len(longer) == len(samples) + max(0, missing)
    assert np.array_equal(longer[: len(samples)], samples)
    assert set(longer[len(samples) :]) <= set(samples[-1600:])
