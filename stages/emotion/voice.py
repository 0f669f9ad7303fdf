"""The voice: how speech sounds, window by window, from the recogniser's own encoder frames."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Protocol

from lipstream.models.emotion.branches import Evidence
from lipstream.pipeline import Packet, Port, Stage, micros, seconds
from lipstream.stages.emotion.payloads import VoiceWindow
from lipstream.stages.failures import while_loading, while_running
from lipstream.stages.payloads import SAMPLE_RATE, EncodedSpeech, Float32
from lipstream.stages.switches import EMOTION

LENGTH = 3.0
"""Seconds of a window; the first ones of a segment are shorter, from its start."""
HOP = 0.5
"""Seconds between the ends of windows."""
FIRST = 0.75
"""Seconds of a segment, its pre-roll of 0.3 s included, after which the first window ends."""
REST = 0.25
"""What is left over at the end of a segment makes one more window if it is at least so many seconds."""
SHORTEST = 0.3
"""A segment with less sound than this, in seconds, says nothing."""
SURE = 1.1
"""A shorter window counts in proportion to its length, in seconds: the best inverse temperature on unseen actors is
0.7 for windows of 0.75 s, 0.95 for 1.25 s and 1 for 1.75 s."""
TAIL = 0.2
"""Seconds after the last voiced moment that still belong to the speech."""
MOST = 16
"""At most so many windows go through the network together: more would only take more memory."""
NEWEST = 4
"""Live, at most so many windows of one encoding are judged, the newest: older ones would come too late to count."""


class VoiceNetwork(Protocol):
    """Judges windows of speech: `lipstream.models.emotion.branches.VoiceEmotion`."""

    def load(self) -> None:
        """Load the network."""

    def predict_all(self, windows: Sequence[tuple[Float32, Float32]]) -> list[Evidence]:
        """Judge windows, each of which is encoder frames and the sound they were made from."""


class Voice(Stage):
    """Judges each window of a segment once, as soon as an encoding of the segment covers it.

    Nothing is encoded for it. The windows lie at fixed places of the segment: with partial updates they come as it
    grows, without them all at its end.

    Args:
        network: the voice branch.
        speaker: number of who speaks, where all that is heard is of one.
    """

    inputs: ClassVar[Mapping[str, Port]] = {"speech": Port(EncodedSpeech)}
    outputs: ClassVar[Mapping[str, Port]] = {"windows": Port(VoiceWindow)}

    def __init__(self, network: VoiceNetwork, speaker: int | None = None) -> None:
        self._network = network
        self._speaker = speaker
        self._segment = 0
        self._judged = 0.0

    def open(self) -> None:
        """Load the network."""
        with while_loading():
            self._network.load()

    def process(self, port: str, packet: Packet[Any]) -> None:
        """Judge the windows that are new in this encoding."""
        speech: EncodedSpeech = packet.payload
        if speech.failed:
            return
        if speech.segment != self._segment:
            self._segment, self._judged = speech.segment, 0.0
        ends = self._new_ends(speech)
        if self.context.switched_off(EMOTION):
            # What was said meanwhile is not judged later either.
            self._judged = max([self._judged, *ends])
            return
        if not self.context.lossless:
            ends = ends[-NEWEST:]
        for first in range(0, len(ends), MOST):
            self._judge(speech, ends[first : first + MOST], packet.timestamp)

    def _new_ends(self, speech: EncodedSpeech) -> list[float]:
        """Where windows end that were not there before, in seconds of the segment."""
        voiced = seconds(speech.speech_end - speech.start) + TAIL
        limit = min(speech.heard, max(voiced, SHORTEST))
        if limit < SHORTEST:
            return []
        count = math.floor((limit - FIRST) / HOP + 1e-6) + 1
        ends = [end for index in range(count) if (end := FIRST + index * HOP) > self._judged]
        newest = ends[-1] if ends else self._judged
        if speech.last and (newest == 0.0 or limit - newest >= REST):
            ends.append(limit)
        return ends

    def _judge(self, speech: EncodedSpeech, ends: Sequence[float], timestamp: int) -> None:
        self._judged = ends[-1]
        spans = [(max(0.0, end - LENGTH), end) for end in ends]
        with while_running("audio", "the emotion network of the voice"):
            judged = self._network.predict_all([_cut(speech, *span) for span in spans])
        for evidence, (start, end) in zip(judged, spans, strict=True):
            counted = replace(evidence, log_probabilities=evidence.log_probabilities * min(1.0, (end - start) / SURE))
            first, last = (speech.start + micros(moment) for moment in (start, end))
            window = VoiceWindow(counted, first, last, self._speaker)
            self.emit("windows", window, timestamp)


def _cut(speech: EncodedSpeech, start: float, end: float) -> tuple[Float32, Float32]:
    """The encoder frames and the sound between two moments of a segment, in seconds."""
    encoding = speech.encoding
    first, last = round(start * encoding.frame_rate), round(end * encoding.frame_rate)
    frames = encoding.features if encoding.inner is None else encoding.inner
    return frames[first:last], speech.samples[round(start * SAMPLE_RATE) : round(end * SAMPLE_RATE)]
