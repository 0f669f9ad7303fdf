"""Figures and traces of a run."""

from __future__ import annotations

import json
import random
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lipstream.pipeline import Bounds, Event, Policy, RecoverableError, Stats, micros
from lipstream.pipeline.running.metrics import Counters, Histogram
from lipstream.pipeline.running.runner import Runner
from lipstream.pipeline.running.trace import Tracer
from lipstream.pipeline.testing import EventRecorder, FakeSource, ScriptedClock
from tests.pipeline.fakes import (
    PATIENCE,
    Announce,
    Collect,
    Forward,
    Idle,
    Note,
    chain,
    eventually,
    finished,
    source,
    stream,
    trap,
)


@given(st.lists(st.integers(1, 10**9), min_size=1, max_size=300), st.sampled_from([0.0, 0.5, 0.95, 1.0]))
def test_percentiles_are_within_five_percent(durations, fraction):
    histogram = Histogram()
    for duration in durations:
        histogram.add(duration)
    exact = sorted(durations)[max(0, int(np.ceil(fraction * len(durations))) - 1)]
    assert exact <= histogram.percentile(fraction) * (1 + 1e-9)
    assert histogram.percentile(fraction) <= exact * 1.05
    assert (histogram.count, histogram.total, histogram.maximum) == (len(durations), sum(durations), max(durations))


def test_an_empty_histogram_and_odd_durations():
    histogram = Histogram()
    assert histogram.percentile(0.5) == 0
    histogram.add(-5)
    assert (histogram.total, histogram.maximum, histogram.percentile(1)) == (0, 0, 0)
    histogram.add(10**13)
    assert histogram.percentile(1) >= 10**9


def test_counters_are_plain_numbers_whatever_was_added():
    counters = Counters()
    counters.add("lost", np.float32(0.5))
    counters.add("lost", 1)
    assert json.dumps(counters.snapshot()) == '{"lost": 1.5}'


def test_stage_figures_count_packets_and_failures():
    def weak(packet):
        if packet.timestamp in (20, 30):
            raise RecoverableError("video", "dark")

    runner = finished(chain(source(10, 20, 30, 40), Forward(weak), Collect()))
    stages = runner.stats().stages
    assert [stages[name]["packets_in"] for name in ("c0", "c1", "c2")] == [0, 4, 2]
    assert [stages[name]["packets_out"] for name in ("c0", "c1", "c2")] == [4, 2, 0]
    assert stages["c1"]["failures"] == 2


@pytest.mark.parametrize(
    ("policy", "seen", "dropped"),
    [(Policy.BLOCK, list(range(10)), 0), (Policy.DROP_OLDEST, [0, 7, 8, 9], 6), (Policy.LATEST, [0, 9], 8)],
)
def test_channel_figures_are_right_for_each_policy(policy, seen, dropped):
    with trap() as caught:
        collect = Collect(caught)
        first, *rest = stream(*range(10))
        # The others come while the consumer holds the first.
        script = [first, lambda: caught.entered.wait(PATIENCE), *rest]
        bounds = Bounds(policy, items=3 if policy is not Policy.BLOCK else 100)
        runner = Runner(chain(FakeSource(script), collect, bounds=bounds), lossless=False, media_time=False)
        runner.start()
        eventually(lambda: runner.nodes["c0"].metrics.packets_out == 10)
        caught.released.set()
        assert runner.wait(PATIENCE)
    assert collect.timestamps == seen
    figures = runner.stats().channels["c0.out -> c1.in"]
    assert (figures["put"], figures["taken"], figures["dropped"], figures["depth"]) == (10, len(seen), dropped, 0)


def test_service_time_leaves_out_the_time_blocked_at_a_full_channel():
    clock = ScriptedClock()
    with trap() as caught:
        forward = Forward(lambda packet: clock.advance(1000))
        graph = chain(source(*range(4)), forward, Collect(caught), bounds=Bounds(items=1))
        runner = Runner(graph, clock=clock)
        runner.start()
        eventually(lambda: runner.channels[1].stuck)
        clock.advance(5_000_000)
        caught.released.set()
        assert runner.wait(PATIENCE)
    figures = runner.stats().stages["c1"]
    assert figures["service_max_ms"] == 1
    assert figures["busy_seconds"] == 0.004


def test_busy_time_includes_finish():
    clock = ScriptedClock()
    collect = Collect()
    collect.finish = lambda: clock.advance(2_000_000)
    runner = finished(chain(source(1), collect), clock=clock)
    assert runner.stats().stages["c1"]["busy_seconds"] == 2


def test_latency_is_emission_against_the_packets_own_end():
    clock = ScriptedClock()
    script = [lambda: clock.advance(150_000), *stream(0, duration=100_000)]
    runner = finished(chain(FakeSource(script), Collect()), clock=clock, lossless=False, media_time=False)
    assert runner.stats().stages["c0"]["latency_max_ms"] == 50


