"""`Pipeline`: the interface users see."""

from __future__ import annotations

import asyncio
import json
import threading

import pytest

from lipstream import Pipeline
from lipstream.config import Config
from lipstream.pipeline import (
    ConfigError,
    End,
    Error,
    Event,
    Graph,
    GraphError,
    PipelineError,
    StageFailed,
    Stats,
    UserError,
)
from lipstream.pipeline.testing import EventRecorder, FakeSource
from tests.pipeline.fakes import (
    FILE,
    LIVE,
    PATIENCE,
    Announce,
    Collect,
    Endless,
    Forward,
    Idle,
    Note,
    chain,
    eventually,
    pipeline,
    source,
    stream,
    trap,
)


def notes(events) -> list[str]:
    return [event.text for event in events if isinstance(event, Note)]


def test_run_gives_the_end_and_hooks_see_everything():
    one, seen = pipeline(source(1, 2), Announce()), []

    @one.on(Note)
    def hook(event):
        seen.append(event)

    everything = []
    assert one.on(Event, everything.append) == everything.append
    end = one.run()
    assert end == everything[-1] == End(reason="finished", duration=2e-6, emitted=2e-6)
    assert notes(seen) == ["c1 1", "c1 2", "c1 finished"]
    assert hook is not None


def test_from_config_builds_with_the_merged_configuration():
    seen: list[Config] = []

    def build(config: Config) -> Graph:
        seen.append(config)
        return chain(source(1))

    Pipeline.from_config("file", build=build, input="talk.mp4", vad={"threshold": 0.7}, **{"vad.pre_roll": 0.1})
    [config] = seen
    assert (config.mode, str(config.input), config.vad.threshold, config.vad.pre_roll) == ("file", "talk.mp4", 0.7, 0.1)


def test_from_config_names_what_is_wrong():
    with pytest.raises(ConfigError, match=r"unknown key 'vad\.treshold', did you mean 'threshold'"):
        Pipeline.from_config("live", build=lambda _: Graph(), vad={"treshold": 1})


def test_a_recording_for_a_live_run_is_refused_and_camera_and_microphone_are_not_opened_in_its_place():
    with pytest.raises(ConfigError, match=r"'input': .* not 'talk.mp4'; .*\"file\""):
        Pipeline.from_config("live", input="talk.mp4")


def test_the_default_graph_comes_from_the_stages_package(monkeypatch):
    monkeypatch.setattr("lipstream.stages.build.build", lambda config: chain(source(1)))
    assert list(Pipeline(FILE).graph.components) == ["c0"]


def test_on_takes_event_classes_only():
    with pytest.raises(TypeError, match="takes an event class, got 'TranscriptFinal'"):
        pipeline(source(1)).on("TranscriptFinal")


def test_a_hook_that_cannot_be_called_is_refused_where_it_is_registered():
    with pytest.raises(TypeError, match="called with an event, got 5"):
        pipeline(source(1)).on(Note, 5)


def test_off_stops_one_class_or_all_and_must_know_the_function():
    one, seen = pipeline(source(1), Announce()), []
    one.on(Note, seen.append)
    one.on(End, seen.append)
    one.off(seen.append, Note)
    with pytest.raises(ValueError, match="is not registered"):
        one.off(print)
    one.run()
    assert [type(event) for event in seen] == [End]
    with pytest.raises(ValueError, match="is not registered"):
        one.off(seen.append, Note)


def test_a_pipeline_runs_once():
    one = pipeline(source(1))
    one.run()
    with pytest.raises(PipelineError, match="already been started; make a new one"):
        one.start()


def test_what_needs_a_run_says_so_before_the_start():
    one = pipeline(source(1))
    for use in (one.wait, one.stats):
        with pytest.raises(PipelineError, match="has not been started"):
            use()
    one.stop()
    assert one.run().reason == "finished"


def test_wait_with_a_timeout_tells_whether_the_run_is_over():
    with trap() as caught:
        one = pipeline(FakeSource([caught]))
        one.start()
        assert one.wait(0.01) is False
        caught.released.set()
        assert one.wait(PATIENCE) is True


def test_a_failed_run_raises_from_run_wait_and_the_context():
    def broken():
        return pipeline(FakeSource([lambda: 1 / 0]), Collect())

    with pytest.raises(StageFailed) as caught:
        broken().run()
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    with pytest.raises(StageFailed):  # noqa: SIM117
        with broken() as one:
            list(one.events())


def test_an_error_in_the_body_of_the_context_is_not_hidden_and_the_run_is_stopped():
    one = pipeline(Endless(), Collect())
    with pytest.raises(KeyError, match="mine"), one:
        raise KeyError("mine")
    assert one.wait(0)


def test_a_wrong_graph_is_refused_at_the_start_and_leaves_no_trace_behind(tmp_path):
    one = pipeline(source(1), trace=tmp_path / "trace.json")
    one.graph.add("alone", Forward())
    with pytest.raises(GraphError, match=r"alone\.in"):
        one.run()
    assert list(tmp_path.iterdir()) == []


def test_sinks_and_stages_are_added_before_the_start():
    one, recorder, collect = pipeline(source(1, 2)), EventRecorder(), Collect()
    one.add_sink("recorder", recorder)
    one.graph.add("mine", collect)
    one.graph.connect("c0.out", "mine.in")
    one.run()
    assert recorder.ended
    assert collect.timestamps == [1, 2]


