"""The tools for tests behave as a graph does."""

from __future__ import annotations

import threading
from typing import ClassVar

import pytest

from lipstream.pipeline import Degraded, GraphError, Packet, Port, RecoverableError, Recovered, Stage, UserError
from lipstream.pipeline.errors import StreamOrderError
from lipstream.pipeline.testing import EventRecorder, FakeSource, ScriptedClock, run_source, run_stage
from tests.pipeline.fakes import (
    PATIENCE,
    Announce,
    Collect,
    Forward,
    Idle,
    Join,
    Note,
    chain,
    finished,
    source,
    stream,
)


class Average(Stage):
    """Means of pairs, with what is left over at the end."""

    inputs: ClassVar = {"in": Port(int)}
    outputs: ClassVar = {"out": Port(float), "rest": Port(int)}

    def __init__(self) -> None:
        self.calls = []
        self.held = []

    def open(self):
        self.calls.append("open")

    def close(self):
        self.calls.append("close")

    def process(self, port, packet):
        self.held.append(packet)
        if len(self.held) == 2:
            first, second = self.held
            self.emit("out", (first.payload + second.payload) / 2, first.timestamp)
            self.held = []

    def watermark(self, frontier):
        return self.held[0].timestamp if self.held else frontier

    def finish(self):
        for packet in self.held:
            self.emit("rest", packet.payload, packet.timestamp)


def numbers(*values: int) -> list[Packet[int]]:
    return [Packet(10 * index, value, 10) for index, value in enumerate(values)]


def test_run_stage_gives_what_came_out_in_order_and_by_port():
    stage = Average()
    run = run_stage(stage, numbers(1, 3, 5))
    assert run.payloads == [2.0, 5]
    assert run.on("out") == [Packet(0, 2.0)] and run.on("rest") == [Packet(20, 5)]
    assert (len(run), run[-1], run[:1], list(run)) == (2, Packet(20, 5), [Packet(0, 2.0)], run[:])
    assert stage.calls == ["open", "close"]


def test_run_stage_agrees_with_a_graph():
    collect = Collect()
    finished(chain(FakeSource(numbers(1, 3, 5, 8), int), Average(), collect))
    assert collect.packets == run_stage(Average(), numbers(1, 3, 5, 8)).on("out")


def test_run_stage_orders_several_inputs_as_a_join_does():
    join = Join()
    run_stage(join, {"right": stream(10, 20), "left": stream(10, 15)})
    assert join.seen == [("left", 10), ("right", 10), ("left", 15), ("right", 20)]


def test_run_stage_wants_to_know_the_ports():
    with pytest.raises(ValueError, match=r"Join has inputs \['left', 'right'\]: give packets by port"):
        run_stage(Join(), stream(1))
    with pytest.raises(ValueError, match=r"no input port 'middle' \(it has: left, right\)"):
        run_stage(Join(), {"middle": stream(1)})


def test_ports_left_out_count_as_not_connected():
    class Look(Join):
        inputs: ClassVar = {"left": Port(object), "right": Port(object, optional=True)}

        def open(self):
            self.connections = [self.context.connected(port) for port in ("left", "right", "nowhere")]

    look = Look()
    run_stage(look, {"left": stream(1)})
    assert look.connections == [True, False, False]


def test_events_are_stamped_with_the_media_time_reached():
    run = run_stage(Announce(), [Packet(1_000_000, "x", 500_000)])
    assert run.events == [Note(text="Announce x", emitted=1.5), Note(text="Announce finished", emitted=1.5)]


def test_counts_are_kept():
    class Counting(Collect):
        def process(self, port, packet):
            self.context.count("seen", packet.payload)

    assert run_stage(Counting(), stream(1, 2)).counters == {"seen": 3}


def test_recoverable_errors_degrade_and_recover_as_in_a_graph():
    def weak(packet):
        if packet.timestamp in (20, 30):
            raise RecoverableError("audio", f"noise at {packet.timestamp}")

    run = run_stage(Forward(weak), stream(10, 20, 30, 40))
    recorder = EventRecorder()
    finished(chain(source(10, 20, 30, 40), Forward(weak), recorder=recorder))
    assert [type(event) for event in run.events] == [Degraded, Recovered]
    assert [type(event) for event in recorder.events[:2]] == [Degraded, Recovered]
    assert [packet.timestamp for packet in run] == [10, 40]


def test_other_errors_are_raised_and_the_stage_is_closed():
    forward = Forward(lambda packet: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run_stage(forward, stream(1))
    assert forward.closed == 1
    forward.open = lambda: (_ for _ in ()).throw(UserError("no model"))
    with pytest.raises(UserError):
        run_stage(forward, stream(1))
    assert forward.closed == 2


def test_a_broken_promise_is_found():
    class Hasty(Forward):
        def process(self, port, packet):
            self.emit("out", packet.payload, packet.timestamp - 5)

    with pytest.raises(StreamOrderError, match="after a promise of 10 us"):
        run_stage(Hasty(), stream(10, 12))


def test_wrong_ports_and_types_are_found():
    class Wrong(Forward):
        outputs: ClassVar = {"out": Port(str)}

    class Lost(Forward):
        outputs: ClassVar = {}

    with pytest.raises(TypeError, match=r"'Wrong\.out' carries str, got int"):
        run_stage(Wrong(), stream(1))
    with pytest.raises(GraphError, match="no output port"):
        run_stage(Lost(), stream(1))


def test_run_source_gives_packets_and_events():
    class Talking(FakeSource):
        def open(self):
            self.degrade("audio", "quiet")

    run = run_source(Talking(stream(1, 2)))
    assert [packet.timestamp for packet in run] == [1, 2]
    assert [type(event) for event in run.events] == [Degraded]


def test_run_source_ends_a_source_that_does_not():
    assert len(run_source(Idle(), steps=2)) == 0
    assert len(run_source(FakeSource(stream(*range(10))), steps=3)) == 3


def test_run_source_goes_on_after_a_recoverable_error():
    def fail():
        raise RecoverableError("video", "a bad frame")

    first, second = stream(1, 2)
    run = run_source(FakeSource([first, fail, second]))
    assert [packet.timestamp for packet in run] == [1, 2]
    assert [type(event) for event in run.events] == [Degraded, Recovered]


def test_a_fake_source_carries_the_declared_type():
    with pytest.raises(TypeError, match="carries str"):
        run_source(FakeSource(stream(1), str))


# The scripted clock.


def test_scripted_time_moves_only_when_told_to():
    clock = ScriptedClock(5)
    clock.start()
    assert clock.now() == 5
    clock.advance(10)
    assert clock.now() == 15


def test_scripted_sleep_ends_with_the_script_or_with_the_stop():
    clock, stop, woken = ScriptedClock(), threading.Event(), threading.Event()

    def sleeper():
        clock.sleep(100, stop)
        woken.set()

    threads = [threading.Thread(target=sleeper) for _ in range(2)]
    threads[0].start()
    while not woken.is_set():
        clock.advance(1)
    threads[0].join(PATIENCE)
    assert clock.now() >= 100
    woken.clear()
    threads[1].start()
    assert not woken.wait(0.02)
    stop.set()
    assert woken.wait(PATIENCE)
    threads[1].join(PATIENCE)


def test_a_recorder_knows_whether_the_end_came_once_and_last():
    recorder = EventRecorder()
    assert not recorder.ended
    finished(chain(source(1), recorder=recorder))
    assert recorder.ended
    recorder.handle(Note(text="late"))
    assert not recorder.ended
