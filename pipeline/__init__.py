"""The dataflow, for those who build stages: packets, components, the graph and its run. Knows nothing of what flows."""

from lipstream.pipeline.component import Component, EventSink, Port, Sink, Source, Stage
from lipstream.pipeline.delivery.subscription import Subscription
from lipstream.pipeline.errors import (
    ConfigError,
    GraphError,
    PipelineError,
    RecoverableError,
    StageFailed,
    UserError,
)
from lipstream.pipeline.events import Degraded, End, Error, Event, Recovered, Stats
from lipstream.pipeline.graph import Graph
from lipstream.pipeline.running.overload import Shed
from lipstream.pipeline.session import Session
from lipstream.pipeline.streams.channel import Bounds, Policy
from lipstream.pipeline.streams.packet import Packet, micros, seconds
from lipstream.pipeline.switches import Switches

__all__ = [
    "Bounds",
    "Component",
    "ConfigError",
    "Degraded",
    "End",
    "Error",
    "Event",
    "EventSink",
    "Graph",
    "GraphError",
    "Packet",
    "PipelineError",
    "Policy",
    "Port",
    "RecoverableError",
    "Recovered",
    "Session",
    "Shed",
    "Sink",
    "Source",
    "Stage",
    "StageFailed",
    "Stats",
    "Subscription",
    "Switches",
    "UserError",
    "micros",
    "seconds",
]
