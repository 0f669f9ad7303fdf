"""Cross-modal fusion: lips join the speech between its encoder and its decoder."""

from __future__ import annotations

import dataclasses
import math
from collections import deque
from collections.abc import Mapping
from typing import Any, ClassVar

from lipstream.models.face.lip_features import LipFeatures
from lipstream.models.speech.fusion import LIP_MARGIN, FusedSpeech, Fusion, LipSample
from lipstream.pipeline import Packet, Port, RecoverableError, Stage, micros, seconds
from lipstream.stages.failures import while_loading, while_running
from lipstream.stages.payloads import AtOnce, EncodedSpeech, LipFrame, VoiceOf
from lipstream.stages.shedding import FACE_RATE, SECOND_PASS
from lipstream.stages.speech.at_once import MINUTE, two_mouths
from lipstream.stages.switches import LIPS


class Fuse(Stage):
    """Gives the fusion network the lip frames of the time that each encoding covers.

    Encoded speech waits for the lip stream's watermark, in a live run at most for the skew limit of this component in
    its graph; what is missing then is simply not among the frames.

    Of a segment that ends, in which two mouths in view move, it also tells apart what each says, if that is wanted, and
    while the processor keeps up.

    Args:
        fusion: the network.
        history: seconds of lip frames kept; at least the longest segment.
        parts: tell apart two people who speak at once.
        most: of how many seconds of sound in the newest `MINUTE` that is done at most: each is read twice.

    Attributes:
        parts: as given.
    """

    # Lips first: at equal timestamps they are delivered before the speech that needs them.
    inputs: ClassVar[Mapping[str, Port]] = {"lips": Port(LipFrame, optional=True), "speech": Port(EncodedSpeech)}
    outputs: ClassVar[Mapping[str, Port]] = {"speech": Port(EncodedSpeech)}

    def __init__(self, fusion: Fusion, history: float, *, parts: bool = False, most: float = math.inf) -> None:
        self._fusion = fusion
        self.parts = parts
        self._history = micros(history + 2 * LIP_MARGIN)
        self._lips: deque[Packet[LipFrame]] = deque()
        self._most = most
        self._parted: deque[tuple[int, float]] = deque()
        self._predicted: tuple[int, FusedSpeech, AtOnce | None] | None = None

    def open(self) -> None:
        """Load the network."""
        with while_loading():
            self._fusion.load()

    def process(self, port: str, packet: Packet[Any]) -> None:
        """Keep lip frames; refine speech."""
        if port == "lips":
            self._lips.append(packet)
            while self._lips[0].timestamp < packet.timestamp - self._history:
                self._lips.popleft()
            return
        speech: EncodedSpeech = packet.payload
        if speech.failed:
            self.emit("speech", speech, packet.timestamp)
            return
        try:
            with while_running("video", "fusion"):
                fused, at_once = self._fuse(speech)
        except RecoverableError:
            # The lips are a second witness: without them the sound goes on alone. What is made of it is not what would
            # be made of the same prediction with lips.
            self.emit("speech", dataclasses.replace(speech, prediction=0), packet.timestamp)
            raise
        refined = dataclasses.replace(
            speech,
            encoding=fused.encoding,
            samples=speech.samples if fused.sound is None else fused.sound,
            lip_gate=fused.gate,
            active_speaker=fused.active_speaker,
            at_once=at_once,
        )
        self.emit("speech", refined, packet.timestamp)

    def _fuse(self, speech: EncodedSpeech) -> tuple[FusedSpeech, AtOnce | None]:
        known, self._predicted = self._predicted, None
        if known is not None and known[0] == speech.prediction:
            # The segment has ended as it was predicted.
            return known[1:]
        fused = self._fusion.fuse(speech.encoding, speech.samples, self._samples(speech))
        at_once = self._at_once(speech) if self._parts_now(speech) else None
        if speech.prediction:
            self._predicted = speech.prediction, fused, at_once
        return fused, at_once

    def _parts_now(self, speech: EncodedSpeech) -> bool:
        """Whether to look for two who speak at once: that is given up with the first thing that is left out."""
        ends = speech.last or bool(speech.prediction)
        return self.parts and ends and not any(map(self.context.sheds, (SECOND_PASS.name, FACE_RATE.name)))

    def _at_once(self, speech: EncodedSpeech) -> AtOnce | None:
        frames = self._frames(speech)
        faces = two_mouths([frame.payload for frame in frames])
        if faces is None:
            return None
        one, other = ([_sample(frame, speech.start, frame.payload.of(face)) for frame in frames] for face in faces)
        if not self._may_part(speech):
            return None
        parted = self._fusion.part(speech.encoding, speech.samples, (one, other))
        if parted is None:
            return None
        self._parted.append((speech.end, speech.heard))
        mine, theirs = (VoiceOf(face, part) for face, part in zip(faces, parted.parts, strict=True))
        return AtOnce((mine, theirs), parted.both)

    def _may_part(self, speech: EncodedSpeech) -> bool:
        while self._parted and self._parted[0][0] < speech.end - micros(MINUTE):
            self._parted.popleft()
        return sum(length for _, length in self._parted) + speech.heard <= self._most

    def _samples(self, speech: EncodedSpeech) -> list[LipSample]:
        return [_sample(frame, speech.start, frame.payload.lips) for frame in self._frames(speech)]

    def _frames(self, speech: EncodedSpeech) -> list[Packet[LipFrame]]:
        if self.context.switched_off(LIPS):
            return []
        end = speech.start + micros(speech.encoding.duration + LIP_MARGIN)
        return [frame for frame in self._lips if speech.start - micros(LIP_MARGIN) <= frame.timestamp <= end]


def _sample(frame: Packet[LipFrame], origin: int, lips: LipFeatures | None) -> LipSample:
    time = seconds(frame.timestamp - origin)
    if lips is None:
        return LipSample(time, None, None, None)
    return LipSample(time, lips.crop, lips.points, lips.blendshapes)
