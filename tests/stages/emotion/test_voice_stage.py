"""The voice: which windows of a segment are judged, when, and that each is judged once."""

from __future__ import annotations

import numpy as np
import pytest

from lipstream.models.speech.engine import Encoding
from lipstream.pipeline import Degraded, Packet, micros
from lipstream.pipeline.testing import run_stage
from lipstream.stages.emotion.voice import Voice
from lipstream.stages.payloads import SAMPLE_RATE, EncodedSpeech
from tests.stages.emotion.emotion_fakes import evidence

RATE = 16_000 / 384
START = 2.0


class Listener:
    """Keeps the spans of the windows it was given, read off the frames and the sound, whose values are their times."""

    def __init__(self, fail_on: int = 0) -> None:
        self.spans: list[tuple[float, float]] = []
        self.lengths: list[float] = []
        self._fail_on = fail_on

    def load(self) -> None: ...

    def predict_all(self, windows):
        return [self._predict(encoded, audio) for encoded, audio in windows]

    def _predict(self, encoded, audio):
        self.spans.append((float(encoded[0, 0]), float(encoded[-1, 0]) + 1 / RATE))
        self.lengths.append(len(audio) / SAMPLE_RATE)
        if len(self.spans) == self._fail_on:
            raise RuntimeError("scripted failure")
        return evidence("sad")


def speech(duration: float, *, last: bool, voiced: float | None = None, segment: int = 1) -> Packet[EncodedSpeech]:
    """An encoding of a segment's first seconds; it is voiced from 0.3 s on, to 0.2 s before its end by default."""
    samples = round(duration * SAMPLE_RATE)
    frames = np.arange(round(duration * RATE), dtype=np.float32)[:, None] / np.float32(RATE)
    start = micros(START + 100 * (segment - 1))
    payload = EncodedSpeech(
        segment=segment,
        encoding=Encoding(frames, RATE, samples),
        samples=np.zeros(samples, np.float32),
        start=start,
        speech_start=start + micros(0.3),
        speech_end=start + micros(duration - 0.2 if voiced is None else voiced),
        end=start + micros(duration),
        last=last,
    )
    return Packet(start + micros(duration), payload)


def ends(run) -> list[float]:
    return [round(packet.payload.end / 1e6 - START, 3) for packet in run]


def test_a_whole_utterance_gives_all_its_windows_at_once_stamped_with_media_time():
    network = Listener()
    run = run_stage(Voice(network), [speech(5.0, last=True)])
    assert ends(run) == [0.75, 1.25, 1.75, 2.25, 2.75, 3.25, 3.75, 4.25, 4.75, 5.0]
    assert {packet.timestamp for packet in run} == {micros(START + 5.0)}
    for packet, (first, last), length in zip(run, network.spans, network.lengths, strict=True):
        window = packet.payload
        assert window.start == max(micros(START), window.end - micros(3.0))
        assert first == pytest.approx(window.start / 1e6 - START, abs=0.02)
        assert last == pytest.approx(window.end / 1e6 - START, abs=0.02)
        assert length == pytest.approx((window.end - window.start) / 1e6)


def test_a_growing_segment_has_the_same_windows_each_judged_once_as_soon_as_it_is_there():
    network = Listener()
    updates = [speech(0.4 * step, last=False, voiced=0.4 * step) for step in range(1, 13)]
    run = run_stage(Voice(network), [*updates, speech(5.0, last=True)])
    assert ends(run) == ends(run_stage(Voice(Listener()), [speech(5.0, last=True)]))
    assert len(network.spans) == len(set(network.spans))
    late = [packet.timestamp / 1e6 - packet.payload.end / 1e6 for packet in run]
    assert max(late) < 0.4


@pytest.mark.parametrize(
    ("duration", "voiced", "expected"), [(0.8, 0.4, [0.6]), (1.0, 0.6, [0.75]), (0.45, 0.1, [0.3])]
)
def test_short_speech_is_one_window_without_the_silence_behind_it(duration, voiced, expected):
    assert ends(run_stage(Voice(Listener()), [speech(duration, last=True, voiced=voiced)])) == expected


def test_next_to_no_sound_says_nothing():
    assert ends(run_stage(Voice(Listener()), [speech(0.2, last=True, voiced=0.2)])) == []


def test_silence_at_the_end_of_a_segment_is_not_judged():
    assert ends(run_stage(Voice(Listener()), [speech(3.0, last=True, voiced=1.4)])) == [0.75, 1.25, 1.6]


def test_segments_do_not_mix():
    run = run_stage(Voice(Listener()), [speech(1.3, last=True), speech(1.3, last=True, segment=2)])
    assert [packet.payload.start for packet in run] == [micros(START)] * 2 + [micros(START + 100)] * 2


def test_live_an_utterance_that_comes_late_is_judged_by_its_newest_windows_only():
    run = run_stage(Voice(Listener()), [speech(8.0, last=True)], lossless=False)
    assert ends(run) == [6.75, 7.25, 7.75, 8.0]


def test_a_network_that_fails_costs_the_windows_of_one_encoding():
    run = run_stage(Voice(Listener(fail_on=1)), [speech(0.8, last=False), speech(1.6, last=True)])
    assert ends(run) == [1.25, 1.6]
    assert isinstance(run.events[0], Degraded)
    assert run.events[0].modality == "audio"


def test_a_window_of_less_than_a_second_makes_little_of_what_it_heard():
    windows = [packet.payload for packet in run_stage(Voice(Listener()), [speech(3.0, last=True)])]
    heard = {round((each.end - each.start) / 1e6, 2): each.evidence.log_probabilities for each in windows}
    whole = evidence("sad").log_probabilities
    assert heard[0.75] == pytest.approx(whole * 0.75 / 1.1)
    assert heard[1.25] == pytest.approx(whole) and heard[2.25] == pytest.approx(whole)
