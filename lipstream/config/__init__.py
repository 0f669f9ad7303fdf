"""Typed configuration."""

from lipstream.config.load import load_config, names, parse_assignment, to_yaml
from lipstream.config.schema import (
    AddedStageConfig,
    AudioConfig,
    Config,
    EmotionConfig,
    EventsConfig,
    FaceConfig,
    FusionConfig,
    LimitsConfig,
    LipsConfig,
    Pace,
    Partials,
    Quality,
    SpeechConfig,
    VadConfig,
    VideoConfig,
)

__all__ = [
    "AddedStageConfig",
    "AudioConfig",
    "Config",
    "EmotionConfig",
    "EventsConfig",
    "FaceConfig",
    "FusionConfig",
    "LimitsConfig",
    "LipsConfig",
    "Pace",
    "Partials",
    "Quality",
    "SpeechConfig",
    "VadConfig",
    "VideoConfig",
    "load_config",
    "names",
    "parse_assignment",
    "to_yaml",
]
