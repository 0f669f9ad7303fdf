"""Expressions: what each tracked face shows, some times a second."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Protocol

from models.emotion.branches import Evidence
from models.emotion.face_crop import face_crop
from models.emotion.geometry_net import geometry
from models.emotion.looks import Look
from models.emotion.threads import use_one_thread
from models.face.tracking import TrackedFace
from pipeline import Packet, Port, Stage
from stages.emotion_payloads import Expressions
from stages.failures import while_loading, while_running
from stages.payloads import FaceView, Float32, UInt8
from stages.shedding import EMOTION_RATE, EMOTION_SHARE, FrameShedder
from stages.switches import EMOTION


class ExpressionNetwork(Protocol):
    """Judges faces: `models.emotion.branches.FaceExpression`."""

    def load(self) -> None:
        """Load the network."""

    def predict(self, crop: UInt8, shape: Float32, look: Look) -> Evidence:
        """Judge a face."""


class Expression(Stage):
    """Looks at the speaker's face at most `rate` times a second, and at the others half as often.

    It works on the frame and the landmarks that tracking has anyway. Of somebody whose lips talk every other look
    leaves the mouth out.

    Args:
        network: the expression encoder.
        rate: most looks a second at a face; under load a share of it.
    """

    inputs: ClassVar[Mapping[str, Port]] = {"views": Port(FaceView)}
    outputs: ClassVar[Mapping[str, Port]] = {"expressions": Port(Expressions)}

    def __init__(self, network: ExpressionNetwork, rate: float) -> None:
        self.rate = rate
        self._network = network
        self._shedder = FrameShedder(rate)
        self._only_speaker = False
        self._turns: dict[int, int] = {}

    def open(self) -> None:
        """Load the network."""
        use_one_thread()
        with while_loading():
            self._network.load()

    def process(self, port: str, packet: Packet[Any]) -> None:
        """Look at the faces of a frame, if it is time to."""
        share = EMOTION_SHARE if self.context.sheds(EMOTION_RATE.name) else 1.0
        self._shedder.thin_to(self.rate * share)
        if self.context.switched_off(EMOTION) or not self._shedder.keeps(packet.timestamp):
            return
        view: FaceView = packet.payload
        wanted = [face for face in view.faces if not self._only_speaker or face.id == view.speaker]
        self._only_speaker = not self._only_speaker
        self._turns = {face.id: self._turns.get(face.id, 0) for face in view.faces}
        with while_running("video", "the expression encoder"):
            faces = {face.id: self._look(view, face) for face in wanted}
        talker = view.speaker if view.speaker in view.talking else None
        self.emit("expressions", Expressions(faces, talker), packet.timestamp, packet.duration)

    def _look(self, view: FaceView, face: TrackedFace) -> Evidence:
        seen = face.observation
        crop = face_crop(view.image, seen.landmarks)
        shape = geometry(seen.landmarks, seen.blendshapes)
        self._turns[face.id] += 1
        return self._network.predict(crop, shape, Look.of(face.id in view.talking, self._turns[face.id]))
