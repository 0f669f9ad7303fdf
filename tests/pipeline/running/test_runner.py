"""A run from start to end: what is delivered, what failures do."""

from __future__ import annotations

import pytest

from lipstream.pipeline import StageFailed
from lipstream.pipeline.errors import StreamOrderError
from lipstream.pipeline.running.runner import Runner
from lipstream.pipeline.testing import EventRecorder, FakeSource
from tests.pipeline.fakes import (
    PATIENCE,
    Collect,
    Forward,
    Idle,
    chain,
    end_of,
    failure_of,
    finished,
    source,
    stream,
    trap,
)


def test_packets_go_through_and_everything_is_finished_and_closed():
    forward, collect, recorder = Forward(), Collect(), EventRecorder()
    runner = finished(chain(source(10, 20, 30, duration=5), forward, collect, recorder=recorder))
    assert collect.timestamps == [10, 20, 30]
    assert forward.finished and collect.finished
    assert (forward.closed, collect.closed) == (1, 1)
    assert recorder.ended
    assert recorder.events[-1] == end_of(runner)
    assert (end_of(runner).reason, end_of(runner).duration) == ("finished", 35e-6)


def test_an_output_feeds_any_number_of_inputs_or_none():
    collects = [Collect(), Collect()]
    graph = chain(source(1, 2))
    finished(graph)
    graph = chain(source(1, 2))
    for index, collect in enumerate(collects):
        graph.add(f"sink{index}", collect)
        graph.connect("c0.out", f"sink{index}.in")
    finished(graph)
    assert [collect.timestamps for collect in collects] == [[1, 2], [1, 2]]


def test_a_run_is_started_once():
    runner = finished(chain(source(1)))
    with pytest.raises(RuntimeError, match="already started"):
        runner.start()


def test_no_source_gives_anything_before_everything_is_open():
    opened: list[str] = []
    with trap() as slow:

        class Slow(Forward):
            def open(self):
                slow()
                opened.append("stage")

        class Sink(EventRecorder):
            def open(self):
                slow()
                opened.append("sink")

        first = []
        runner = Runner(chain(FakeSource([lambda: first.append(len(opened))]), Slow(), recorder=Sink()))
        runner.start()
        slow.released.set()
        assert runner.wait(PATIENCE)
    assert first == [2]


def test_a_payload_of_the_wrong_type_is_an_error_that_names_the_port():
    error = failure_of(chain(FakeSource(stream(1), str), Collect()))
    assert "'c0.out' carries str, got int to emit" in str(error)


def test_emitting_on_a_port_that_is_not_there_names_those_that_are():
    class Wrong(Idle):
        def produce(self):
            self.emit("audio", 1, 0)
            return True

    error = failure_of(chain(Wrong(), Collect()))
    assert "component 'c0' emits on 'audio', which is no output port of its (it has: out)" in str(error)


def test_a_stage_that_breaks_its_promise_fails_the_run():
    class Early(Forward):
        def process(self, port, packet):
            self.emit("out", packet.payload, packet.timestamp - 7)

    failed = failure_of(chain(source(5, 10), Early(), Collect()))
    assert isinstance(failed, StageFailed)
    assert isinstance(failed.__cause__, StreamOrderError)
