"""Recordings for training: a file's sound, and its lips as the stages of a file run see them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from lipstream.config import Config
from lipstream.models.av_speech.recording import LIP_RATE, Int16, LipTrack, Recording
from lipstream.pipeline import Bounds, Graph, Packet, Port, Session, Sink, UserError
from lipstream.stages.branches import add_lips
from lipstream.stages.media.audio import MediaAudio
from lipstream.stages.media.deliveries import Deliveries
from lipstream.stages.media.probe import probe
from lipstream.stages.media.tracks import wanted_by
from lipstream.stages.media.video import MediaVideo
from lipstream.stages.payloads import AudioBlock, Float32, LipFrame


class _Collector(Sink):
    """Keeps the sound and the lips of a run."""

    inputs: ClassVar[Mapping[str, Port]] = {"audio": Port(AudioBlock), "lips": Port(LipFrame, optional=True)}

    def __init__(self) -> None:
        self.sound: list[Packet[AudioBlock]] = []
        self.lips: list[Packet[LipFrame]] = []

    def process(self, port: str, packet: Packet[Any]) -> None:
        """Keep a packet."""
        (self.sound if port == "audio" else self.lips).append(packet)


def read_recording(path: Path, config: Config) -> Recording:
    """Read a clip through the sources, the face stage and the lip stream of a file run.

    Args:
        path: a recording with sound; without a picture its lips are unseen.
        config: of `face`, `lips`, `video` and `limits`.

    Raises:
        UserError: the file cannot be read or has no sound.
        KeyboardInterrupt: Ctrl-C ended the reading.
    """
    collector = _Collector()
    wanted = wanted_by(config)
    media = probe(path, config.limits, wanted)
    if not media.has_audio:
        raise UserError(f"'{path}' has no sound; expected recordings of speech")

    graph, deliveries = Graph(), Deliveries(1 + media.has_video)
    graph.add("audio", MediaAudio(path, config.pace, config.limits, wanted, deliveries))
    graph.add("collector", collector)
    graph.connect("audio.audio", "collector.audio", Bounds(items=8192))
    if media.has_video:
        side, rate = config.video.max_side, config.face.max_fps
        video = MediaVideo(path, config.pace, side, rate, config.limits, wanted, deliveries)
        add_lips(graph, config, video, LIP_RATE)
        graph.connect("lips.lips", "collector.lips", Bounds(items=1_000_000))
    if Session(graph, media_time=config.media_time).run().reason == "stopped":
        # A run that Ctrl-C ends is whole in itself; the recording is not.
        raise KeyboardInterrupt
    return _recording(collector)


def _recording(collected: _Collector) -> Recording:
    blocks = [packet.payload.samples for packet in collected.sound]
    sound = np.concatenate(blocks) if blocks else np.zeros(0, np.float32)
    last = max((_place(packet) for packet in collected.lips), default=-1)
    return Recording(as_pcm(sound), lip_track(collected.lips, 0, last + 1))


def as_pcm(sound: Float32) -> Int16:
    """(N,) samples in [-1, 1] as 16-bit integers."""
    return np.clip(np.round(sound * 32768), -32768, 32767).astype(np.int16)


def lip_track(frames: Iterable[Packet[LipFrame]], first: int, count: int) -> LipTrack:
    """The lips of a stretch of time.

    Args:
        frames: of a lip stream at `LIP_RATE`; those outside the stretch are left out.
        first: where the stretch begins, in lip frames of session time.
        count: how many lip frames it has.
    """
    track = LipTrack.unseen(count)
    for packet in frames:
        lips, at = packet.payload.lips, _place(packet) - first
        if lips is not None and 0 <= at < count:
            track.points[at], track.blendshapes[at] = lips.points, lips.blendshapes
            track.crops[at], track.mask[at] = lips.crop, True
    return track


def _place(packet: Packet[LipFrame]) -> int:
    return round(packet.timestamp * LIP_RATE / 1_000_000)
