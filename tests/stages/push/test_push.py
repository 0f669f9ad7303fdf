"""Runs whose sound and pictures a program hands over."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import pytest

from lipstream import Degraded, Pipeline, PipelineError, PushSource, Recovered, UserError
from lipstream.config import load_config
from lipstream.pipeline import Bounds, Graph, Packet, Port, Session, Sink, seconds
from lipstream.stages.payloads import AudioBlock, VideoFrame
from tests.pipeline.fakes import PATIENCE, eventually

RATE = 16_000


class Ears(Sink):
    """Keeps the sound, and lets itself be held up."""

    inputs: ClassVar = {"audio": Port(AudioBlock)}

    def __init__(self) -> None:
        self.packets: list[Packet[Any]] = []
        self.go = threading.Event()
        self.go.set()

    def process(self, port, packet):
        self.go.wait(PATIENCE)
        self.packets.append(packet)

    @property
    def samples(self) -> np.ndarray:
        return np.concatenate([each.payload.samples for each in self.packets] or [np.zeros(0)])


class Eyes(Sink):
    """Keeps the pictures."""

    inputs: ClassVar = {"video": Port(VideoFrame)}

    def __init__(self) -> None:
        self.packets: list[Packet[Any]] = []

    def process(self, port, packet):
        self.packets.append(packet)


class Both(Sink):
    """Keeps both streams as they are joined."""

    inputs: ClassVar = {"audio": Port(AudioBlock), "video": Port(VideoFrame)}

    def __init__(self) -> None:
        self.order: list[tuple[str, int]] = []

    def process(self, port, packet):
        self.order.append((port, packet.timestamp))


class Run:
    """A run that keeps what is pushed."""

    def __init__(self, mode: str = "file", *, audio: bool = True, video: bool = False, join: bool = False, **overrides):
        self.source = PushSource(audio=audio, video=video)
        self.ears, self.eyes, self.both = Ears(), Eyes(), Both()
        config = load_config(mode, overrides)

        def build(config) -> Graph:
            graph = Graph()
            sound, picture = self.source.sources(config)
            if sound is not None:
                graph.add("audio", sound)
                graph.add("ears", self.ears)
                graph.connect("audio.audio", "ears.audio", Bounds(items=4))
            if picture is not None:
                graph.add("video", picture)
                graph.add("eyes", self.eyes)
                graph.connect("video.video", "eyes.video", Bounds(items=4))
            if join:
                graph.add("both", self.both)
                graph.connect("audio.audio", "both.audio", Bounds(items=8192))
                graph.connect("video.video", "both.video", Bounds(items=8192))
            return graph

        self.pipeline = Pipeline(config, build)
        self.events = self.pipeline.events()

    def finish(self) -> list[Any]:
        self.source.end()
        assert self.pipeline.wait(PATIENCE)
        return list(self.events)


def noise(length: float, rate: int = RATE) -> np.ndarray:
    return np.random.default_rng(0).uniform(-0.3, 0.3, round(length * rate)).astype(np.float32)


def picture(brightness: int = 100) -> np.ndarray:
    return np.full((48, 64, 3), brightness, np.uint8)


def until(condition: Callable[[], object]) -> None:
    eventually(condition)


# Where nothing may be skipped.


@pytest.mark.parametrize("cuts", [[], [1, 2, 900], [160 * n for n in range(1, 100)]])
def test_the_sound_is_what_was_pushed_however_it_is_cut(cuts: list[int]):
    run, sound = Run(), noise(1.0)
    for part in np.split(sound, cuts):
        assert run.source.push_audio(part, RATE)
    end = run.finish()[-1]
    assert np.array_equal(run.ears.samples, sound)
    assert run.ears.packets[0].timestamp == 0 and run.ears.packets[-1].end == 1_000_000
    assert (end.reason, end.duration) == ("finished", 1.0)
    assert not run.source.push_audio(sound, RATE) and not run.source.open


def test_a_long_block_waits_for_room_like_many_short_ones():
    run, sound = Run(), noise(25.0)
    run.ears.go.clear()
    thread = threading.Thread(target=run.source.push_audio, args=(sound, RATE))
    thread.start()
    # The first ten seconds have been taken up, the next ten fill the room, the last five wait outside.
    until(lambda: run.source.waiting == 10.0)
    run.ears.go.set()
    thread.join(PATIENCE)
    run.finish()
    assert np.array_equal(run.ears.samples, sound)


def test_another_rate_is_resampled_and_may_change_on_the_way():
    run = Run()
    tone = np.sin(2 * np.pi * 440 * np.arange(48_000) / 48_000).astype(np.float32) * np.float32(0.3)
    run.source.push_audio(tone, 48_000)
    run.source.push_audio((tone[::6] * 2**15).astype("<i2").tobytes(), 8_000)
    run.finish()
    assert len(run.ears.samples) == 32_000
    expected = np.sin(2 * np.pi * 440 * np.arange(32_000) / RATE) * 0.3
    assert np.abs(run.ears.samples - expected)[1000:15_000].max() < 0.01
    assert np.abs(run.ears.samples - expected)[17_000:31_000].max() < 0.01


def test_a_gap_in_the_times_is_silence_of_its_length_and_rounding_is_none():
    run, sound = Run(), noise(0.5)
    run.source.push_audio(sound, RATE, time=1_700_000_000.0)
    run.source.push_audio(sound, RATE, time=1_700_000_000.512)
    run.source.push_audio(sound, RATE, time=1_700_000_002.0)
    run.finish()
    silence = np.zeros(RATE, np.float32)
    assert np.array_equal(run.ears.samples, np.concatenate([sound, sound, silence, sound]))


def test_times_that_jump_by_an_hour_are_another_clock_and_no_gap():
    run, sound = Run(), noise(0.5)
    run.source.push_audio(sound, RATE, time=10.0)
    run.source.push_audio(sound, RATE, time=3610.0)
    run.source.push_audio(sound, RATE, time=3610.6)
    events = run.finish()
    assert len(run.ears.samples) == round(1.6 * RATE)
    assert ["jump" in each.reason for each in events if isinstance(each, Degraded)] == [True]


def test_pushing_waits_for_who_is_slow_and_loses_nothing():
    run, block = Run(), noise(1.0)
    run.ears.go.clear()
    pushed: list[int] = []

    def push() -> None:
        for number in range(30):
            run.source.push_audio(block, RATE)
            pushed.append(number)
        run.source.end()

    thread = threading.Thread(target=push)
    thread.start()
    until(lambda: run.source.waiting >= 10)
    assert len(pushed) < 30
    run.ears.go.set()
    assert run.pipeline.wait(PATIENCE)
    thread.join(PATIENCE)
    assert len(run.ears.samples) == 30 * RATE


def test_the_end_of_the_run_lets_go_of_who_waits_for_room():
    run, taken = Run(), []
    run.ears.go.clear()
    thread = threading.Thread(target=lambda: taken.extend(run.source.push_audio(noise(1.0), RATE) for _ in range(40)))
    thread.start()
    until(lambda: run.source.waiting >= 10)
    threading.Timer(0.1, run.ears.go.set).start()
    run.pipeline.stop()
    thread.join(PATIENCE)
    assert not thread.is_alive() and not taken[-1]


def test_pictures_and_sound_are_joined_by_their_times():
    run = Run(video=True, join=True)
    for tenth in range(20):
        run.source.push_frame(picture(), time=5 + tenth / 10 + 0.03)
        run.source.push_audio(noise(0.1), RATE, time=5 + tenth / 10)
    run.finish()
    assert [each.timestamp for each in run.eyes.packets] == [100_000 * tenth for tenth in range(20)]
    assert run.both.order == sorted(run.both.order, key=lambda each: each[1])
    # The picture that came first is where time begins; of the sound before it nothing is there.
    assert len(run.ears.samples) == round(1.97 * RATE)


def test_pictures_without_a_time_are_of_the_moment_of_the_newest_sound():
    run = Run(video=True)
    for _ in range(5):
        run.source.push_audio(noise(0.2), RATE)
        run.source.push_frame(picture())
    run.finish()
    assert [each.timestamp for each in run.eyes.packets] == [200_000 * n for n in range(1, 6)]


def test_a_picture_needs_a_time_where_nothing_tells_it():
    run = Run(video=True)
    with pytest.raises(ValueError, match="needs its time"):
        run.source.push_frame(picture())
    run.finish()


@pytest.mark.parametrize("order", ["BGR", "nonsense", None])
def test_an_order_of_colours_that_there_is_not_is_refused(order):
    """Regression: it was taken for RGB, so that faces were blue."""
    run = Run(video=True)
    with pytest.raises(ValueError, match="'rgb' or 'bgr'"):
        run.source.push_frame(picture(), order=order, time=0.0)
    run.finish()


def test_an_end_before_there_is_a_run_ends_it():
    """Regression: it was lost, and the run waited for ever."""
    source = PushSource()
    source.end()
    sound, _ = source.sources(load_config("file"))
    graph = Graph()
    graph.add("audio", sound)
    run = Session(graph)
    run.start()
    assert run.wait(PATIENCE)


def test_one_stream_far_ahead_of_the_other_holds_nothing_up():
    """Sound of five minutes before the first picture: who joins them would wait for ever for a picture before it."""
    run = Run(video=True, join=True)
    for _ in range(300):
        run.source.push_audio(noise(1.0), RATE)
    run.source.push_frame(picture(), time=2.0)
    run.source.push_frame(picture(), time=299.5)
    for second in range(300, 400):
        run.source.push_frame(picture(), time=float(second))
    events = run.finish()
    assert [each.timestamp for each in run.eyes.packets][:1] == [299_500_000]
    # The sound that never came is silence.
    assert len(run.ears.samples) == 397 * RATE
    assert ["left out" in each.reason for each in events if isinstance(each, Degraded)] == [True]


def test_who_pushes_before_the_start_is_told_when_there_is_no_room(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("lipstream.stages.push.handover.START_SECONDS", 0.05)
    source = PushSource()
    with pytest.raises(PipelineError, match="no run has this PushSource"):
        source.push_audio(noise(1.0), RATE)
    pipeline = Pipeline(load_config("file"), lambda config: _alone(source.sources(config)[0]))
    for _ in range(10):
        source.push_audio(noise(1.0), RATE)
    with pytest.raises(PipelineError, match="has not been started"):
        source.push_audio(noise(1.0), RATE)
    source.end()
    assert pipeline.run().duration == 10.0


def _alone(source) -> Graph:
    graph = Graph()
    graph.add("audio", source)
    graph.add("ears", Ears())
    graph.connect("audio.audio", "ears.audio", Bounds(items=64))
    return graph


# Live.


def test_live_the_newest_picture_is_taken_and_pushing_never_waits():
    run = Run("live", audio=False, video=True)
    until(lambda: run.pipeline.begun)
    pushed = 0
    while not run.eyes.packets or run.eyes.packets[-1].timestamp < 300_000:
        assert run.source.push_frame(picture(pushed % 256))
        pushed += 1
    run.finish()
    times = [each.timestamp for each in run.eyes.packets]
    assert len(times) < pushed and min(np.diff(times)) > 0
    # `face.max_fps`.
    assert len(times) <= 2 + 25 * times[-1] / 1e6


def test_live_sound_that_does_not_fit_is_lost_and_its_place_is_silence():
    run, block = Run("live", **{"audio.buffer": 1.0}), noise(0.25)
    run.ears.go.clear()
    until(lambda: run.pipeline.begun)
    taken = [run.source.push_audio(block, RATE) for _ in range(40)]
    assert not all(taken) and run.source.waiting <= 1.0
    run.ears.go.set()
    until(lambda: run.source.waiting == 0)
    run.source.push_audio(block, RATE)
    events = run.finish()
    assert len(run.ears.samples) == pytest.approx(41 * 0.25 * RATE, rel=0.05)
    lost = [each for each in events if isinstance(each, Degraded)]
    assert lost and "lost" in lost[0].reason
    assert events[-2].counters["audio.lost_seconds"] == pytest.approx(0.25 * taken.count(False), rel=0.15)


def test_live_what_does_not_fit_of_a_long_block_is_lost():
    run = Run("live", **{"audio.buffer": 1.0})
    run.ears.go.clear()
    until(lambda: run.pipeline.begun)
    run.source.push_audio(noise(4.0), RATE)
    assert not run.source.push_audio(noise(4.0), RATE) and run.source.waiting <= 1.0
    run.ears.go.set()
    run.finish()


def test_live_all_of_a_first_block_is_heard_however_early_it_comes():
    run, sound = Run("live"), noise(3.0)
    run.source.push_audio(sound, RATE)
    run.finish()
    assert np.array_equal(run.ears.samples, sound) and run.ears.packets[0].timestamp == 0


def test_live_a_pause_becomes_silence_so_that_segments_end():
    run = Run("live", **{"audio.reopen_after": 0.2})
    until(lambda: run.pipeline.begun)
    run.source.push_audio(noise(0.1), RATE)
    until(lambda: run.ears.packets and run.ears.packets[-1].end > 700_000)
    assert not run.ears.samples[-1600:].any()
    run.source.push_audio(noise(0.1), RATE)
    until(lambda: np.any(run.ears.samples[-800:]))
    run.finish()
    ends = [each.end for each in run.ears.packets]
    assert all(after.timestamp == before for before, after in zip(ends, run.ears.packets[1:], strict=False))


def test_live_no_pictures_are_reported_and_taken_back():
    run = Run("live", video=True, **{"video.freeze_after": 0.1})
    until(lambda: run.pipeline.begun)
    run.source.push_frame(picture())
    told: list[Any] = []
    for event in run.events:
        told.append(event)
        if isinstance(event, Degraded) and event.modality == "video":
            run.source.push_frame(picture())
        if isinstance(event, Recovered) and event.modality == "video":
            break
    run.finish()
    assert any(isinstance(each, Degraded) for each in told)


def test_live_a_picture_that_cannot_be_decoded_is_reported_and_ends_nothing():
    run = Run("live", audio=False, video=True)
    until(lambda: run.pipeline.begun)
    run.source.push_frame(b"nonsense")
    for event in run.events:
        if isinstance(event, Degraded):
            assert "no JPEG or PNG" in event.reason
            break
    until(lambda: run.source.push_frame(picture()) and run.eyes.packets)
    assert run.finish()[-1].reason == "finished"


def test_live_pictures_follow_the_clock_of_the_sound():
    run = Run("live", video=True)
    until(lambda: run.pipeline.begun)
    run.source.push_audio(noise(0.3), RATE, time=1000.0)
    until(lambda: run.ears.packets)
    run.source.push_frame(picture(), time=1000.3)
    until(lambda: run.eyes.packets)
    run.finish()
    assert seconds(run.eyes.packets[0].timestamp) == pytest.approx(seconds(run.ears.packets[-1].end), abs=0.002)


# What cannot be.


@pytest.mark.parametrize("rate", [None, 0, 1, 44_101, 22_050.5, float("nan"), "16000"])
def test_a_rate_that_cannot_be_resampled_is_refused(rate):
    run = Run()
    with pytest.raises(ValueError, match="rate"):
        run.source.push_audio(noise(0.1), rate)
    run.finish()


def test_a_rate_may_be_told_as_libraries_of_sound_devices_tell_it():
    """Regression: of 48000.0, as PortAudio has it, nothing was said but that a float is no integer."""
    run = Run()
    run.source.push_audio(noise(0.5, 48_000), 48_000.0)
    run.finish()
    assert len(run.ears.samples) == 0.5 * RATE


@pytest.mark.parametrize("time", [float("nan"), float("inf")])
def test_a_time_that_is_none_is_refused(time):
    run = Run(video=True)
    with pytest.raises(ValueError, match="a time in seconds"):
        run.source.push_audio(noise(0.1), RATE, time=time)
    with pytest.raises(ValueError, match="a time in seconds"):
        run.source.push_frame(picture(), time=time)
    run.finish()


def test_a_source_is_for_one_run_and_for_what_it_was_made_for():
    with pytest.raises(ValueError, match="neither"):
        PushSource(audio=False)
    run = Run()
    with pytest.raises(PipelineError, match="video=True"):
        run.source.push_frame(picture())
    with pytest.raises(PipelineError, match="belongs to another run"):
        run.source.sources(load_config("live"))
    run.finish()
    with pytest.raises(UserError, match="switched off"):
        PushSource().sources(load_config("live", {"audio.enabled": False}))


def test_what_the_configuration_switches_off_is_not_taken():
    run = Run("live", audio=True, video=True, **{"video.enabled": False})
    assert not run.source.push_frame(picture())
    run.finish()


def test_a_graph_of_ones_own_and_a_source_are_not_both_for_the_pipeline():
    with pytest.raises(ValueError, match="build or source"):
        Pipeline(load_config("live"), lambda config: Graph(), source=PushSource())
