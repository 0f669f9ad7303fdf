"""Cutting sound into speech segments, with a detector that follows a script."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lipstream.config import VadConfig, load_config
from lipstream.events import Remark, SpeechEnded, SpeechStarted
from lipstream.pipeline import ConfigError, Packet
from lipstream.pipeline.testing import run_stage
from lipstream.stages.payloads import SAMPLE_RATE, AudioBlock, Mouth, MouthState
from lipstream.stages.speech.endpointing import Endpointing
from lipstream.stages.speech.onset import WINDOW, WINDOW_SECONDS, Heard
from lipstream.stages.speech.segmenter import Segmenter, VoiceState
from lipstream.stages.speech.speech_probability import SpeechProbability
from lipstream.stages.speech.voice_activity import VoiceActivity

STEP = 32_000
CONFIG = VadConfig(pre_roll=0.3, hang_over=0.4, min_speech=0.1, max_segment=6.0, soft_segment=3.0, cut_lookback=1.0)


class ScriptedDetector:
    """Says that a window's first sample is its speech probability."""

    def load(self) -> None: ...

    def reset(self) -> None: ...

    def probability(self, window: np.ndarray) -> float:
        return float(window[0])


def windows(*spans: tuple[float, float]) -> list[Packet[AudioBlock]]:
    """Spans of (probability, seconds), as windows numbered in their second sample."""
    packets: list[Packet[AudioBlock]] = []
    for probability, length in spans:
        for _ in range(round(length / WINDOW_SECONDS)):
            samples = np.zeros(WINDOW, np.float32)
            samples[:2] = probability, len(packets)
            packets.append(Packet(len(packets) * STEP, AudioBlock(samples), STEP))
    return packets


def segments(run) -> dict[int, list[int]]:
    """Window numbers of each segment."""
    found: dict[int, list[int]] = {}
    for packet in run:
        numbers = packet.payload.samples.reshape(-1, WINDOW)[:, 1].astype(int).tolist()
        found.setdefault(packet.payload.segment, []).extend(numbers)
    return found


def vad(*spans: tuple[float, float], config: VadConfig = CONFIG):
    return run_stage(VoiceActivity(ScriptedDetector(), config), windows(*spans)).only("speech")


def test_a_segment_has_its_pre_roll_and_ends_after_the_hang_over():
    run = vad((0.0, 1.6), (0.9, 1.6), (0.0, 1.6))
    started, ended = run.events
    assert isinstance(started, SpeechStarted) and started.start == pytest.approx(1.6)
    assert isinstance(ended, SpeechEnded) and ended.end == pytest.approx(3.2) and ended.reason == "pause"
    (numbers,) = segments(run).values()
    assert numbers[0] == pytest.approx(50 - 0.3 / WINDOW_SECONDS, abs=1)
    assert numbers[-1] == pytest.approx(100 + 0.4 / WINDOW_SECONDS, abs=1)
    assert [p.payload.first for p in run] == [True] + [False] * (len(run) - 1)
    assert [p.payload.last for p in run] == [False] * (len(run) - 1) + [True]


def test_silence_and_a_click_are_no_speech():
    assert len(vad((0.0, 2.0))) == 0
    run = vad((0.0, 1.0), (0.9, 0.064), (0.0, 1.0))
    assert len(run) == 0 and [event.kind for event in run.events] == ["no_speech"]


def test_a_pause_shorter_than_the_hang_over_does_not_end_a_segment():
    run = vad((0.9, 1.0), (0.0, 0.3), (0.9, 1.0), (0.0, 1.0))
    assert list(segments(run)) == [1]


def test_between_the_two_thresholds_speech_goes_on():
    run = vad((0.9, 0.5), (0.4, 1.0), (0.0, 1.0))
    (ended,) = [e for e in run.events if isinstance(e, SpeechEnded)]
    assert len(segments(run)[1]) * WINDOW_SECONDS == pytest.approx(1.9, abs=0.1)
    assert ended.start == 0


def test_the_end_of_the_stream_ends_the_segment():
    run = vad((0.0, 0.5), (0.9, 1.0))
    assert run[-1].payload.last
    assert run.events[-1].reason == "end_of_stream"


def test_a_long_segment_ends_at_a_shorter_pause():
    spans = [(0.9, 4.6), (0.0, 0.25), (0.9, 1.0), (0.0, 1.0)]
    assert len(segments(vad(*spans))) == 2
    assert len(segments(vad((0.9, 1.0), *spans[1:]))) == 1


def test_speech_without_a_pause_is_cut_at_the_least_voiced_moment():
    run = vad((0.95, 5.6), (0.7, 0.16), (0.95, 4.0), (0.0, 1.0))
    first, second = [e for e in run.events if isinstance(e, SpeechEnded)]
    assert first.reason == "max_segment"
    assert 5.6 <= first.end <= 5.76
    assert second.start == first.end and second.reason == "pause"
    assert segments(run)[1][-1] + 1 == segments(run)[2][0]


