"""Base classes of everything that runs in a graph: sources, stages and sinks."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, Self

from lipstream.pipeline.clock import Clock
from lipstream.pipeline.errors import GraphError
from lipstream.pipeline.events import Degraded, Event, Recovered
from lipstream.pipeline.streams.packet import Packet


@dataclass(frozen=True, slots=True)
class Port:
    """An input or output of a component.

    Attributes:
        type: class of the payloads on the stream.
        optional: for inputs, whether the component also works with this port unconnected.
    """

    type: type
    optional: bool = False


class Context(Protocol):
    """What a running component may use of its surroundings."""

    @property
    def name(self) -> str:
        """The component's name in its graph."""

    @property
    def clock(self) -> Clock:
        """The session clock."""

    @property
    def stopping(self) -> threading.Event:
        """Set when the run is asked to end: sources return, long waits give up."""

    @property
    def lossless(self) -> bool:
        """True for file runs: no work may be skipped to save time, or the result would depend on the machine."""

    def sheds(self, name: str) -> bool:
        """Whether one of the graph's `sheds`, by name, is left out just now; never in a file run."""

    def switched_off(self, name: str) -> bool:
        """Whether one of the graph's `switches`, by name, is off just now."""

    def now(self) -> int:
        """Time to stamp on events: session time or, in a file run at full speed, the media time reached (us)."""

    def emit(self, port: str, packet: Packet[Any]) -> None:
        """Send a packet to every consumer of an output port; may block, by the channels' policies."""

    def advance(self, watermark: int) -> None:
        """Promise on every output port that nothing earlier than `watermark` (us) will come."""

    def publish(self, event: Event) -> None:
        """Send an event to the sinks and hooks."""

    def backlog(self, port: str) -> int:
        """Microseconds of data waiting on an input port."""

    def connected(self, port: str) -> bool:
        """Whether an input or output port is connected to anything."""

    def count(self, name: str, amount: float) -> None:
        """Add to one of the run's named totals, reported in `Stats`."""


class Component(ABC):
    """Anything that runs in a graph, on a thread of its own.

    The constructor only keeps its arguments; `open` does the work and may fail. All methods are called on the
    component's own thread, in the order open, (the run), close.
    """

    inputs: ClassVar[Mapping[str, Port]] = {}
    """Input ports by name; the order breaks ties between packets of equal timestamp."""
    outputs: ClassVar[Mapping[str, Port]] = {}
    """Output ports by name."""

    _context: Context

    def attach(self, context: Context) -> None:
        """Give the component its surroundings, before `open`."""
        self._context = context
        self.degraded: dict[str, str] = {}
        self._reasons: dict[str, dict[str, str]] = {}

    @property
    def context(self) -> Context:
        """The component's surroundings, available from `open` on."""
        return self._context

    def open(self) -> None:  # noqa: B027 - optional for a subclass
        """Load models, open devices. No source produces before every component is open."""

    def close(self) -> None:  # noqa: B027 - optional for a subclass
        """Release what `open` took. Called exactly once if `open` was called, also when it failed."""

    def emit(self, port: str, payload: object, timestamp: int, duration: int = 0) -> None:
        """Send a payload on an output port; times in microseconds.

        Raises:
            StreamOrderError: the timestamp is earlier than one emitted or promised on this port before.
            TypeError: the port carries something else.
        """
        self._context.emit(port, Packet(timestamp, payload, duration))

    def publish(self, event: Event) -> None:
        """Send an event to the sinks and hooks."""
        self._context.publish(event)

    def degrade(self, modality: str, reason: str, trouble: str = "") -> None:
        """Report a bad or missing modality; the same reason is not repeated until it has recovered.

        Args:
            modality: "audio" or "video".
            reason: one plain-language line.
            trouble: a name for what is wrong, in a component where several things may be wrong with one modality at
                once; each then lasts until it is over itself. A further reason for the same trouble takes the place of
                the one before.
        """
        reasons = self._reasons.setdefault(modality, {})
        if reasons.get(trouble) != reason:
            reasons.pop(trouble, None)
            reasons[trouble] = reason
            self._publish_degraded(modality)

    def recover(self, modality: str, trouble: str = "") -> None:
        """Report that a trouble of a modality is over; does nothing if there was none.

        `Recovered` comes when nothing else is wrong with the modality. If what was said last is over and something
        older is not, that is said again: who follows the events always knows what holds.
        """
        reasons = self._reasons.get(modality, {})
        if trouble not in reasons:
            return
        said = next(reversed(reasons))
        del reasons[trouble]
        if not reasons:
            del self.degraded[modality]
            self.publish(Recovered(modality=modality, stage=self._context.name))
        elif said == trouble:
            self._publish_degraded(modality)

    def _publish_degraded(self, modality: str) -> None:
        reason = self.degraded[modality] = next(reversed(self._reasons[modality].values()))
        self.publish(Degraded(modality=modality, stage=self._context.name, reason=reason))


class Source(Component):
    """A component without inputs."""

    @abstractmethod
    def produce(self) -> bool:
        """Emit the next packets and return whether there may be more.

        Called again and again until it returns False or the run is stopping. Waits inside must end within 0.1 s or
        use `context.stopping`.

        Raises:
            RecoverableError: nothing can be had now, but perhaps later; it is called again after a pause, which grows
                from 0.01 s to 1 s while this goes on.
        """


class Stage(Component):
    """A component that turns packets into packets."""

    if_stuck: ClassVar[tuple[str, str] | None] = None
    """Live, what to report when it does not come back from a call: the modality, and one plain-language line."""

    @abstractmethod
    def process(self, port: str, packet: Packet[Any]) -> None:
        """Handle one packet.

        Packets of all ports come in one sequence ordered by timestamp (live: as far as the skew limit allows).

        Raises:
            RecoverableError: this packet cannot be handled, later ones may.
        """

    def advance(self, frontier: int) -> None:
        """Note that everything earlier than `frontier` (us) has been delivered, also when no packet came.

        In a file run at full speed the frontiers are the same in every run: those of the packets, in gaps every 0.1 s.
        """

    def finish(self) -> None:
        """Emit what is still held: all inputs have ended."""

    def watermark(self, frontier: int) -> int:
        """What the outputs promise once all input earlier than `frontier` (us) is processed.

        A stage that emits packets earlier than its newest input (look-ahead, pre-roll) subtracts that lag.
        """
        return frontier

    @classmethod
    def with_inputs(cls, inputs: Mapping[str, Port]) -> type[Self]:
        """The same with other inputs, where how many there are is known only when a graph is made."""
        made: type[Self] = type(
            cls.__name__, (cls,), {"__module__": cls.__module__, "__doc__": cls.__doc__, "inputs": inputs}
        )
        return made


class Sink(Stage):
    """A component without outputs."""


class EventSink(Component):
    """Consumes the run's events, each sink on a thread of its own. `End` always comes, once, last."""

    @abstractmethod
    def handle(self, event: Event) -> None:
        """Consume one event; what it raises ends the run."""


def check_emission(outputs: Mapping[str, Port], name: str, port: str, payload: object) -> None:
    """Verify that a component with these output ports may emit a payload on a port.

    Raises:
        GraphError: there is no such port.
        TypeError: the port carries something else.
    """
    if port not in outputs:
        known = ", ".join(outputs) or "none"
        raise GraphError(f"component '{name}' emits on '{port}', which is no output port of its (it has: {known})")
    declared = outputs[port].type
    if not isinstance(payload, declared):
        raise TypeError(f"'{name}.{port}' carries {declared.__name__}, got {type(payload).__name__} to emit")