def test_a_stats_event_serialises_to_json():
    recorder = EventRecorder()
    runner = Runner(chain(source(1, 2), Announce(), recorder=recorder))
    runner.bus.add_hook(Event, lambda event: None)
    runner.start()
    assert runner.wait(PATIENCE)
    [stats] = recorder.of(Stats)
    data = json.loads(json.dumps(stats.to_dict(), allow_nan=False))
    assert data["event"] == "Stats"
    assert set(data["stages"]) == {"c0", "c1"}
    assert "recorder" in data["consumers"]


def test_live_stats_come_on_the_interval_of_the_session_clock():
    clock, recorder = ScriptedClock(), EventRecorder()
    runner = Runner(chain(Idle(), recorder=recorder), clock=clock, lossless=False, media_time=False, stats_interval=2)
    runner.start()
    for number in range(1, 4):
        # Time is moved until the thread that waits for it has seen it.
        eventually(lambda: clock.advance(100_000) or len(recorder.of(Stats)) >= number)  # noqa: B023
    runner.stop()
    assert runner.wait(PATIENCE)
    times = [event.emitted for event in recorder.of(Stats)][:-1]
    assert len(times) >= 3
    assert all(micros(later) - micros(earlier) >= micros(2) for earlier, later in pairwise([0.0, *times]))


def test_file_stats_come_on_the_interval_of_media_time():
    recorder = EventRecorder()
    times = [second * 1_000_000 for second in range(0, 35)]
    finished(chain(source(*times), Announce(), recorder=recorder), stats_interval=10)
    assert [event.emitted for event in recorder.of(Stats)] == [10, 20, 30, 34]
    assert recorder.ended


def test_no_interval_means_one_stats_event_just_before_the_end():
    recorder = EventRecorder()
    finished(chain(source(0, 10**9), Announce(), recorder=recorder))
    assert [type(event).__name__ for event in recorder.events] == ["Note", "Note", "Note", "Stats", "End"]


# The trace.


def lenient(text: str) -> list[dict]:
    """Read a trace as its viewers do: the end may be missing."""
    lines = text.rstrip().removesuffix("]").rstrip().rstrip(",")
    while True:
        try:
            return json.loads(lines + "]")
        except ValueError:
            lines = lines[: lines.rindex("\n")].rstrip().rstrip(",")


def traced_run(path) -> list[dict]:
    recorder = EventRecorder()
    collect = Collect()
    collect.finish = lambda: None
    finished(chain(source(1, 2), Forward(), Announce(), recorder=recorder), tracer=Tracer(path))
    return json.loads(path.read_text())


def test_a_trace_has_the_spans_of_every_stage_and_sink_on_its_own_named_lane(tmp_path):
    records = traced_run(tmp_path / "trace.json")
    lanes = {record["tid"]: record["args"]["name"] for record in records if record["ph"] == "M"}
    assert set(lanes.values()) == {"c0", "c1", "c2", "recorder"}
    spans = [(lanes[record["tid"]], record["name"]) for record in records if record["ph"] == "X"]
    for expected in (("c0", "produce"), ("c1", "process"), ("c1", "finish"), ("c2", "process")):
        assert expected in spans
    assert ("recorder", "handle Note") in spans
    assert all(record["ts"] >= 0 and record["dur"] >= 0 for record in records if record["ph"] == "X")
    assert any(record["name"] == "queue c0.out -> c1.in" for record in records if record["ph"] == "C")


def test_a_trace_cut_anywhere_still_opens(tmp_path):
    whole = traced_run(tmp_path / "trace.json")
    text = (tmp_path / "trace.json").read_text()
    assert lenient(text) == whole
    chance = random.Random(1)
    for _ in range(50):
        cut = lenient(text[: chance.randrange(2, len(text))])
        assert cut == whole[: len(cut)]


def test_a_closed_tracer_ignores_stragglers(tmp_path):
    tracer = Tracer(tmp_path / "trace.json")
    tracer.span("a", "work", 0, 5)
    tracer.close()
    tracer.span("a", "late", 5, 5)
    tracer.close()
    assert [record["name"] for record in json.loads((tmp_path / "trace.json").read_text())] == ["thread_name", "work"]


def test_a_full_disk_ends_the_trace_and_not_the_run(tmp_path):
    tracer = Tracer(tmp_path / "trace.json")

    class Full:
        closed = False

        def write(self, text):
            raise OSError(28, "No space left on device")

        def close(self):
            self.closed = True

    tracer._file.close()
    tracer._file = Full()
    recorder = EventRecorder()
    finished(chain(source(1), Announce(), recorder=recorder), tracer=tracer)
    assert Note(text="c1 1", emitted=recorder.of(Note)[0].emitted) in recorder.events
    assert recorder.ended