def test_no_sound_is_sent_before_it_is_sure_to_which_segment_it_belongs():
    run = vad((0.95, 20.0))
    for packet in run:
        if not packet.payload.last and not packet.payload.first:
            began = next(p for p in run if p.payload.segment == packet.payload.segment).timestamp
            assert packet.end - began <= (CONFIG.max_segment - CONFIG.cut_lookback) * 1e6 + STEP


spans_strategy = st.lists(
    st.tuples(st.sampled_from([0.0, 0.2, 0.4, 0.55, 0.9]), st.floats(0.03, 4.0)), min_size=1, max_size=12
)


@given(spans=spans_strategy)
def test_segments_are_contiguous_bounded_and_never_overlap(spans):
    run = vad(*spans)
    seen = -1
    for numbers in segments(run).values():
        assert numbers == list(range(numbers[0], numbers[-1] + 1))
        assert numbers[0] > seen
        seen = numbers[-1]
        assert len(numbers) * WINDOW_SECONDS <= CONFIG.max_segment + WINDOW_SECONDS
    started = [e for e in run.events if isinstance(e, SpeechStarted)]
    ended = [e for e in run.events if isinstance(e, SpeechEnded)]
    assert [e.segment for e in started] == [e.segment for e in ended] == list(segments(run))
    for one, other in zip(ended, started[1:], strict=False):
        assert one.start <= one.end <= other.start


def test_a_clock_that_runs_slow_does_not_send_timestamps_back():
    # Every window of the device overlaps the next by 7 us of session time.
    packets = [
        Packet(p.timestamp - 7 * i, p.payload, p.duration)
        for i, p in enumerate(windows((0.9, 1.0), (0.0, 0.6), (0.9, 1.0), (0.0, 1.0)))
    ]
    run = run_stage(VoiceActivity(ScriptedDetector(), CONFIG), packets).only("speech")
    assert len(segments(run)) == 2


def test_a_cut_at_the_very_end_of_the_stream_leaves_no_empty_segment():
    run = vad((0.9, CONFIG.max_segment))
    assert all(len(numbers) > 0 for numbers in segments(run).values())
    assert all(len(packet.payload.samples) for packet in run if packet.payload.first)


def test_scattered_voiced_moments_are_no_speech_and_are_not_hoarded():
    stage = VoiceActivity(ScriptedDetector(), CONFIG)
    spans = [(0.6, 0.032), (0.4, 3.0)] * 20
    run = run_stage(stage, windows(*spans)).only("speech")
    assert len(run) == 0 and [event.kind for event in run.events] == ["no_speech"]
    # What waits is the pre-roll and no more.
    assert 60_000_000 - stage.watermark(60_000_000) < 2_000_000


@given(probabilities=st.lists(st.floats(0, 1), min_size=1, max_size=600))
def test_no_segment_is_longer_than_allowed_whatever_the_detector_says(probabilities):
    run = vad(*[(probability, 0.032) for probability in probabilities])
    for numbers in segments(run).values():
        assert len(numbers) * WINDOW_SECONDS <= CONFIG.max_segment + WINDOW_SECONDS


def test_speech_behind_a_cut_is_told_to_end_where_it_was_heard_last():
    run = vad((0.95, 5.4), (0.5, 0.096), (0.95, 0.6), (0.0, 1.0))
    first, second = [e for e in run.events if isinstance(e, SpeechEnded)]
    assert first.reason == "max_segment" and first.end == second.start == pytest.approx(5.45, abs=0.05)
    assert second.end == pytest.approx(6.1, abs=0.05)


def test_a_pre_roll_as_long_as_a_segment_may_be_does_not_end_the_run():
    """It once left a single window to cut behind, and that ended in an error."""
    config = VadConfig.model_construct(**CONFIG.model_dump() | {"pre_roll": 6.5})
    run = vad((0.0, 8.0), (0.9, 4.0), (0.0, 1.0), config=config)
    numbers = [number for each in segments(run).values() for number in each]
    assert numbers == list(range(numbers[0], numbers[-1] + 1))
    assert run.events[-1].reason == "pause"


@pytest.mark.parametrize(
    "keys",
    [{"pre_roll": 15.0}, {"max_segment": 3.0, "soft_segment": 1.0, "pre_roll": 3.0}, {"min_speech": 12.0}],
)
def test_times_that_leave_no_room_for_a_segment_are_refused(keys: dict[str, float]):
    with pytest.raises(ConfigError, match=r"pre_roll \(.*\) \+ min_speech \(.*\) \+ 0\.3 must not exceed max_segment"):
        load_config("live", {"vad": keys})


def blocks(packets: list[Packet[AudioBlock]], lengths: list[int]) -> list[Packet[AudioBlock]]:
    """The same sound in blocks of other lengths, in turn."""
    sound = np.concatenate([packet.payload.samples for packet in packets])
    cut, at, turns = [], 0, itertools.cycle(lengths)
    while at < len(sound):
        piece = sound[at : at + next(turns)]
        start, end = (round(sample * 62.5) for sample in (at, at + len(piece)))
        cut.append(Packet(start, AudioBlock(piece), end - start))
        at += len(piece)
    return cut


