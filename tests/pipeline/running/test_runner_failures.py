"""What failures of components do to a run."""

from __future__ import annotations

import threading

import pytest

from lipstream.pipeline import Degraded, End, Error, RecoverableError, Recovered, StageFailed, Stats, UserError
from lipstream.pipeline.running.runner import Runner
from lipstream.pipeline.testing import EventRecorder, FakeSource
from tests.pipeline.fakes import (
    PATIENCE,
    Announce,
    Collect,
    Endless,
    Forward,
    Idle,
    Join,
    Note,
    chain,
    end_of,
    failure_of,
    finished,
    raising,
    source,
    stream,
    trap,
)

# Failures.


def test_a_failing_stage_ends_the_run_and_surfaces_with_its_cause():
    cause = ValueError("bad\nnews")
    recorder = EventRecorder()
    error = failure_of(chain(Endless(), Forward(raising(cause, 2000)), Collect(), recorder=recorder))
    assert isinstance(error, StageFailed)
    assert error.__cause__ is cause
    assert (error.stage, str(error)) == ("c1", "stage 'c1' failed: ValueError: bad\nnews")
    assert recorder.ended
    [reported] = recorder.of(Error)
    assert (reported.stage, reported.message, reported.recoverable) == ("c1", "ValueError: bad news", False)
    assert recorder.events[-1].reason == "failed"


def test_the_others_finish_what_they_hold_when_a_stage_fails():
    before, after, other, recorder = Forward(), Collect(), Announce(), EventRecorder()
    graph = chain(source(10, 20, 30), before, Forward(raising(OSError("gone"), 20)), after, recorder=recorder)
    graph.add("other", other)
    graph.connect("c1.out", "other.in")
    failure_of(graph)
    assert before.finished and after.finished
    assert after.timestamps == [10]
    assert Note(text="other finished", emitted=recorder.of(Note)[-1].emitted) in recorder.events
    assert recorder.ended


def test_a_failed_stage_is_not_asked_to_finish_but_is_closed():
    broken = Forward(raising(OSError("gone"), 10))
    failure_of(chain(source(10), broken, Collect()))
    assert not broken.finished
    assert broken.closed == 1


@pytest.mark.parametrize("method", ["open", "process", "finish", "close"])
def test_a_user_error_comes_out_as_itself_from(method):
    mistake = UserError("no such device: plug it in")

    def fail(self, *args):
        raise mistake from OSError("ENODEV")

    recorder = EventRecorder()
    broken = type("Broken", (Collect,), {method: fail})()
    error = failure_of(chain(source(10), broken, recorder=recorder))
    assert (type(error), str(error)) == (UserError, str(mistake))
    assert isinstance(error.__cause__, OSError)
    assert recorder.of(Error)[0].message == "no such device: plug it in"
    assert recorder.ended and recorder.events[-1].reason == "failed"


def test_a_failing_open_does_not_wait_for_a_slow_one(quick_stop):
    with trap() as slow:
        slow_stage = type("Slow", (Collect,), {"open": lambda self: slow()})()
        broken = Forward()
        broken.open = lambda: (slow.entered.wait(PATIENCE), 1 / 0)
        recorder = EventRecorder()
        error = failure_of(chain(Idle(), broken, slow_stage, recorder=recorder))
        assert isinstance(error.__cause__, ZeroDivisionError)
        assert recorder.ended
        assert not slow.released.is_set()
    assert broken.closed == 1


def test_close_is_called_when_open_failed():
    broken = Collect()
    broken.open = lambda: 1 / 0
    failure_of(chain(Idle(), broken))
    assert broken.closed == 1


def test_an_error_in_close_does_not_hide_the_one_before():
    broken = Collect(raising(ValueError("first"), 10))
    broken.close = lambda: 1 / 0
    error = failure_of(chain(source(10), broken))
    assert isinstance(error.__cause__, ValueError)


def test_the_first_failure_counts_and_is_reported_once():
    recorder = EventRecorder()
    barrier = threading.Barrier(2, timeout=PATIENCE)

    def fail(packet):
        barrier.wait()
        raise ValueError("me")

    graph = chain(source(10), Collect(fail), recorder=recorder)
    graph.add("other", Collect(fail))
    graph.connect("c0.out", "other.in")
    failure_of(graph)
    assert len(recorder.of(Error)) == 1


