"""Emotion in the captions graph. Imported only where it is wanted, because it loads the networks' library."""

from __future__ import annotations

from collections.abc import Mapping

from lipstream.config import Config
from lipstream.models.emotion.branches import FaceExpression, VoiceEmotion
from lipstream.models.emotion.fusion import EmotionFusion
from lipstream.pipeline import Bounds, Graph, Policy, micros
from lipstream.stages.branches import pictures
from lipstream.stages.emotion.emotion import Emotion, windows_port
from lipstream.stages.emotion.expression import Expression
from lipstream.stages.emotion.voice import Voice
from lipstream.stages.tracks import PEOPLE

_TOGETHER = 12
"""Pictures whose faces are judged together where nobody waits for it: 4 s at the rate of file runs."""
_EVIDENCE = Bounds(items=4096, duration=micros(3600))
"""Small packets: whichever of sound and picture is faster in a file may run far ahead of the other."""


def add_emotion(graph: Graph, config: Config, tracks: Mapping[str, int] | None = None) -> None:
    """Add emotion to a graph that has the speech branch, the face branch, or both.

    Every branch hangs on an output that is there anyway. Live, what they cannot take is dropped before them, so that
    they hold up neither faces nor speech, and fusion takes what comes in the order in which it comes.

    Args:
        graph: where to add it.
        config: the configuration.
        tracks: where there is a speech branch for each of several speakers: what the names of its components begin
            with, and the speaker's number.
    """
    face = "face" in graph.components
    voice = "encode" in graph.components
    branches: Mapping[str, int | None] = tracks or {"": None}
    if not face and not voice:
        return
    kind = Emotion.of_streams(len(branches))
    graph.add("emotion", kind(EmotionFusion(), config.emotion.update_interval, _look_ahead(config)), skew_limit=0)
    if face:
        together = 1 if config.real_time else _TOGETHER
        graph.add("expression", Expression(FaceExpression(), config.emotion.face_rate, together))
        graph.connect("face.views", "expression.views", pictures(config))
        graph.connect("expression.expressions", "emotion.expressions", _EVIDENCE)
    if voice:
        speech = Bounds(items=4, duration=micros(600))
        newest = Bounds(Policy.DROP_OLDEST, items=8, duration=micros(600))
        for at, (prefix, speaker) in enumerate(branches.items(), 1):
            graph.add(f"{prefix}voice", Voice(VoiceEmotion(), speaker))
            graph.connect(f"{prefix}encode.speech", f"{prefix}voice.speech", speech if config.lossless else newest)
            graph.connect(f"{prefix}voice.windows", f"emotion.{windows_port(at)}", _EVIDENCE)
    if tracks:
        graph.connect(f"{PEOPLE}.people", "emotion.people", _EVIDENCE)
    elif "who" in graph.components:
        graph.connect("who.people", "emotion.people", _EVIDENCE)


def _look_ahead(config: Config) -> float:
    """How long after a window of speech its evidence may come at most, where that is waited for, in seconds."""
    if config.real_time:
        return config.emotion.look_ahead
    # A window is encoded at the end of its segment, or with the update after it; a long segment's end is held back.
    if not config.partials:
        return config.vad.max_segment + 0.1
    return config.speech.update_interval + config.vad.cut_lookback + 0.1