@pytest.mark.parametrize("lengths", [[320], [4096], [16_000, 100, 7]])
def test_with_mouths_the_segments_do_not_depend_on_the_blocks_of_the_source(lengths: list[int]):
    sound = windows((0.9, 1.0), (0.0, 0.35), (0.9, 1.0), (0.0, 1.0))
    states = [(0.2, MouthState.MOVING), (1.03, MouthState.SHUT), (1.2, MouthState.MOVING), (2.37, MouthState.SHUT)]
    mouths = [
        Packet(round(time * 1e6), Mouth(round(time * 1e6), 1, 0.1, state))
        for start, state in states
        for time in np.arange(start, start + 0.9, 0.04)
    ]
    mouths.sort(key=lambda packet: packet.timestamp)
    config = VadConfig(lip_shut_factor=0.5, lip_moving_factor=1.5)

    def heard(sound: list[Packet[AudioBlock]]):
        run = run_stage(VoiceActivity(ScriptedDetector(), config), {"audio": sound, "mouths": mouths}).only("speech")
        return segments(run), [dataclasses.replace(event, emitted=0.0) for event in run.events]

    assert heard(blocks(sound, lengths)) == heard(sound)
    assert len(heard(sound)[0]) == 2


def test_a_live_run_does_not_wait_for_mouths():
    sound = blocks(windows((0.9, 1.0), (0.0, 1.0)), [4096])
    stage = VoiceActivity(ScriptedDetector(), CONFIG)
    run = run_stage(stage, {"audio": sound, "mouths": []}, lossless=False).only("speech")
    # Half a second of voice is enough to begin, whether or not anything is known of the picture.
    assert run[0].timestamp == 0 and run.events[0] == SpeechStarted(segment=1, start=0.0, emitted=run.events[0].emitted)
    assert run.events[0].emitted <= 0.256


def test_the_states_between_silence_and_speech():
    segmenter = Segmenter(CONFIG, Endpointing(CONFIG))
    states = []
    for packet in windows((0.0, 0.096), (0.9, 0.192), (0.0, 0.64)):
        samples = packet.payload.samples
        list(segmenter.add(Heard(samples, packet.timestamp, float(samples[0]))))
        states.append(segmenter.state)
    quiet, starting, speaking, stopping = VoiceState
    assert [state for state, _ in itertools.groupby(states)] == [quiet, starting, speaking, stopping, quiet]


@pytest.mark.parametrize(
    ("loudness", "kind", "text"),
    [
        (0.0, "silence", "the sound is silent"),
        (1e-5, "silence", "the sound is silent"),
        (0.1, "no_speech", "no speech was heard"),
    ],
)
def test_a_recording_in_which_nothing_is_heard_says_so(loudness, kind, text):
    sound = (loudness * np.sin(np.arange(SAMPLE_RATE))).astype(np.float32)
    detector = ScriptedDetector()
    detector.probability = lambda window: 0.0
    packets = [Packet(at * 32_000, AudioBlock(sound[at * 512 : at * 512 + 512]), 32_000) for at in range(31)]
    told = [event for event in run_stage(VoiceActivity(detector, CONFIG), packets).events if isinstance(event, Remark)]
    assert [(each.modality, each.kind, each.text) for each in told] == [("audio", kind, text)]
    live = run_stage(VoiceActivity(detector, CONFIG), packets, lossless=False).only("speech")
    assert not any(isinstance(event, Remark) for event in live.events), "who is silent live knows"


def test_a_recording_with_speech_says_nothing_of_the_kind():
    assert not any(isinstance(event, Remark) for event in vad((0.5, 1.5)).events)


def test_windows_that_were_listened_to_before_give_the_same_segments():
    """Sound in blocks of any length, the last window not full."""
    samples = np.concatenate([packet.payload.samples for packet in windows((0.0, 1.0), (0.9, 1.3), (0.0, 2.0))])
    samples = samples[:-100]
    blocks = [
        Packet(at * 1_000_000 // SAMPLE_RATE, AudioBlock(samples[at : at + 700], filled=at == 700), 43_750)
        for at in range(0, len(samples), 700)
    ]
    alone = run_stage(VoiceActivity(ScriptedDetector(), CONFIG), blocks).only("speech")
    heard = run_stage(SpeechProbability(ScriptedDetector()), blocks)
    assert sum(packet.payload.filled for packet in heard) == 1
    assert sum(len(packet.payload.samples) for packet in heard) == len(samples)
    told = run_stage(VoiceActivity(None, CONFIG), list(heard)).only("speech")
    assert segments(told) == segments(alone) and segments(alone)
    assert [event.to_dict() | {"emitted": 0} for event in told.events] == [
        event.to_dict() | {"emitted": 0} for event in alone.events
    ]
