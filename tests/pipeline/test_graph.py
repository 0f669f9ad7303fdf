"""The graph checks itself, and says which component and which port is wrong."""

from __future__ import annotations

import re
from dataclasses import fields
from typing import ClassVar

import pytest

from lipstream.pipeline import Bounds, Component, Graph, GraphError, Port, Sink, Source, Stage
from lipstream.pipeline.running.overload import Shed
from lipstream.pipeline.switches import Switches
from lipstream.pipeline.testing import EventRecorder, FakeSource
from tests.pipeline.fakes import Collect, Forward, Idle, Join, chain, source


class Sound:
    pass


class Speech(Sound):
    pass


class Typed(Stage):
    inputs: ClassVar = {"in": Port(Sound)}
    outputs: ClassVar = {"out": Port(Speech)}

    def process(self, port, packet):
        pass


class Optional(Sink):
    inputs: ClassVar = {"main": Port(object), "extra": Port(object, optional=True)}

    def process(self, port, packet):
        pass


class Odd(Source):
    inputs: ClassVar = {"in": Port(object)}

    def produce(self):
        return False


def error_of(graph: Graph) -> str:
    with pytest.raises(GraphError) as caught:
        graph.check()
    return str(caught.value)


def test_a_complete_graph_passes():
    graph = chain(FakeSource([], Speech), Typed(), Typed(), Collect())
    graph.check()
    assert graph.order() == ["c0", "c1", "c2", "c3"]


def test_types_that_do_not_fit_name_both_ports_and_both_types():
    assert error_of(chain(FakeSource([], int), Typed())) == (
        "c0.out -> c1.in: 'c0.out' carries int, but 'c1.in' takes Sound"
    )


def test_an_unconnected_input_is_named():
    graph = chain(Idle())
    graph.add("join", Join())
    graph.connect("c0.out", "join.left")
    assert error_of(graph) == "input port 'join.right' is not connected"


def test_an_optional_input_may_stay_unconnected_but_not_all_of_them():
    graph = chain(Idle())
    graph.add("sink", Optional())
    graph.connect("c0.out", "sink.main")
    graph.check()
    graph = chain(Idle())
    graph.add("sink", Optional())
    assert error_of(graph) == "input port 'sink.main' is not connected"


def test_a_stage_without_any_connected_input_is_named():
    class Deaf(Sink):
        inputs: ClassVar = {"in": Port(object, optional=True)}

        def process(self, port, packet):
            pass

    graph = chain(Idle())
    graph.add("deaf", Deaf())
    assert error_of(graph) == "no input port of 'deaf' is connected"


def test_two_producers_of_one_input_are_refused():
    graph = chain(Idle(), Collect())
    graph.add("other", Idle())
    graph.connect("other.out", "c1.in")
    assert error_of(graph) == "input port 'c1.in' is fed by 2 outputs, one is allowed"


def test_an_unknown_component_is_named_with_those_there_are():
    graph = chain(Idle(), Collect())
    graph.connect("c0.out", "nobody.in")
    assert error_of(graph) == "c0.out -> nobody.in: there is no component 'nobody' (there are: c0, c1)"


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("c0.sound", "component 'c0' has no output port 'sound' (it has: out)"),
        ("c0", "component 'c0' has no output port '' (it has: out)"),
    ],
)
def test_an_unknown_port_is_named_with_those_there_are(output, message):
    graph = chain(Idle())
    graph.add("sink", Collect())
    graph.connect(output, "sink.in")
    assert message in error_of(graph)


def test_a_component_without_outputs_says_it_has_none():
    graph = chain(Idle(), Collect())
    graph.add("sink", Collect())
    graph.connect("c1.out", "sink.in")
    assert "component 'c1' has no output port 'out' (it has: none)" in error_of(graph)


def test_a_cycle_is_shown():
    graph = Graph()
    graph.add("source", Idle())
    graph.add("one", Forward())
    graph.add("two", Forward())
    graph.connect("one.out", "two.in")
    graph.connect("two.out", "one.in")
    message = error_of(graph)
    assert re.fullmatch(r"the graph has a cycle: (one -> two -> one|two -> one -> two)", message)


def test_a_stage_that_feeds_itself_is_a_cycle():
    graph = chain(Idle())
    graph.add("loop", Forward())
    graph.connect("loop.out", "loop.in")
    assert error_of(graph) == "the graph has a cycle: loop -> loop"


def test_a_graph_needs_a_source():
    assert error_of(Graph()) == "the graph has no source"


def test_a_source_with_inputs_would_never_read_them():
    graph = chain(Idle())
    graph.add("odd", Odd())
    graph.connect("c0.out", "odd.in")
    assert error_of(graph) == "source 'odd' has input ports (in), a source has none"


@pytest.mark.parametrize("name", ["", "a.b"])
def test_a_name_must_be_usable_in_port_paths(name):
    with pytest.raises(GraphError, match="non-empty and without a dot"):
        Graph().add(name, Idle())


def test_a_name_is_taken_once_by_components_and_sinks_alike():
    graph = Graph()
    graph.add("one", Idle())
    with pytest.raises(GraphError, match="already a component named 'one'"):
        graph.add("one", EventRecorder())


