"""Expressions: what each tracked face shows, some times a second."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from lipstream.models.emotion.branches import Evidence
from lipstream.models.emotion.face_crop import face_crop
from lipstream.models.emotion.face_shape import geometry
from lipstream.models.emotion.looks import Look
from lipstream.models.face.tracking import TrackedFace
from lipstream.pipeline import Packet, Port, Stage
from lipstream.stages.emotion.payloads import Expressions
from lipstream.stages.failures import while_loading, while_running
from lipstream.stages.payloads import FaceView, Float32, UInt8
from lipstream.stages.shedding import EMOTION_RATE, EMOTION_SHARE, FrameShedder
from lipstream.stages.switches import EMOTION


class ExpressionNetwork(Protocol):
    """Judges faces: `lipstream.models.emotion.branches.FaceExpression`."""

    def load(self) -> None:
        """Load the network."""

    def predict_all(self, faces: Sequence[tuple[UInt8, Float32, Look]]) -> list[Evidence]:
        """Judge faces: the crop, the shape and how to look at it, of each."""


@dataclass(frozen=True, slots=True)
class _Picture:
    """A picture whose faces are still to be judged: crop, shape and look, by face id."""

    timestamp: int
    duration: int
    faces: Mapping[int, tuple[UInt8, Float32, Look]]
    talker: int | None


class Expression(Stage):
    """Looks at the speaker's face at most `rate` times a second, and at the others half as often.

    It works on the frame and the landmarks that tracking has anyway. Of somebody whose lips talk every other look
    leaves the mouth out.

    Args:
        network: the expression encoder.
        rate: most looks a second at a face; under load a share of it.
        together: how many pictures go through the network together, >= 1. It takes half as long for each of ten as for
            one alone, but the first one waits for the last.
    """

    inputs: ClassVar[Mapping[str, Port]] = {"views": Port(FaceView)}
    outputs: ClassVar[Mapping[str, Port]] = {"expressions": Port(Expressions)}

    def __init__(self, network: ExpressionNetwork, rate: float, together: int = 1) -> None:
        self.rate = rate
        self._network = network
        self._together = together
        self._waiting: list[_Picture] = []
        self._shedder = FrameShedder(rate)
        self._only_speaker = False
        self._turns: dict[int, int] = {}

    def open(self) -> None:
        """Load the network."""
        with while_loading():
            self._network.load()

    def process(self, port: str, packet: Packet[Any]) -> None:
        """Look at the faces of a frame, if it is time to."""
        share = EMOTION_SHARE if self.context.sheds(EMOTION_RATE.name) else 1.0
        self._shedder.thin_to(self.rate * share)
        if self.context.switched_off(EMOTION) or not self._shedder.keeps(packet.timestamp):
            return
        view: FaceView = packet.payload
        looked = [face for face in view.faces if face.observation.looked]
        wanted = [face for face in looked if not self._only_speaker or face.id == view.speaker]
        self._only_speaker = not self._only_speaker
        self._turns = {face.id: self._turns.get(face.id, 0) for face in view.faces}
        with while_running("video", "the expression encoder"):
            faces = {face.id: self._look(view, face) for face in wanted}
        talker = view.speaker if view.speaker in view.talking else None
        self._waiting.append(_Picture(packet.timestamp, packet.duration, faces, talker))
        if len(self._waiting) >= self._together:
            self._judge()

    def watermark(self, frontier: int) -> int:
        """The oldest picture that is still to be judged."""
        return self._waiting[0].timestamp if self._waiting else frontier

    def finish(self) -> None:
        """Judge the pictures that are left."""
        if self._waiting:
            self._judge()

    def _look(self, view: FaceView, face: TrackedFace) -> tuple[UInt8, Float32, Look]:
        seen = face.observation
        crop = face_crop(view.image, seen.landmarks)
        shape = geometry(seen.landmarks, seen.blendshapes)
        self._turns[face.id] += 1
        return crop, shape, Look.of(face.id in view.talking, self._turns[face.id])

    def _judge(self) -> None:
        pictures, self._waiting = self._waiting, []
        with while_running("video", "the expression encoder"):
            judged = iter(self._network.predict_all([face for each in pictures for face in each.faces.values()]))
        for each in pictures:
            faces = {face: next(judged) for face in each.faces}
            self.emit("expressions", Expressions(faces, each.talker), each.timestamp, each.duration)
