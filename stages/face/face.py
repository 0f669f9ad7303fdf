"""Faces: found, followed, and the speaker's lips cut out of each frame."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from lipstream.events import FaceFound, FaceLost
from lipstream.models.face.analyser import FaceAnalyser
from lipstream.models.face.backend import FaceBackend
from lipstream.models.face.identity import FaceEmbedder
from lipstream.models.face.tracking import LostFace
from lipstream.pipeline import Packet, Port, Stage, seconds
from lipstream.stages.face.face_report import box_of
from lipstream.stages.face.looking import Looking
from lipstream.stages.failures import while_loading, while_running
from lipstream.stages.payloads import FaceFrame, FaceView, VideoFrame, VoiceHeard
from lipstream.stages.switches import PICTURE


class Face(Stage):
    """Looks for faces in each frame it is given, and tells of those that come and go; see `FaceAnalyser`.

    How many frames come is the source's business: it skips those beyond `face.max_fps` before any work is spent on
    them. At which of them to look is that of `looking`, which is told of voices; it may see to it that most are
    never even made pictures of.

    Args:
        backend: the networks.
        max_gap: seconds a face may be missed before it counts as gone.
        looking: chooses the frames; None for every one.
        embedder: tells people apart by their looks; None to go by the place in the picture alone.
        others: whether the lips of others who move theirs are looked at too.
    """

    # Voices first: at equal timestamps they are known before the picture is judged by them.
    inputs: ClassVar[Mapping[str, Port]] = {"voices": Port(VoiceHeard, optional=True), "video": Port(VideoFrame)}
    outputs: ClassVar[Mapping[str, Port]] = {"faces": Port(FaceFrame), "views": Port(FaceView)}
    if_stuck = ("video", "the face network does not answer, going on with the sound only")

    def __init__(
        self,
        backend: FaceBackend,
        max_gap: float,
        looking: Looking | None = None,
        embedder: FaceEmbedder | None = None,
        *,
        others: bool = False,
    ) -> None:
        self._analyser = FaceAnalyser(backend, max_gap, embedder, others=others)
        self._looking = looking
        self._newest = -1
        self._end = 0

    def open(self) -> None:
        """Load the networks."""
        with while_loading():
            self._analyser.load()

    def close(self) -> None:
        """Release the networks."""
        self._analyser.close()

    def process(self, port: str, packet: Packet[Any]) -> None:
        """Look at one frame, if it is one to look at; take note of a voice."""
        if port == "voices":
            if self._looking is not None:
                self._looking.hear(packet.payload.time, packet.payload.voiced)
            return
        if packet.timestamp <= self._newest or self.context.switched_off(PICTURE):
            return
        self._end = packet.end
        if self._looking is not None and not self._looking.wants(packet.timestamp, packet.duration):
            return
        self._newest = packet.timestamp
        image = packet.payload.image
        with while_running("video", "the face network"):
            seen = self._analyser.analyse(image, packet.timestamp, packet.duration)
        if self._looking is not None:
            ids = frozenset(face.id for face in seen.faces)
            self._looking.saw(packet.timestamp, ids, seen.talking)
            self._tell_looks(self._looking)
        self._report_lost(seen.lost)
        height, width = image.shape[:2]
        for face in seen.found:
            self.publish(FaceFound(face=face.id, time=seconds(face.since_us), box=box_of(face, width, height)))
        faces = FaceFrame(seen.faces, seen.speaker, width, height, seen.lips, seen.talking, seen.other_lips)
        self.emit("faces", faces, packet.timestamp, packet.duration)
        if self.context.connected("views"):
            view = FaceView(image, seen.faces, seen.speaker, seen.talking, seen.poses, seen.apertures)
            self.emit("views", view, packet.timestamp, packet.duration)

    def advance(self, frontier: int) -> None:
        """Give up the faces that cannot be seen any more because no picture comes."""
        self._report_lost(self._analyser.without_picture(frontier))

    def finish(self) -> None:
        """Report the faces that were in view to the end as lost there."""
        self._report_lost(self._analyser.finish())
        if self._looking is not None:
            self._looking.finish(self._end)
            self._tell_looks(self._looking)

    def _tell_looks(self, looking: Looking) -> None:
        for stretch in looking.told():
            self.publish(stretch)

    def _report_lost(self, faces: Iterable[LostFace]) -> None:
        for face in faces:
            self.publish(FaceLost(face=face.id, start=seconds(face.since_us), time=seconds(face.until_us)))