def test_a_graph_that_is_included_loses_nothing():
    def retell(event):
        return None

    inner, outer = chain(source(1), Collect()), chain(source(1), Collect())
    inner.add("events", EventRecorder())
    inner.paced.add("c1")
    inner.retold["c0"] = retell
    inner.sheds = (Shed("faces", "video", "", ""), Shed("guesses", "audio", "", ""))
    inner.switches = Switches(["sound", "picture"])
    inner.switches.turn("picture", False)
    outer.sheds = (Shed("guesses", "audio", "outer", ""),)
    outer.switches = Switches(["sound"])
    outer.include(inner, "second_")
    outer.check()
    assert list(outer.components) == ["c0", "c1", "second_c0", "second_c1"]
    assert outer.sinks == {"second_events": inner.sinks["events"]}
    assert outer.paced == {"second_c1"} and outer.retold == {"second_c0": retell}
    assert [(shed.name, shed.reason) for shed in outer.sheds] == [("guesses", "outer"), ("faces", "")]
    assert outer.switches.names == ("sound", "picture") and not outer.switches.is_on("picture")
    # What a graph will have in time: to be dealt with in `include` as well.
    known = {"components", "edges", "sinks", "skew_limits", "paced", "sheds", "switches", "retold", "begun"}
    assert {each.name for each in fields(Graph)} == known


def test_one_component_cannot_be_in_the_graph_twice():
    graph = Graph()
    stage = Forward()
    graph.add("one", stage)
    with pytest.raises(GraphError, match="added as 'two' is already there as 'one'"):
        graph.add("two", stage)


def test_a_component_of_no_known_kind_is_refused_when_it_is_added():
    class Something(Component):
        pass

    with pytest.raises(GraphError, match="'x' must be a Source, a Stage, a Sink or an EventSink, but is a Something"):
        Graph().add("x", Something())


# A stage is put into a stream.


class Softer(Stage):
    """Takes sound and gives sound; what else it takes is no sound."""

    inputs: ClassVar = {"in": Port(Sound), "other": Port(int, optional=True)}
    outputs: ClassVar = {"out": Port(Speech), "level": Port(float)}

    def process(self, port, packet):
        pass


class Twice(Stage):
    inputs: ClassVar = {"one": Port(object), "two": Port(object, optional=True)}
    outputs: ClassVar = {"out": Port(Speech)}

    def process(self, port, packet):
        pass


BOUNDS = Bounds(items=7)


def spoken_to_two() -> Graph:
    graph = Graph()
    graph.add("source", FakeSource([], Speech))
    graph.add("first", Typed())
    graph.add("second", Optional())
    graph.connect("source.out", "first.in", BOUNDS)
    graph.connect("source.out", "second.main", Bounds(items=9))
    return graph


def names(graph: Graph) -> set[str]:
    return {edge.name for edge in graph.edges}


def test_whatever_took_a_stream_takes_what_the_stage_makes_of_it():
    graph = spoken_to_two()
    assert graph.insert("softer", Softer(), "source.out") == "softer.out"
    graph.check()
    assert names(graph) == {
        "source.out -> softer.in",
        "softer.out -> first.in",
        "softer.out -> second.main",
    }
    assert {edge.consumer: edge.bounds.items for edge in graph.edges} == {"softer": 7, "first": 7, "second": 9}


def test_what_is_connected_later_gets_the_stream_as_it_was():
    graph = spoken_to_two()
    graph.insert("softer", Softer(), "source.out")
    graph.add("late", Collect())
    graph.connect("source.out", "late.in")
    assert "source.out -> late.in" in names(graph)


def test_one_behind_the_other():
    graph = spoken_to_two()
    end = graph.insert("b", Softer(), graph.insert("a", Softer(), "source.out"))
    assert end == "b.out"
    assert names(graph) == {"source.out -> a.in", "a.out -> b.in", "b.out -> first.in", "b.out -> second.main"}


def test_a_stage_on_the_way_that_has_to_keep_pace_has_to_keep_pace():
    graph = spoken_to_two()
    graph.insert("slow", Softer(), "source.out", skew_limit=5)
    assert graph.paced == set()
    graph = spoken_to_two()
    graph.paced = {"second"}
    graph.insert("slow", Softer(), "source.out", skew_limit=5)
    # It waits for its other input, so its delay says nothing of the load.
    assert graph.paced == {"second"}
    graph.insert("quick", Typed(), "slow.out")
    assert graph.paced == {"second", "quick"}


@pytest.mark.parametrize(
    ("stage", "stream", "expected"),
    [
        (Typed, "first.out", "'new' cannot be put into 'first.out', which nothing takes"),
        (Typed, "nobody.out", "'new' cannot be put into 'nobody.out', which nothing takes"),
        (
            Join,
            "source.out",
            "carries Speech: it has 2 input ports that take it and 0 output ports that give it, one of",
        ),
        (Twice, "source.out", "carries Speech: it has 2 input ports that take it and 1 output ports that give it"),
        (Collect, "source.out", "carries Speech: it has 1 input ports that take it and 0 output ports that give it"),
    ],
)
def test_a_stage_that_does_not_fit_into_a_stream_is_refused_and_the_graph_stays(stage, stream, expected):
    graph = spoken_to_two()
    before = names(graph)
    with pytest.raises(GraphError, match=re.escape(expected)):
        graph.insert("new", stage(), stream)
    assert names(graph) == before and "new" not in graph.components


def test_a_name_that_is_taken_is_refused_and_the_graph_stays():
    graph = spoken_to_two()
    before = names(graph)
    with pytest.raises(GraphError, match="already a component named 'first'"):
        graph.insert("first", Softer(), "source.out")
    assert names(graph) == before
