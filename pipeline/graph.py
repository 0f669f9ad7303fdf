"""The graph of components, and the check that it can run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from graphlib import CycleError, TopologicalSorter

from lipstream.pipeline.component import Component, EventSink, Port, Source, Stage
from lipstream.pipeline.errors import GraphError
from lipstream.pipeline.events import Event
from lipstream.pipeline.running.overload import Shed
from lipstream.pipeline.streams.channel import Bounds
from lipstream.pipeline.switches import Switches


@dataclass(frozen=True, slots=True)
class Edge:
    """A connection from an output port to an input port."""

    producer: str
    output: str
    consumer: str
    input: str
    bounds: Bounds

    @property
    def name(self) -> str:
        """The edge as shown in metrics and messages."""
        return f"{self.producer}.{self.output} -> {self.consumer}.{self.input}"


@dataclass(slots=True)
class Graph:
    """Components by name, and the edges between their ports.

    An output may feed any number of inputs; an input is fed by one output. Event sinks stand outside the edges: each
    receives every event.

    Attributes:
        components: sources, stages and sinks by name.
        edges: their connections.
        sinks: event sinks by name.
        skew_limits: see `add`.
        paced: names of the components whose delay tells, in a live run, how far it is behind; each takes what
            comes as it comes: it has one input, or a skew limit of 0.
        sheds: what a live run that is behind leaves out, in this order; components ask `context.sheds`.
        switches: what can be switched off and on during the run; components ask `context.switched_off`.
        retold: for components, what becomes of the events they publish before anybody hears of them; None for one that
            is kept back.
        begun: whether its run has begun: what is added from then on would have no part in it, and is refused.
    """

    components: dict[str, Component] = field(default_factory=dict)
    edges: list[Edge] = field(default_factory=list)
    sinks: dict[str, EventSink] = field(default_factory=dict)
    skew_limits: dict[str, int | None] = field(default_factory=dict)
    paced: set[str] = field(default_factory=set)
    sheds: tuple[Shed, ...] = ()
    switches: Switches = field(default_factory=Switches)
    retold: dict[str, Callable[[Event], Event | None]] = field(default_factory=dict)
    begun: bool = False

    def add(self, name: str, component: Component, skew_limit: int | None = None) -> None:
        """Add a component.

        Args:
            name: unique, without a dot.
            component: the component.
            skew_limit: how long a packet may wait for the component's other inputs, in microseconds; None waits as
                long as it takes, which makes the order of delivery depend on the data alone. A lossless run, such as
                one from a file, always does that.

        Raises:
            GraphError: the name is taken or has a dot, the component is there already, or it is of no known kind; or
                the run has begun.
        """
        self._check_open(f"'{name}' is added")
        if not name or "." in name:
            raise GraphError(f"component name {name!r} must be non-empty and without a dot")
        for other, present in (*self.components.items(), *self.sinks.items()):
            if other == name:
                raise GraphError(f"there is already a component named '{name}'")
            if present is component:
                raise GraphError(f"the component added as '{name}' is already there as '{other}'")
        if isinstance(component, EventSink):
            self.sinks[name] = component
            return
        if not isinstance(component, (Source, Stage)):
            kind = type(component).__name__
            raise GraphError(f"component '{name}' must be a Source, a Stage, a Sink or an EventSink, but is a {kind}")
        self.components[name] = component
        self.skew_limits[name] = skew_limit

    def connect(self, output: str, input: str, bounds: Bounds | None = None) -> None:
        """Connect `"component.port"` to `"component.port"`; checked later, by `check`.

        Raises:
            GraphError: the run has begun.
        """
        self._check_open(f"{output} is connected")
        producer, _, output_port = output.partition(".")
        consumer, _, input_port = input.partition(".")
        self.edges.append(Edge(producer, output_port, consumer, input_port, bounds or Bounds()))

    def insert(self, name: str, stage: Stage, stream: str, skew_limit: int | None = None) -> str:
        """Add a stage and lead a stream through it: whatever took the stream takes what the stage makes of it.

        The stage is connected with the bounds of the first of those behind it. What is connected to the stream later
        gets it as it was.

        Args:
            name: see `add`.
            stage: has one input that takes what flows there, and one output that gives it.
            stream: `"component.port"` of an output that is connected to something.
            skew_limit: see `add`.

        Returns:
            What has become of the stream, `"name.port"`.

        Raises:
            GraphError: as `add`; or nothing takes such a stream, or the stage does not fit into it.
        """
        producer, _, output = stream.partition(".")
        behind = [edge for edge in self.edges if (edge.producer, edge.output) == (producer, output)]
        if not behind:
            raise GraphError(f"'{name}' cannot be put into '{stream}', which nothing takes")
        payload = self._port(f"{stream} -> {name}", producer, output, "output").type
        inputs = [port for port, declared in stage.inputs.items() if issubclass(payload, declared.type)]
        outputs = [port for port, declared in stage.outputs.items() if issubclass(declared.type, payload)]
        if len(inputs) != 1 or len(outputs) != 1:
            raise GraphError(
                f"'{name}' cannot be put into '{stream}', which carries {payload.__name__}: it has {len(inputs)} input "
                f"ports that take it and {len(outputs)} output ports that give it, one of each is needed"
            )
        self.add(name, stage, skew_limit)
        takes_as_it_comes = len(stage.inputs) == 1 or skew_limit == 0
        if takes_as_it_comes and any(edge.consumer in self.paced for edge in behind):
            self.paced.add(name)
        led = {edge: replace(edge, producer=name, output=outputs[0]) for edge in behind}
        self.edges = [led.get(edge, edge) for edge in self.edges]
        self.connect(stream, f"{name}.{inputs[0]}", behind[0].bounds)
        return f"{name}.{outputs[0]}"

    def include(self, other: Graph, prefix: str) -> None:
        """Add another graph: its components and sinks, with all that is said of them, under names with a prefix.

        What it sheds and its switches keep their names, by which its components ask for them: those that are here
        already are the same, the others come behind them.

        Raises:
            GraphError: such a name is taken.
        """
        for name, component in other.components.items():
            self.add(prefix + name, component, other.skew_limits[name])
        for name, sink in other.sinks.items():
            self.add(prefix + name, sink)
        for edge in other.edges:
            self.edges.append(replace(edge, producer=prefix + edge.producer, consumer=prefix + edge.consumer))
        self.paced |= {prefix + name for name in other.paced}
        self.retold |= {prefix + name: retell for name, retell in other.retold.items()}
        known = {shed.name for shed in self.sheds}
        self.sheds += tuple(shed for shed in other.sheds if shed.name not in known)
        self.switches.add(other.switches)

    def check(self) -> None:
        """Verify that the graph can run.

        Raises:
            GraphError: an unknown component or port, types that do not fit, an input without or with two producers,
                a cycle, or no source; the message names the component and the port.
        """
        for edge in self.edges:
            self._check_edge(edge)
        for name, component in self.components.items():
            self._check_inputs(name, component)
        if not any(isinstance(component, Source) for component in self.components.values()):
            raise GraphError("the graph has no source")
        self.order()

    def order(self) -> list[str]:
        """Component names, producers before consumers.

        Raises:
            GraphError: the graph has a cycle.
        """
        sorter = TopologicalSorter({name: self._producers(name) for name in self.components})
        try:
            return list(sorter.static_order())
        except CycleError as error:
            raise GraphError("the graph has a cycle: " + " -> ".join(reversed(error.args[1]))) from None

    def _check_open(self, what: str) -> None:
        if self.begun:
            raise GraphError(f"{what} too late: the run of this graph has begun")

    def _producers(self, name: str) -> set[str]:
        return {edge.producer for edge in self.edges if edge.consumer == name}

    def _check_edge(self, edge: Edge) -> None:
        output = self._port(edge.name, edge.producer, edge.output, "output")
        expected = self._port(edge.name, edge.consumer, edge.input, "input")
        if not issubclass(output.type, expected.type):
            raise GraphError(
                f"{edge.name}: '{edge.producer}.{edge.output}' carries {output.type.__name__}, "
                f"but '{edge.consumer}.{edge.input}' takes {expected.type.__name__}"
            )

    def _port(self, edge: str, name: str, port: str, kind: str) -> Port:
        component = self.components.get(name)
        if component is None:
            raise GraphError(f"{edge}: there is no component '{name}' (there are: {', '.join(self.components)})")
        ports = component.outputs if kind == "output" else component.inputs
        if port not in ports:
            known = ", ".join(ports) or "none"
            raise GraphError(f"{edge}: component '{name}' has no {kind} port '{port}' (it has: {known})")
        return ports[port]

    def _check_inputs(self, name: str, component: Component) -> None:
        if isinstance(component, Source) and component.inputs:
            raise GraphError(f"source '{name}' has input ports ({', '.join(component.inputs)}), a source has none")
        fed = [edge.input for edge in self.edges if edge.consumer == name]
        for port, declared in component.inputs.items():
            if fed.count(port) > 1:
                raise GraphError(f"input port '{name}.{port}' is fed by {fed.count(port)} outputs, one is allowed")
            if port not in fed and not declared.optional:
                raise GraphError(f"input port '{name}.{port}' is not connected")
        if isinstance(component, Stage) and not fed:
            raise GraphError(f"no input port of '{name}' is connected")
