"""Sentences read aloud before camera and microphone, one recording each."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Final

import numpy as np

from lipstream.config import Config
from lipstream.models.av_speech.recording import LIP_RATE, LIP_SAMPLES, Recording
from lipstream.models.speech.vad import SileroVad
from lipstream.pipeline import Bounds, Graph, Packet, Port, Sink, micros
from lipstream.stages.branches import add_lips, add_voice_activity
from lipstream.stages.capture.camera import Camera
from lipstream.stages.capture.microphone import Microphone
from lipstream.stages.enrol.recordings import as_pcm, lip_track
from lipstream.stages.payloads import SAMPLE_RATE, Float32, LipFrame, SpeechChunk

SETTINGS: Final[Mapping[str, object]] = {
    "vad.hang_over": 0.9,
    "vad.max_segment": 25.0,
    "vad.soft_segment": 20.0,
    "audio.report_rate": 10.0,
    "lips.report_rate": 0.0,
    "emotion.enabled": False,
}
"""What reading aloud asks of a configuration: who reads pauses longer within a sentence than who talks."""
TAIL = 0.3
"""Seconds of the silence after a sentence that are kept: the sound of the room."""
_SKEW = 1.0
"""Longest wait for the lips of a sentence, in seconds."""


class Takes(Sink):
    """Makes a recording of each segment of speech.

    Args:
        taken: called with each, from the run's own thread.

    Attributes:
        mouth_seen: whether the newest lip frame shows lips.
    """

    # Lips first: at equal timestamps they are delivered before the speech they belong to.
    inputs: ClassVar[Mapping[str, Port]] = {"lips": Port(LipFrame), "speech": Port(SpeechChunk)}

    def __init__(self, taken: Callable[[Recording], None]) -> None:
        self.mouth_seen = False
        self._taken = taken
        self._lips: deque[Packet[LipFrame]] = deque(maxlen=round(60 * LIP_RATE))
        self._start = 0
        self._samples: list[Float32] = []

    def process(self, port: str, packet: Packet[Any]) -> None:
        """Keep lips and sound; a segment that ends is a recording."""
        if port == "lips":
            self._lips.append(packet)
            self.mouth_seen = packet.payload.valid
            return
        chunk: SpeechChunk = packet.payload
        if chunk.first:
            self._start, self._samples = packet.timestamp, []
        self._samples.append(chunk.samples)
        if chunk.last:
            self._taken(self._recording(chunk.speech_end))
            self._samples = []

    def _recording(self, speech_end: int) -> Recording:
        period = micros(1 / LIP_RATE)
        # A recording begins on a lip frame.
        first = -(-self._start // period)
        begin = _samples(first * period - self._start)
        end = _samples(speech_end + micros(TAIL) - self._start)
        sound = np.concatenate(self._samples)[begin:end]
        return Recording(as_pcm(sound), lip_track(self._lips, first, -(-len(sound) // LIP_SAMPLES)))


def _samples(duration: int) -> int:
    return round(duration * SAMPLE_RATE / 1_000_000)


def build_reading(config: Config, takes: Takes) -> Graph:
    """The graph of a reading session: microphone and camera to sentences."""
    graph = Graph()
    add_voice_activity(graph, config, Microphone(config.audio), SileroVad())
    add_lips(graph, config, Camera(config.video, config.face.max_fps), LIP_RATE)
    graph.add("takes", takes, micros(_SKEW))
    buffer = micros(config.audio.buffer)
    graph.connect("vad.speech", "takes.speech", Bounds(items=65536, duration=buffer))
    graph.connect("lips.lips", "takes.lips", Bounds(items=4096, duration=buffer))
    return graph
