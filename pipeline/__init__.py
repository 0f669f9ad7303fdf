"""The dataflow: packets, channels, stages, the graph and its run, events. Knows nothing of speech or faces.

This module is the public interface of Lipstream: `Pipeline`, the event classes and the configuration classes.
"""

from pipeline.channel import Bounds, Policy
from pipeline.component import Component, EventSink, Port, Sink, Source, Stage
from pipeline.config import Config, load_config
from pipeline.errors import (
    ConfigError,
    GraphError,
    PipelineError,
    RecoverableError,
    StageFailed,
    UserError,
)
from pipeline.events import (
    Degraded,
    EmotionChanged,
    EmotionUpdate,
    End,
    Error,
    Event,
    FaceFound,
    FaceLost,
    FaceSeen,
    LipActivity,
    Recovered,
    SoundLevel,
    SpeechEnded,
    SpeechStarted,
    Stats,
    TranscriptFinal,
    TranscriptPartial,
    Word,
)
from pipeline.graph import Graph
from pipeline.load import Shed
from pipeline.packet import Packet, micros, seconds
from pipeline.session import Pipeline
from pipeline.switches import Switches

__all__ = [
    "Bounds",
    "Component",
    "Config",
    "ConfigError",
    "Degraded",
    "EmotionChanged",
    "EmotionUpdate",
    "End",
    "Error",
    "Event",
    "EventSink",
    "FaceFound",
    "FaceLost",
    "FaceSeen",
    "Graph",
    "GraphError",
    "LipActivity",
    "Packet",
    "Pipeline",
    "PipelineError",
    "Policy",
    "Port",
    "RecoverableError",
    "Recovered",
    "Shed",
    "Sink",
    "SoundLevel",
    "Source",
    "SpeechEnded",
    "SpeechStarted",
    "Stage",
    "StageFailed",
    "Stats",
    "Switches",
    "TranscriptFinal",
    "TranscriptPartial",
    "UserError",
    "Word",
    "load_config",
    "micros",
    "seconds",
]
