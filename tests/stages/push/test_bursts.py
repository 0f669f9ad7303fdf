"""Live sound that a program hands over all at once, in blocks without a sample, or from several threads."""

from __future__ import annotations

import threading
from typing import Any, ClassVar

import numpy as np
import pytest

from lipstream import Degraded, Pipeline, PushSource
from lipstream.config import load_config
from lipstream.pipeline import Graph, Packet, Port, Sink
from lipstream.stages.push.handover import Handover
from lipstream.stages.speech.onset import Heard
from lipstream.stages.speech.voice_activity import VoiceActivity
from tests.pipeline.fakes import PATIENCE
from tests.stages.push.test_push import RATE, Run, noise, until
from tests.stages.speech.fake_vad import LoudnessVad


class Windows(Sink):
    """Keeps the windows of voice activity."""

    inputs: ClassVar = {"windows": Port(Heard)}

    def __init__(self) -> None:
        self.packets: list[Packet[Any]] = []

    def process(self, port, packet):
        self.packets.append(packet)


def test_seconds_of_sound_at_once_do_not_end_a_live_run():
    """Regression: the clock was pulled to where the sound must be, windows of sound went back, and the run failed."""
    source, windows = PushSource(), Windows()

    def build(config) -> Graph:
        graph = Graph()
        graph.add("audio", source.sources(config)[0])
        graph.add("vad", VoiceActivity(LoudnessVad(), config.vad))
        graph.add("windows", windows)
        graph.connect("audio.audio", "vad.audio")
        graph.connect("vad.windows", "windows.windows")
        return graph

    run = Pipeline(load_config("live"), build)
    run.start()
    until(lambda: run.begun)
    for _ in range(4):
        source.push_audio(noise(1.0), RATE)
    source.end()
    assert run.wait(PATIENCE)
    times = [each.timestamp for each in windows.packets]
    assert len(times) == 4 * RATE // 512 and times == sorted(times)


def test_live_blocks_without_a_sample_do_not_keep_a_pause_from_becoming_silence():
    """Regression: a program that hands over nothing while nobody speaks had no sentence end."""
    run = Run("live", **{"audio.reopen_after": 0.2})
    until(lambda: run.pipeline.begun)
    run.source.push_audio(noise(0.3), RATE)
    until(lambda: run.source.push_audio(noise(0.0), RATE) and len(run.ears.samples) > 1.0 * RATE)
    run.finish()
    assert not run.source.push_audio(noise(0.0), RATE)


def test_a_block_without_a_sample_takes_no_time_where_nothing_may_be_skipped():
    run = Run()
    for time in (0.0, 7.0):
        run.source.push_audio(noise(0.0), RATE, time=time)
    run.source.push_audio(noise(0.5), RATE)
    run.finish()
    assert len(run.ears.samples) == 0.5 * RATE


def test_blocks_of_two_threads_keep_the_order_of_their_times(monkeypatch: pytest.MonkeyPatch):
    """Regression: one that was overtaken between its time and its place was left out."""
    run, put = Run(), Handover.put
    other = threading.Thread(target=lambda: run.source.push_audio(noise(0.1), RATE))

    def overtaken(self, *given, **more):
        if other.ident is None:
            other.start()
            # As long as another one would take.
            other.join(0.05)
        return put(self, *given, **more)

    monkeypatch.setattr(Handover, "put", overtaken)
    run.source.push_audio(noise(0.1), RATE)
    other.join(PATIENCE)
    events = run.finish()
    assert not [each for each in events if isinstance(each, Degraded)]
    assert np.array_equal(run.ears.samples, np.tile(noise(0.1), 2))
