"""The voice of each window of speech, as a vector that tells who it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol

import numpy as np

from lipstream.pipeline import Packet, Port, Stage, micros, seconds
from lipstream.stages.failures import while_loading, while_running
from lipstream.stages.payloads import SAMPLE_RATE, Float32, SpeechChunk
from lipstream.stages.sound.segment_sound import SegmentSound
from lipstream.stages.speaker.payloads import VoicePrint

LENGTH = 1.6
"""Seconds of a window."""
HOP = 0.4
"""Seconds between windows."""
FIRST = 0.8
"""Live, seconds of speech after which there is a first, shorter one."""
SHORTEST = 0.35
"""Seconds of speech that say something of a voice."""
_TOGETHER = 16
_LATE = micros(1.0)
"""Live, speech that waits longer than this is looked at at its end alone."""


class VoiceNetwork(Protocol):
    """Makes vectors of voices: `lipstream.models.voice.embedding.VoiceEmbedder`."""

    def load(self) -> None:
        """Load the network."""

    def embed(self, windows: Sequence[Float32]) -> Float32:
        """Vectors of windows of sound."""


class Voices(Stage):
    """Listens to every segment in windows of 1.6 s.

    The windows of a finished segment lie evenly from its first to its last voiced moment, about 0.4 s apart. Where
    somebody waits, the first ones come while it is spoken, from its beginning on, so that a speaker can be told with
    the first words.

    Args:
        network: the network of voices.
        early: whether somebody waits.
    """

    inputs: ClassVar[Mapping[str, Port]] = {"speech": Port(SpeechChunk)}
    outputs: ClassVar[Mapping[str, Port]] = {"voices": Port(VoicePrint)}

    def __init__(self, network: VoiceNetwork, *, early: bool) -> None:
        self._network = network
        self._early = early
        self._sound = SegmentSound()
        self._done = 0.0

    def open(self) -> None:
        """Load the network."""
        with while_loading():
            self._network.load()

    def process(self, port: str, packet: Packet[Any]) -> None:
        """Add a chunk; look at the windows that are due."""
        chunk: SpeechChunk = packet.payload
        if chunk.first:
            self._done = 0.0
        self._sound.add(packet)
        if chunk.last:
            self._send(chunk, self._at_end(chunk))
            self._sound.let_go()
        elif self._early and self.context.backlog("speech") < _LATE:
            self._send(chunk, self._so_far(chunk))

    def watermark(self, frontier: int) -> int:
        """Behind a segment nothing comes before the next one, and as much of that as says something of a voice.

        Else that end, at which there may be a last window, would wait where text is joined with voices until voice
        activity gives its pre-roll up. More than that is not promised: time must not seem to go on behind the sound.
        """
        return frontier if self._sound.held else max(frontier, min(frontier + micros(SHORTEST), self._sound.end + 1))

    def _at_end(self, chunk: SpeechChunk) -> list[tuple[float, float]]:
        """Windows that are still missing, in seconds of the segment."""
        first, last = self._voiced(chunk)
        if last - first < SHORTEST:
            return []
        if last - first <= LENGTH:
            return [(first, last)] if last - self._done > 0.05 else []
        begin = max(first, self._done - LENGTH + HOP) if self._done else first
        if last - begin <= LENGTH:
            return [(last - LENGTH, last)] if last - self._done > HOP / 2 else []
        count = int(np.ceil((last - LENGTH - begin) / HOP - 1e-6))
        step = (last - LENGTH - begin) / count
        return [(begin + step * index, begin + step * index + LENGTH) for index in range(count + 1)]

    def _so_far(self, chunk: SpeechChunk) -> list[tuple[float, float]]:
        first, last = self._voiced(chunk)
        end = max(first + FIRST, self._done + HOP)
        if last < end:
            return []
        # What newer sound has overtaken is left to the end of the segment.
        return [(max(first, last - LENGTH), last)]

    def _voiced(self, chunk: SpeechChunk) -> tuple[float, float]:
        """From the first to the last voiced moment, seconds from the first sample."""
        heard = self._sound.count / SAMPLE_RATE
        first, last = (seconds(moment - self._sound.start) for moment in (chunk.speech_start, chunk.speech_end))
        return max(0.0, min(first, heard)), max(0.0, min(last, heard))

    def _send(self, chunk: SpeechChunk, spans: Sequence[tuple[float, float]]) -> None:
        if not spans:
            return
        sound = self._sound.whole()
        self._done = spans[-1][1]
        for at in range(0, len(spans), _TOGETHER):
            some = spans[at : at + _TOGETHER]
            cuts = [sound[round(start * SAMPLE_RATE) : round(stop * SAMPLE_RATE)] for start, stop in some]
            with while_running("audio", "the network of voices"):
                voices = self._network.embed(cuts)
            for (start, stop), voice in zip(some, voices, strict=True):
                span = self._sound.start + micros(start), self._sound.start + micros(stop)
                self.emit("voices", VoicePrint(chunk.segment, *span, voice), self._sound.end)
