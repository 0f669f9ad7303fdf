"""Stages of plug-ins in the captions graph: made, put where they belong, connected, and checked.

A stage may listen to streams beside the graph (taps), have a stream led through it (into), or be an event sink, which
receives every event. docs/plugins.md tells how to write one.
"""

from __future__ import annotations

import difflib
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from lipstream.config import AddedStageConfig, Config
from lipstream.pipeline import (
    Bounds,
    Component,
    ConfigError,
    EventSink,
    Graph,
    GraphError,
    Policy,
    Stage,
    UserError,
    micros,
)
from lipstream.plugins import STAGES, PluginError
from lipstream.stages.branches import pictures
from lipstream.stages.payloads import EncodedSpeech, FaceView, VideoFrame

log = logging.getLogger(__name__)

STREAMS = (
    *("audio.audio", "vad.speech", "vad.windows", "encode.speech", "fuse.speech", "video.video", "face.faces"),
    *("face.views", "lips.lips", "mouth.mouths", "expression.expressions", "voice.windows"),
    *("voice_prints.voices", "who.speech", "who.people", "who.heard", "decode.finals"),
    *("decode.finished", "correct.corrected"),
)
"""What flows in a captions graph that has everything; docs/own_stage.md describes it."""


@dataclass(frozen=True, slots=True)
class Placement:
    """What the entry point of a stage gives: a component, and where it belongs unless the configuration says otherwise.

    Attributes:
        component: a `Stage`, a `Sink` or an `EventSink`, new at every call.
        taps: streams it listens to, such as "audio.audio", by its input ports; none for an event sink.
        into: the stream that is led through it; None for none. Which ports that takes is told by their types.
    """

    component: Stage | EventSink
    taps: Mapping[str, str] = field(default_factory=dict)
    into: str | None = None


def add_stages(graph: Graph, config: Config) -> None:
    """Add the plug-ins' stages of a configuration to its graph, which has everything else already.

    One that needs a stream that this run does not have, such as pictures of a file without any, is left out with a
    warning, and with it what listens to that one.

    Raises:
        ConfigError: a plug-in cannot be used, does not accept its options, or does not fit where it is to go; the
            message names the key.
    """
    placed = {name: _place(name, chosen) for name, chosen in config.stages.items() if chosen.enabled}
    known = dict.fromkeys([*STREAMS, *_outputs(graph.components)])
    added = _outputs({name: placement.component for name, placement in placed.items()})
    for name, placement in placed.items():
        _check(name, placement, list(known), added)
    _leave_out(graph, placed)
    skew_limit = None if config.lossless else micros(config.fusion.skew_limit)
    ends: dict[str, str] = {}
    for name, placement in placed.items():
        component, into = placement.component, placement.into
        with _about(f"stages.{name}"):
            if into is None or not isinstance(component, Stage):
                graph.add(name, component, skew_limit)
            else:
                # Of several in one stream, each takes what the one before it makes.
                ends[into] = graph.insert(name, component, ends.get(into, into), skew_limit)
    for name, placement in placed.items():
        for port, stream in placement.taps.items():
            producer, _, output = stream.partition(".")
            if producer in graph.components:
                bounds = _bounds(config, graph.components[producer].outputs[output].type)
                graph.connect(stream, f"{name}.{port}", bounds)
    with _about("stages"):
        graph.check()


def _place(name: str, chosen: AddedStageConfig) -> Placement:
    key = f"stages.{name}"
    try:
        plugin = STAGES.find(chosen.stage)
        assert plugin is not None  # No stage ships.
        made = plugin.create(f"{key}.options", UserError, options=dict(chosen.options))
        if not isinstance(made, Placement):
            raise plugin.unusable(f"it gives {type(made).__name__}, expected a Placement")
        if not isinstance(made.component, (Stage, EventSink)):
            what = type(made.component).__name__
            raise plugin.unusable(f"it places {what}, expected a Stage, a Sink or an EventSink")
    except PluginError as error:
        raise ConfigError(str(error)) from error
    return Placement(made.component, {**made.taps, **chosen.taps}, chosen.into or made.into)


def _outputs(components: Mapping[str, Component]) -> list[str]:
    return [f"{name}.{port}" for name, component in components.items() for port in component.outputs]


def _check(name: str, placement: Placement, known: list[str], added: list[str]) -> None:
    """See that what a stage is connected to has a name that can be.

    Args:
        name: its name in the graph.
        placement: the stage.
        known: the streams of a captions graph, there in this run or not.
        added: those of the added stages.

    Raises:
        ConfigError: a port or a stream is none.
    """
    component, key = placement.component, f"stages.{name}"
    kind = type(component).__name__
    if isinstance(component, EventSink) and (placement.taps or placement.into):
        raise ConfigError(f"'{key}': {kind} is an event sink, which receives every event and is put into no stream")
    for port, stream in placement.taps.items():
        if port not in component.inputs:
            ports = ", ".join(component.inputs) or "none"
            raise ConfigError(f"'{key}.taps.{port}': {kind} has no input port '{port}' (it has: {ports})")
        if stream not in [*known, *added]:
            raise ConfigError(f"'{key}.taps.{port}': {_no_stream(stream, [*known, *added])}")
    if placement.into is not None and placement.into not in known:
        raise ConfigError(f"'{key}.into': {_no_stream(placement.into, known)}")
    for port, declared in component.inputs.items():
        if placement.into is None and port not in placement.taps and not declared.optional:
            streams = ", ".join([*known, *added])
            raise ConfigError(
                f"'{key}.taps': the input port '{port}' of {kind} listens to nothing, name one of {streams}"
            )


def _no_stream(stream: str, known: list[str]) -> str:
    close = difflib.get_close_matches(stream, known, 1)
    hint = f", did you mean '{close[0]}'?" if close else ""
    return f"there is no stream '{stream}'{hint} (there are: {', '.join(known)})"


def _leave_out(graph: Graph, placed: dict[str, Placement]) -> None:
    """Take those out that need what this run does not have."""
    taken = {f"{edge.producer}.{edge.output}" for edge in graph.edges}
    while True:
        there = {*graph.components, *placed}
        lacking = {name: stream for name, each in placed.items() if (stream := _lacking(each, there, taken))}
        for name, stream in lacking.items():
            log.warning("stages.%s is left out: there is no %s in this run", name, stream)
            del placed[name]
        if not lacking:
            return


def _lacking(placement: Placement, there: set[str], taken: set[str]) -> str | None:
    """A stream without which a stage cannot work and which is not there; None if it can work."""
    inputs = placement.component.inputs
    tapped = {port: stream.partition(".")[0] in there for port, stream in placement.taps.items()}
    if placement.into is not None and placement.into not in taken:
        return placement.into
    for port, found in tapped.items():
        # Any of them will do for a stage that needs no particular one.
        if not found and not (inputs[port].optional and (placement.into is not None or any(tapped.values()))):
            return placement.taps[port]
    return None


def _bounds(config: Config, payload: type) -> Bounds:
    """Of a channel beside the graph: live it may lose what it cannot take, so that it holds up nothing."""
    if payload in (VideoFrame, FaceView):
        return pictures(config)
    items = 8 if payload is EncodedSpeech else 4096
    return Bounds(Policy.BLOCK if config.lossless else Policy.DROP_OLDEST, items=items)


@contextmanager
def _about(key: str) -> Iterator[None]:
    try:
        yield
    except GraphError as error:
        raise ConfigError(f"'{key}': {error}") from error
