"""Typed configuration."""

from lipstream.config.load import changed, load_config, names, parse_assignment, to_yaml
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
from lipstream.config.subtitles import SubtitlesConfig

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
    "SubtitlesConfig",
    "VadConfig",
    "VideoConfig",
    "changed",
    "load_config",
    "names",
    "parse_assignment",
    "to_yaml",
]