def test_what_is_added_after_the_start_is_refused_and_not_passed_over():
    """Regression: such a sink got no event, and nobody was told."""
    one = pipeline(source(1, 2))
    one.run()
    with pytest.raises(GraphError, match="'late' is added too late"):
        one.add_sink("late", EventRecorder())
    with pytest.raises(GraphError, match="too late"):
        one.graph.add("mine", Collect())
    with pytest.raises(GraphError, match="too late"):
        one.graph.connect("c0.out", "mine.in")


# Iterating.


def test_events_starts_the_run_and_misses_nothing():
    events = list(pipeline(source(*range(500)), Announce()).events())
    assert notes(events) == [f"c1 {n}" for n in range(500)] + ["c1 finished"]
    assert [type(event) for event in events[-2:]] == [Stats, End]


def test_events_of_some_classes_and_of_their_subclasses_only():
    assert notes(pipeline(source(1, 2), Announce()).events(Note)) == ["c1 1", "c1 2", "c1 finished"]
    two = list(pipeline(source(1), Announce()).events(Note, End))
    assert [type(event) for event in two] == [Note, Note, End]
    three = list(pipeline(source(1), Announce()).events(Note, Stats, Event))
    assert [type(event) for event in three] == [Note, Note, Stats, End]


def test_the_end_ends_a_loop_over_events_that_do_not_come():
    assert list(pipeline(source(1, 2), Collect()).events(Note)) == []

    async def read() -> list[Event]:
        return [event async for event in pipeline(source(1, 2), Announce()).aevents(Stats)]

    assert [type(event) for event in asyncio.run(read())] == [Stats]


def test_events_takes_event_classes_only_and_else_begins_nothing():
    one = pipeline(source(1))
    with pytest.raises(TypeError, match=r"events\(\) takes an event class, got 'Note'"):
        one.events("Note")
    assert not one.begun
    assert one.run().reason == "finished"


def test_a_reader_is_closed_by_its_context_and_again():
    one = pipeline(source(*range(5000)), Announce())
    with one.events() as events:
        assert next(events).text == "c1 0"
    events.close()
    assert list(events) == []
    assert one.wait(PATIENCE)


def test_a_run_that_cannot_have_its_threads_ends_its_loops(monkeypatch):
    """Regression: `wait` raised, but the loop hung for ever."""

    def refuse(self):
        raise RuntimeError("can't start new thread")

    one, heard = pipeline(source(1), Announce()), []
    one.on(End, heard.append)
    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert [type(event) for event in one.events()] == [Error, Stats, End]
    with pytest.raises(StageFailed, match="can't start new thread"):
        one.wait()
    assert [event.reason for event in heard] == ["failed"]


def test_leaving_the_loop_leaves_the_run_going():
    collect = Collect()
    one = pipeline(source(*range(3000)), Announce())
    one.graph.add("collect", collect)
    one.graph.connect("c0.out", "collect.in")
    for _ in one.events():
        break
    assert one.wait(PATIENCE)
    assert len(collect.packets) == 3000


def test_leaving_the_context_stops_the_run_though_a_reader_is_paused():
    with pipeline(Endless(), Announce()) as one:
        iterator = one.events()
        next(iterator)
    assert one.wait(0)
    rest = list(iterator)
    assert isinstance(rest[-1], End) and rest[-1].reason == "stopped"


def test_the_loop_may_use_the_pipeline_while_it_pauses_it():
    """Regression: on(), off() and a second events() inside the loop once deadlocked a file run."""
    one, heard = pipeline(source(*range(5000)), Announce()), []
    for number, event in enumerate(one.events()):
        if number == 0:
            eventually(lambda: one.stats().stages["c1"]["packets_in"] > 1100)
            one.on(End, heard.append)
            one.on(Note, print)
            one.off(print)
            one.events().close()
        last = event
    assert one.wait(PATIENCE)
    assert heard == [last]


def test_two_threads_may_begin_to_iterate_at_once():
    one = pipeline(source(*range(100)), Announce())
    barrier, results = threading.Barrier(4, timeout=PATIENCE), []

    def read():
        barrier.wait()
        results.append(list(one.events()))

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert len(results) == 4
    assert all(result == results[0] for result in results)
    assert one.wait(PATIENCE)


def test_async_iteration_and_an_async_break():
    one = pipeline(source(*range(300)), Announce())

    async def read() -> list[Event]:
        return [event async for event in one.aevents()]

    assert len(notes(asyncio.run(read()))) == 301

    two = pipeline(source(*range(5000)), Announce())

    async def glance() -> None:
        async for _ in two.aevents():
            return

    asyncio.run(glance())
    assert two.wait(PATIENCE)


# Configuration of the run.


@pytest.mark.parametrize(
    ("config", "lossless", "by_clock"),
    [(LIVE, False, True), (FILE, True, False), (Config(mode="file", pace="realtime"), True, True)],
)
def test_a_component_is_told_what_kind_of_run_it_is_in(config, lossless, by_clock):
    seen = []

    class Look(Idle):
        def produce(self):
            seen.append((self.context.lossless, self.context.now() > 0))
            return False

    pipeline(Look(), config=config).run()
    assert seen == [(lossless, by_clock)]


def test_the_trace_and_the_stats_can_be_had(tmp_path):
    one = pipeline(FakeSource(stream(1, 2)), Announce(), trace=tmp_path / "trace.json")
    one.run()
    assert one.stats().stages["c1"]["packets_in"] == 2
    assert isinstance(json.loads((tmp_path / "trace.json").read_text()), list)


def test_a_trace_that_cannot_be_written_is_one_clear_line(tmp_path):
    with pytest.raises(UserError, match=r"cannot write the trace '.*trace\.json': No such file or directory"):
        pipeline(source(1), trace=tmp_path / "missing" / "trace.json").run()