@pytest.mark.parametrize("method", ["open", "handle", "close"])
def test_a_failing_event_sink_ends_the_run_and_the_others_get_the_end(method):
    def fail(self, *args):
        raise OSError("disk full")

    recorder = EventRecorder()
    graph = chain(source(*range(100)), Announce(), recorder=recorder)
    graph.add("broken", type("Broken", (EventRecorder,), {method: fail})())
    error = failure_of(graph)
    assert isinstance(error, StageFailed)
    assert (error.stage, str(error.__cause__)) == ("broken", "disk full")
    assert recorder.ended


def test_system_exit_in_a_stage_ends_the_run_instead_of_hanging_it():
    error = failure_of(chain(source(20), Collect(raising(SystemExit(3)))))
    assert isinstance(error.__cause__, SystemExit)


def test_wait_raises_every_time_it_is_asked():
    runner = Runner(chain(source(20), Collect(raising(KeyError("x")))))
    runner.start()
    for _ in range(3):
        with pytest.raises(StageFailed):
            runner.wait(PATIENCE)


# Recoverable errors.


def test_recoverable_errors_degrade_once_and_recover_once():
    def weak(packet):
        if 20 <= packet.timestamp <= 40:
            raise RecoverableError("video", f"no face at {packet.timestamp}")

    collect, recorder = Collect(), EventRecorder()
    finished(chain(source(10, 20, 30, 40, 50, 60), Forward(weak), collect, recorder=recorder))
    assert collect.timestamps == [10, 50, 60]
    assert [type(event) for event in recorder.events] == [Degraded, Recovered, Stats, End]
    degraded = recorder.of(Degraded)[0]
    assert (degraded.modality, degraded.stage, degraded.reason) == ("video", "c1", "no face at 20")


def test_a_second_lapse_is_reported_again():
    def weak(packet):
        if packet.timestamp % 20:
            raise RecoverableError("audio", "noise")

    recorder = EventRecorder()
    finished(chain(source(10, 20, 30, 40), Forward(weak), recorder=recorder))
    assert [type(event) for event in recorder.events[:4]] == [Degraded, Recovered, Degraded, Recovered]


def test_a_join_that_fails_on_one_stream_only_does_not_report_at_every_packet():
    class Half(Join):
        def process(self, port, packet):
            if port == "left":
                raise RecoverableError("video", "dark")

    recorder = EventRecorder()
    graph = chain(source(*range(0, 100, 2)), recorder=recorder)
    graph.add("right", source(*range(1, 100, 2)))
    graph.add("half", Half())
    graph.connect("c0.out", "half.left")
    graph.connect("right.out", "half.right")
    runner = finished(graph)
    assert len(recorder.of(Degraded)) == 1
    assert recorder.of(Recovered) == []
    assert runner.nodes["half"].metrics.failures == 50


def test_a_recoverable_error_in_finish_does_not_fail_the_run():
    class Weak(Collect):
        def finish(self):
            raise RecoverableError("audio", "too short")

    recorder = EventRecorder()
    runner = finished(chain(source(10), Weak(), recorder=recorder))
    assert end_of(runner).reason == "finished"
    assert recorder.of(Degraded)[0].reason == "too short"


def test_a_source_goes_on_after_a_recoverable_error():
    def fail():
        raise RecoverableError("audio", "a bad block")

    first, second = stream(10, 20)
    collect, recorder = Collect(), EventRecorder()
    finished(chain(FakeSource([first, fail, fail, second]), collect, recorder=recorder))
    assert collect.timestamps == [10, 20]
    assert [type(event) for event in recorder.events[:2]] == [Degraded, Recovered]


def test_a_source_that_fails_for_ever_pauses_instead_of_taking_a_processor():
    calls = 0
    pauses: list[float] = []

    class Broken(Idle):
        def produce(self):
            nonlocal calls
            calls += 1
            raise RecoverableError("video", "no camera")

    recorder = EventRecorder()
    runner = Runner(chain(Broken(), recorder=recorder))
    wait = runner.stopping.wait

    def waited(timeout=None):
        # Only the source's thread is of interest; it is stopped after ten pauses, which take no time here.
        if threading.current_thread().name != "c0":
            return wait(timeout)
        pauses.append(timeout)
        if len(pauses) == 10:
            runner.stop()
        return runner.stopping.is_set()

    runner.stopping.wait = waited
    runner.start()
    assert runner.wait(PATIENCE)
    assert calls == 10
    assert pauses == [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.0, 1.0, 1.0]
    assert len(recorder.of(Degraded)) == 1
