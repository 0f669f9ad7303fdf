"""Stages of plug-ins are put where they belong in the captions graph, and run there."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest

from lipstream import Event, Pipeline
from lipstream.config import Config, load_config
from lipstream.pipeline import ConfigError, EventSink, Graph, Policy, Port, Sink, Source, Stage
from lipstream.pipeline.testing import EventRecorder
from lipstream.plugins import STAGES, OptionError
from lipstream.stages.build import build, connect
from lipstream.stages.payloads import AudioBlock, EncodedSpeech, FaceView, LipFrame, Mouth, VideoFrame
from lipstream.stages.placement import STREAMS, Placement, add_stages

BLOCK = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Peak(Event):
    """The loudest sample of a block."""

    value: float


class Meter(Stage):
    inputs: ClassVar = {"audio": Port(AudioBlock), "lips": Port(LipFrame, optional=True)}
    outputs: ClassVar = {"peaks": Port(float)}

    def process(self, port, packet):
        peak = float(packet.payload.samples.max())
        self.publish(Peak(value=peak))
        self.emit("peaks", peak, packet.timestamp, packet.duration)


class Bar(Sink):
    inputs: ClassVar = {"peaks": Port(float)}

    def process(self, port, packet): ...


class Gain(Stage):
    """Makes sound so many times as loud, and adds as much: the order of two of them can be told."""

    inputs: ClassVar = {"audio": Port(AudioBlock)}
    outputs: ClassVar = {"audio": Port(AudioBlock)}

    def __init__(self, times, plus):
        self.times, self.plus = times, plus

    def process(self, port, packet):
        block = packet.payload
        louder = replace(block, samples=block.samples * self.times + np.float32(self.plus))
        self.emit("audio", louder, packet.timestamp, packet.duration)


class Watcher(Sink):
    inputs: ClassVar = {
        "views": Port(FaceView),
        "video": Port(VideoFrame, optional=True),
        "mouths": Port(Mouth, optional=True),
        "speech": Port(EncodedSpeech, optional=True),
    }

    def process(self, port, packet): ...


class Anything(Sink):
    inputs: ClassVar = {"faces": Port(object, optional=True), "speech": Port(object, optional=True)}

    def process(self, port, packet): ...


class Idle(Source):
    """A source of a type of payload, for graphs that do not run."""

    def __init__(self, name, payload):
        self.outputs = {name: Port(payload)}

    def produce(self):
        return False


class Tones(Source):
    """Blocks of sound, each of one value."""

    outputs: ClassVar = {"audio": Port(AudioBlock)}

    def __init__(self, *values):
        self.values = iter(enumerate(values))

    def produce(self):
        at, value = next(self.values, (None, 0.0))
        if at is not None:
            self.emit("audio", AudioBlock(np.full(1600, value, np.float32)), at * BLOCK, BLOCK)
        return at is not None


class Ears(Sink):
    """What stands for all of the captions graph that takes the sound."""

    inputs: ClassVar = {"audio": Port(AudioBlock)}

    def __init__(self):
        self.heard = []

    def process(self, port, packet):
        self.heard.append(round(float(packet.payload.samples[0]), 3))


# The entry points.


def meter(options):
    return Placement(Meter(), taps={"audio": "audio.audio", "lips": "lips.lips"})


def bar(options):
    return Placement(Bar(), taps={"peaks": "meter.peaks"})


def gain(options):
    if not isinstance(options.get("times", 1), int):
        raise OptionError("times", f"{options['times']!r} is not allowed, expected a whole number")
    return Placement(Gain(options.get("times", 1), options.get("plus", 0)), into="audio.audio")


def watcher(options):
    return Placement(Watcher(), taps={"views": "face.views"})


def anything(options):
    return Placement(Anything(), taps={"faces": "face.faces", "speech": "vad.speech"})


def listener(options):
    return Placement(EventRecorder())


def unplaced(options):
    return Placement(Meter())


def source(options):
    return Placement(Idle("audio", AudioBlock))


def bare(options):
    return Meter()


@pytest.fixture(autouse=True)
def installed(plugin_site):
    names = ("meter", "bar", "gain", "watcher", "anything", "listener", "unplaced", "source", "bare", "gone")
    plugin_site.install({STAGES.group: {name: f"{__name__}:{name}" for name in names}})


def captions(stages: dict, **overrides) -> Graph:
    """The captions graph of sound and picture; nothing is opened or loaded."""
    config = load_config("live", {"stages": stages, "emotion.enabled": False, **overrides})
    audio = Idle("audio", AudioBlock) if config.audio.enabled else None
    video = Idle("video", VideoFrame) if config.video.enabled else None
    return connect(config, audio, video)


def edges(graph: Graph, name: str) -> set[str]:
    return {edge.name for edge in graph.edges if name in (edge.producer, edge.consumer)}


def refusal(stages: dict) -> str:
    with pytest.raises(ConfigError) as caught:
        captions(stages)
    text = str(caught.value)
    assert "\n" not in text
    return text


# Where they go.


def test_the_streams_that_may_be_named_are_those_of_the_captions_graph():
    graph = build(load_config("live"))
    there = {f"{name}.{port}" for name, component in graph.components.items() for port in component.outputs}
    assert set(STREAMS) == there


def test_without_stages_the_graph_is_what_it_was():
    assert set(captions({}).components) == set(captions({"meter": {"enabled": False}}).components)


def test_a_tap_listens_where_the_plugin_says_or_where_the_configuration_does():
    assert edges(captions({"meter": {}}), "meter") == {"audio.audio -> meter.audio", "lips.lips -> meter.lips"}
    graph = captions({"meter": {"taps": {"audio": "gain.audio"}}, "gain": {}})
    assert edges(graph, "meter") == {"gain.audio -> meter.audio", "lips.lips -> meter.lips"}


def test_a_stream_is_led_through_stages_in_their_order_and_taps_hear_it_as_it_was():
    graph = captions({"a": {"stage": "gain"}, "meter": {}, "b": {"stage": "gain"}})
    (taken,) = [edge for edge in captions({}).edges if edge.producer == "audio"]
    assert edges(graph, "a") == {"audio.audio -> a.audio", "a.audio -> b.audio"}
    assert edges(graph, "b") == {"a.audio -> b.audio", f"b.audio -> {taken.consumer}.{taken.input}"}
    assert "audio.audio -> meter.audio" in edges(graph, "meter")
    assert {
        edge.bounds for edge in graph.edges if edge.producer in ("audio", "a", "b") and edge.consumer != "meter"
    } == {taken.bounds}
    # Sound that waits before them waits for its text.
    assert {"a", "b"} <= graph.paced and "meter" not in graph.paced


def test_one_stage_may_be_there_twice_and_listen_to_another():
    graph = captions({"bar": {}, "meter": {}, "second": {"stage": "meter"}})
    assert edges(graph, "bar") == {"meter.peaks -> bar.peaks"}
    assert graph.components["meter"] is not graph.components["second"]


def test_an_event_sink_receives_every_event():
    assert isinstance(captions({"listener": {}}).sinks["listener"], EventSink)


def test_live_a_tap_holds_up_nothing_and_in_a_file_it_loses_nothing():
    taps = {"video": "video.video", "mouths": "mouth.mouths", "speech": "encode.speech"}
    for mode, pictures, others in (("live", Policy.LATEST, Policy.DROP_OLDEST), ("file", Policy.BLOCK, Policy.BLOCK)):
        graph = captions({"watcher": {"taps": taps}}, mode=mode)
        policies = {edge.input: edge.bounds.policy for edge in graph.edges if edge.consumer == "watcher"}
        assert policies == {"views": pictures, "video": pictures, "mouths": others, "speech": others}
        # By what flows there, whatever the port takes.
        graph = captions({"anything": {"taps": {"faces": "video.video"}}}, mode=mode)
        (edge,) = [edge for edge in graph.edges if edge.input == "faces" and edge.consumer == "anything"]
        assert (edge.bounds.policy, edge.bounds.items <= 8) == (pictures, True)
        graph = captions({"watcher": {}}, mode=mode)
        assert graph.skew_limits["watcher"] == (None if mode == "file" else 200_000)


# What this run does not have.


def test_a_stage_without_its_stream_is_left_out_with_what_listens_to_it(caplog):
    caplog.set_level(logging.WARNING)
    stages = {"watcher": {}, "meter": {"taps": {"audio": "second.audio"}}, "bar": {}, "gain": {}}
    graph = captions({**stages, "second": {"stage": "gain", "into": "lips.lips"}}, **{"video.enabled": False})
    assert not {"watcher", "meter", "bar", "second"} & set(graph.components)
    assert "gain" in graph.components
    assert sorted(record.message for record in caplog.records) == [
        "stages.bar is left out: there is no meter.peaks in this run",
        "stages.meter is left out: there is no second.audio in this run",
        "stages.second is left out: there is no lips.lips in this run",
        "stages.watcher is left out: there is no face.views in this run",
    ]


def test_an_optional_input_without_its_stream_stays_unconnected(caplog):
    graph = captions({"meter": {}}, **{"video.enabled": False})
    assert edges(graph, "meter") == {"audio.audio -> meter.audio"}
    assert not caplog.records


def test_a_stage_that_needs_no_particular_stream_is_there_while_one_of_them_is(caplog):
    assert edges(captions({"anything": {}}, **{"video.enabled": False}), "anything") == {
        "vad.speech -> anything.speech"
    }
    assert edges(captions({"anything": {}}, **{"audio.enabled": False}), "anything") == {"face.faces -> anything.faces"}
    assert not caplog.records
    taps = {"faces": "mouth.mouths", "speech": "mouth.mouths"}
    assert "anything" not in captions({"anything": {"taps": taps}}, **{"audio.enabled": False}).components
    assert "stages.anything is left out: there is no mouth.mouths in this run" in caplog.text


def test_a_stage_in_a_stream_that_nothing_takes_is_left_out(caplog):
    captions({"gain": {"into": "face.views"}}, **{"audio.enabled": False})
    assert "stages.gain is left out: there is no face.views in this run" in caplog.text


# What is wrong is one line that names the key.


@pytest.mark.parametrize(
    ("stages", "expected"),
    [
        (
            {"meter": {"taps": {"audio": "audio.adio"}}},
            "'stages.meter.taps.audio': there is no stream 'audio.adio', did you mean 'audio.audio'? (there are: aud",
        ),
        (
            {"meter": {"taps": {"sound": "audio.audio"}}},
            "'stages.meter.taps.sound': Meter has no input port 'sound' (it has: audio, lips)",
        ),
        (
            {"gain": {"into": "audo.audio"}},
            "'stages.gain.into': there is no stream 'audo.audio', did you mean 'audio.au",
        ),
        (
            {"meter": {"taps": {"audio": "off.audio"}}, "off": {"enabled": False}},
            "'stages.meter.taps.audio': there is no",
        ),
        (
            {"unplaced": {}},
            "'stages.unplaced.taps': the input port 'audio' of Meter listens to nothing, name one of aud",
        ),
        (
            {"meter": {"taps": {"audio": "face.views"}}},
            "'stages': face.views -> meter.audio: 'face.views' carries FaceView, but 'meter.audio' takes AudioBlock",
        ),
        (
            {"gain": {"into": "video.video"}},
            "'stages.gain': 'gain' cannot be put into 'video.video', which carries Vide",
        ),
        (
            {"listener": {"into": "audio.audio"}},
            "'stages.listener': EventRecorder is an event sink, which receives ever",
        ),
        ({"vad": {"stage": "listener"}}, "'stages.vad': there is already a component named 'vad'"),
        (
            {"gain": {"options": {"times": "x"}}},
            "'stages.gain.options.times': 'x' is not allowed, expected a whole num",
        ),
        (
            {"source": {}},
            "the stage 'source' of acme-plugins 1.0 cannot be used: it places Idle, expected a Stage, a S",
        ),
        ({"bare": {}}, "the stage 'bare' of acme-plugins 1.0 cannot be used: it gives Meter, expected a Placement"),
        ({"gone": {}}, f"the stage 'gone' of acme-plugins 1.0 cannot be used: AttributeError: module '{__name__}'"),
        (
            {"a": {"stage": "meter", "taps": {"audio": "g.audio", "lips": "h.audio"}}, "g": {"stage": "gain"}},
            "'stages.a.taps.lips': there is no stream 'h.audio'",
        ),
    ],
)
def test_what_is_wrong_names_the_key(stages, expected):
    assert refusal(stages).startswith(expected)


def test_stages_that_wait_for_each_other_are_refused():
    taps = {"taps": {"audio": "b.audio"}, "stage": "gain", "into": None}
    text = refusal({"a": {**taps}, "b": {"stage": "gain", "taps": {"audio": "a.audio"}}})
    assert re.match(r"'stages': (the graph has a cycle|input port '[ab]\.audio' is fed by 2 outputs)", text)


# A run.


def test_they_run_in_a_pipeline():
    """Sound of 0.1, 0.2, 0.3: doubled, then 0.5 added, on its way; measured as it was; every event is received."""
    ears = Ears()

    def small(config: Config) -> Graph:
        graph = Graph()
        graph.add("audio", Tones(0.1, 0.2, 0.3))
        graph.add("ears", ears)
        graph.connect("audio.audio", "ears.audio")
        add_stages(graph, config)
        return graph

    stages = {
        "double": {"stage": "gain", "options": {"times": 2}},
        "more": {"stage": "gain", "options": {"plus": 0.5}},
        "meter": {},
        "listener": {},
    }
    pipeline = Pipeline.from_config("file", build=small, stages=stages)
    recorder = pipeline.graph.sinks["listener"]
    assert pipeline.run().reason == "finished"
    assert ears.heard == [0.7, 0.9, 1.1]
    assert [round(event.value, 3) for event in recorder.of(Peak)] == [0.1, 0.2, 0.3]
    assert recorder.ended
