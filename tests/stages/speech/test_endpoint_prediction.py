"""The end of a segment, foreseen in the pause that may end it: voice activity to text, with scripted networks."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lipstream.config import VadConfig
from lipstream.events import TranscriptFinal, TranscriptPartial
from lipstream.models.speech.fusion import AudioOnlyFusion, Fusion
from lipstream.pipeline import Degraded, Packet, Recovered, seconds
from lipstream.pipeline.testing import StageRun, run_stage
from lipstream.stages.payloads import SAMPLE_RATE, AudioBlock, EncodedSpeech
from lipstream.stages.speech.decode import Decode
from lipstream.stages.speech.encode import Encode
from lipstream.stages.speech.endpoint_prediction import prolonged
from lipstream.stages.speech.fuse import Fuse
from lipstream.stages.speech.onset import WINDOW
from lipstream.stages.speech.voice_activity import VoiceActivity
from tests.stages.fakes import CountingEngine, reading, spoken
from tests.stages.speech.fake_vad import LoudnessVad

STEP = 32_000
HUM = 0.02
"""Amplitude of a room in which nobody speaks; the scripted recogniser hears no word in it."""
WEAK = 0.1
"""Amplitude of a word, "one", that voice activity takes for silence."""
VOICE = 0.15
"""Amplitude above which it hears a voice."""


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
    windows = [Packet(index * STEP, AudioBlock(each), STEP) for index, each in enumerate(signal)]
    return run_stage(VoiceActivity(LoudnessVad(VOICE), config or VadConfig()), windows).only("speech")


def captions(
    *sounds: np.ndarray,
    engine: CountingEngine | None = None,
    fusion: Fusion | None = None,
    interval: float | None = 0.4,
    config: VadConfig | None = None,
) -> StageRun:
    engine = engine or CountingEngine()
    encoded = run_stage(Encode(engine, interval), heard(*sounds, config=config))
    return run_stage(Decode(reading(engine)), run_stage(Fuse(fusion or AudioOnlyFusion(), 30.0), {"speech": encoded}))


def finals(run: StageRun) -> list[str]:
    return [event.text for event in run.events if isinstance(event, TranscriptFinal)]


def partials(run: StageRun) -> list[TranscriptPartial]:
    return [event for event in run.events if isinstance(event, TranscriptPartial)]


def foreseen(*sounds: np.ndarray, config: VadConfig | None = None, interval: float = 5.0) -> list[float]:
    """Seconds after the last voiced moment at which an end was foreseen; the interval is too long for other looks."""
    encoded = run_stage(Encode(CountingEngine(), interval), heard(*sounds, config=config))
    found = [packet for packet in encoded if packet.payload.tentative]
    return [seconds(packet.timestamp - packet.payload.speech_end) for packet in found]


def words(*numbers: int) -> np.ndarray:
    return spoken(numbers, tail=0.0)


def test_a_chunk_says_how_long_it_has_been_silent_and_how_long_it_may_be():
    chunks = [packet.payload for packet in heard(quiet(0.32), words(2, 3), quiet(0.8))]
    assert [chunk.silence for chunk in chunks[:-14]] == [0.0] * (len(chunks) - 14)
    assert [chunk.silence for chunk in chunks[-14:-1]] == pytest.approx([0.032 * (index + 1) for index in range(13)])
    assert {chunk.pause for chunk in chunks} == {0.4}


def test_a_long_segment_ends_after_a_shorter_pause_and_says_so():
    config = VadConfig(soft_segment=1.0, max_segment=5.0, cut_lookback=1.0)
    pauses = [packet.payload.pause for packet in heard(words(2, 3, 4, 5, 6, 7), config=config)]
    assert pauses[0] == 0.4 and pauses[-1] < 0.35 and pauses == sorted(pauses, reverse=True)


def test_when_silence_ends_a_segment_nothing_is_encoded_fused_or_decoded_again():
    engine, fusion = CountingEngine(), Fused()
    chunks = heard(quiet(0.32), words(2, 3, 4), quiet(0.8))
    before = [packet for packet in chunks if not packet.payload.last]
    encoded = run_stage(Encode(engine, 0.4), before)
    run_stage(Decode(reading(engine)), run_stage(Fuse(fusion, 30.0), {"speech": encoded}))
    known = len(engine.encoded), fusion.asked, engine.decoded
    engine, fusion = CountingEngine(), Fused()
    encoded = run_stage(Encode(engine, 0.4), list(chunks))
    run = run_stage(Decode(reading(engine)), run_stage(Fuse(fusion, 30.0), {"speech": encoded}))
    assert (len(engine.encoded), fusion.asked, engine.decoded) == known
    assert finals(run) == ["two three four"]
    assert encoded[-1].payload.last and encoded[-1].payload.prediction == encoded[-2].payload.prediction > 0
    # What was foreseen is as long as what came.
    assert engine.encoded[-1] == pytest.approx(sum(len(packet.payload.samples) for packet in chunks), abs=WINDOW)


@pytest.mark.parametrize(
    ("hang_over", "expected"),
    [(0.8, [0.416]), (0.4, [0.224]), (0.16, [0.128]), (0.1, [])],
    ids=["half of it", "as a rule", "no sooner than there is a tenth of a second of it", "too short to look ahead"],
)
def test_the_end_is_foreseen_half_way_through_the_pause(hang_over: float, expected: list[float]):
    assert foreseen(words(2, 3), quiet(1.0), config=VadConfig(hang_over=hang_over)) == pytest.approx(expected)


def test_there_is_no_early_look_behind_an_end_that_is_foreseen():
    short = words(2)[:3072]
    assert foreseen(short, quiet(1.0), config=VadConfig(hang_over=0.8), interval=0.4) == pytest.approx([0.416])


def test_the_end_is_foreseen_in_every_pause_anew():
    assert foreseen(words(2), quiet(0.3), words(3), quiet(0.8)) == pytest.approx([0.224, 0.224], abs=0.032)


def test_the_end_is_not_foreseen_before_the_pause_is_level():
    weak = quiet(0.064, WEAK)
    assert foreseen(words(2, 3), quiet(0.128), weak, quiet(0.8)) == pytest.approx([0.288])
    assert finals(captions(words(2, 3), quiet(0.128), weak, quiet(0.8))) == ["two three one"]


def test_in_a_pause_that_is_known_there_are_no_updates():
    config = VadConfig(hang_over=0.8)
    encoded = run_stage(Encode(CountingEngine(), 0.1), heard(words(2, 3), quiet(0.736), words(4), config=config))
    ahead = encoded[max(at for at, packet in enumerate(encoded) if packet.payload.tentative) :]
    assert ahead[1].timestamp - ahead[0].timestamp > 300_000
    assert ahead[2].timestamp - ahead[1].timestamp < 130_000


@pytest.mark.parametrize("pause", [0.1, 0.2, 0.25, 0.35])
def test_what_is_said_after_a_short_pause_is_in_the_same_final(pause: float):
    run = captions(words(2, 3), quiet(pause), words(4), quiet(0.8))
    assert finals(run) == ["two three four"]


def test_a_weak_word_behind_the_middle_of_the_pause_is_not_lost():
    run = captions(words(2, 3), quiet(0.256), quiet(0.096, WEAK), quiet(0.032))
    assert finals(run) == ["two three one"]


@pytest.mark.parametrize(
    ("before", "after", "times"),
    [(HUM, 1.4 * HUM, 1), (HUM, 1.6 * HUM, 2), (0.0, 5e-5, 1), (0.0, 1e-3, 2)],
    ids=["a little louder", "louder", "inaudible", "audible"],
)
def test_if_something_louder_follows_the_segment_is_encoded_as_it_is(before: float, after: float, times: int):
    engine = CountingEngine()
    captions(words(2), quiet(0.256, before), quiet(0.032, after), quiet(0.8, before), engine=engine, interval=5.0)
    assert len(engine.encoded) == times


def test_pauses_that_come_more_often_than_updates_do_not_put_these_off():
    sounds = [sound for number in (2, 3, 4, 5, 6, 7) for sound in (words(number), quiet(0.256))]
    encoded = run_stage(Encode(CountingEngine(), 0.8), heard(*sounds))
    assert len([packet for packet in encoded if not packet.payload.tentative and not packet.payload.last]) >= 3


def test_what_is_foreseen_promises_nothing_and_confirms_nothing():
    run = captions(words(2, 3, 4), quiet(0.3), words(5, 6, 7), quiet(0.8), interval=1.3)
    ahead, update, *_ = partials(run)
    assert (ahead.stable, ahead.unstable) == ("", "two three four")
    assert update.text.startswith("two three four") and not update.stable


def test_a_tentative_look_that_hears_nothing_takes_nothing_back():
    class Deaf(CountingEngine):
        """Hears nothing in the early look."""

        def decode(self, encoding, prefix=(), draft=()):
            found = super().decode(encoding, prefix, draft)
            return dataclasses.replace(found, tokens=(), probabilities=(), text="") if self.decoded == 2 else found

    first, second, *_ = partials(captions(words(2, 3, 4, 5), engine=Deaf()))
    assert first.text == "two" and not first.stable
    assert second.text.startswith("two three")


@pytest.mark.parametrize("interval", [None, 5.0], ids=["at the end", "ahead of it"])
def test_an_encoder_that_fails_once_is_tried_again_at_the_end_and_not_at_every_window(interval: float | None):
    class Failing(CountingEngine):
        calls = 0

        def encode(self, audio):
            self.calls += 1
            if self.calls == 1:
                raise RuntimeError("scripted failure")
            return super().encode(audio)

    engine = Failing()
    assert finals(captions(words(2), quiet(0.8), engine=engine, interval=interval)) == ["two"]
    assert engine.calls == 2


def test_a_decoder_that_fails_ahead_of_the_end_is_asked_again_at_it():
    run = captions(words(2), quiet(0.8), engine=CountingEngine(fail_on=[1]), interval=5.0)
    assert [type(event) for event in run.events] == [Degraded, TranscriptFinal, Recovered]
    assert finals(run) == ["two"]


def test_without_partials_nothing_is_foreseen():
    engine = CountingEngine()
    assert finals(captions(words(2, 3), quiet(0.8), engine=engine, interval=None)) == ["two three"]
    assert len(engine.encoded) == engine.decoded == 1


def test_words_do_not_end_after_what_was_heard_if_the_sound_ends_in_the_pause():
    sounds = words(2, 3), quiet(0.256)
    (final,) = [event for event in captions(*sounds).events if isinstance(event, TranscriptFinal)]
    assert final.end <= sum(map(len, sounds)) / SAMPLE_RATE
    assert [word.start <= word.end for word in final.words] == [True, True]


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


@given(samples=st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=4000), missing=st.integers(-10, 8000))
def test_the_rest_of_a_pause_is_its_newest_part_back_and_forth(samples, missing):
    sound = np.array(samples, np.float32)
    longer = prolonged(sound, missing)
    assert np.array_equal(longer[: len(sound)], sound)
    newest = sound[-1600:]
    period = np.concatenate([newest[::-1], newest])
    assert np.array_equal(longer[len(sound) :], np.resize(period, max(0, missing)))


def test_a_prediction_is_recognised_though_a_stage_in_between_has_copied_it():
    def copied(speech: EncodedSpeech) -> EncodedSpeech:
        features = speech.encoding.features.copy()
        return dataclasses.replace(speech, encoding=dataclasses.replace(speech.encoding, features=features))

    engine, fusion = CountingEngine(), Fused()
    encoded = run_stage(Encode(engine, 5.0), heard(words(2, 3, 4), quiet(0.8)))
    copies = [dataclasses.replace(packet, payload=copied(packet.payload)) for packet in encoded]
    run = run_stage(Decode(reading(engine)), run_stage(Fuse(fusion, 30.0), {"speech": copies}))
    assert finals(run) == ["two three four"]
    assert (len(copies), fusion.asked, engine.decoded) == (2, 1, 1)


def test_predictions_of_a_run_are_told_apart():
    encoded = run_stage(Encode(CountingEngine(), 5.0), heard(words(2), quiet(0.8), words(3), quiet(0.8)))
    assert [packet.payload.prediction for packet in encoded] == [1, 1, 2, 2]


def test_what_was_decoded_without_lips_because_fusion_failed_is_decoded_again_with_them():
    class FailsOnce(Fused):
        def fuse(self, encoding, sound, lips):
            fused = super().fuse(encoding, sound, lips)
            if self.asked == 1:
                raise RuntimeError("scripted failure")
            return fused

    engine, fusion = CountingEngine(), FailsOnce()
    run = captions(words(2, 3), quiet(0.8), engine=engine, fusion=fusion, interval=5.0)
    assert finals(run) == ["two three"]
    assert (fusion.asked, engine.decoded) == (2, 2)
