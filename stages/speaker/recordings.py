"""The voice of somebody in recordings, for those who are added by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from lipstream.config import Config
from lipstream.models.speech.vad import SileroVad
from lipstream.models.voice.diarization import Heard, covered, speakers_of
from lipstream.models.voice.embedding import VoiceEmbedder, mean_voice
from lipstream.models.voice.known import KnownVoice
from lipstream.pipeline import Bounds, Graph, Packet, Port, Session, Sink, UserError, seconds
from lipstream.stages.branches import add_voice_activity
from lipstream.stages.media.audio import MediaAudio
from lipstream.stages.media.deliveries import Deliveries
from lipstream.stages.media.probe import probe
from lipstream.stages.media.tracks import wanted_by
from lipstream.stages.speaker.payloads import VoicePrint
from lipstream.stages.speaker.voice_prints import Voices

LEAST = 3.0
"""Seconds of speech that a voice is learnt from, at least."""
_ALONE = 0.9
"""Share of the speech in a recording that must be of one person."""


class _Collector(Sink):
    """Keeps the voices of a run."""

    inputs: ClassVar[Mapping[str, Port]] = {"voices": Port(VoicePrint)}

    def __init__(self) -> None:
        self.heard: list[Heard] = []

    def process(self, port: str, packet: Packet[Any]) -> None:
        """Keep a voice."""
        each: VoicePrint = packet.payload
        self.heard.append(Heard(each.segment, seconds(each.start), seconds(each.end), each.voice))


def voices_in(path: Path, config: Config) -> list[Heard]:
    """The voice of every window of speech in a recording.

    Raises:
        UserError: it cannot be read or has no sound.
        KeyboardInterrupt: Ctrl-C ended the reading.
    """
    collector, wanted = _Collector(), wanted_by(config)
    if not probe(path, config.limits, wanted).has_audio:
        raise UserError(f"'{path}' has no sound; expected recordings of somebody who speaks")
    graph = Graph()
    source = MediaAudio(path, config.pace, config.limits, wanted, Deliveries(1))
    add_voice_activity(graph, config, source, SileroVad())
    graph.add("voices", Voices(VoiceEmbedder(), early=False))
    graph.add("collector", collector)
    graph.connect("vad.speech", "voices.speech", Bounds(items=65536))
    graph.connect("voices.voices", "collector.voices", Bounds(items=65536))
    if Session(graph, media_time=config.media_time).run().reason == "stopped":
        # A run that Ctrl-C ends is whole in itself; what was heard is not.
        raise KeyboardInterrupt
    return collector.heard


def voice_of(name: str, paths: Sequence[Path], config: Config) -> KnownVoice:
    """The mean voice of somebody who speaks alone in recordings.

    Raises:
        UserError: one cannot be read, somebody else speaks in it too, or there is too little speech in all.
    """
    voices, lengths = [], []
    for path in paths:
        heard = voices_in(path, config)
        _check_alone(path, heard)
        if heard:
            voices.append(mean_voice(np.stack([each.voice for each in heard])))
            lengths.append(covered(heard))
    if sum(lengths) < LEAST:
        raise UserError(
            f"there are {sum(lengths):.1f} s of speech, expected {LEAST:.0f} s or more; half a minute is good"
        )
    return KnownVoice(name, mean_voice(np.stack(voices), np.array(lengths, np.float32)), sum(lengths))


def _check_alone(path: Path, heard: Sequence[Heard]) -> None:
    labels = speakers_of(heard)
    lengths = [covered([each for each, of in zip(heard, labels, strict=True) if of == label]) for label in set(labels)]
    if heard and max(lengths) < _ALONE * sum(lengths):
        raise UserError(
            f"'{path}': {len(lengths)} people are heard in it; expected a recording in which one person speaks alone"
        )
