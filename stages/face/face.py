"""Faces: found, followed, and the speaker's lips cut out of each frame."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from lipstream.events import FaceFound, FaceLost
from lipstream.models.face.backend import FaceBackend
from lipstream.models.face.lips import aperture, lip_crop, mouth_blendshapes, normalised_lips
from lipstream.models.face.pose import HeadPose, head_pose
from lipstream.models.face.speaker import SpeakerCandidate, SpeakerSelector
from lipstream.models.face.stillness import face_change
from lipstream.models.face.tracking import FaceTracker, LostFace, TrackedFace
from lipstream.pipeline import Packet, Port, Stage, micros, seconds
from lipstream.stages.failures import while_loading, while_running
from lipstream.stages.payloads import FaceFrame, FaceView, LipFeatures, UInt8, VideoFrame
from lipstream.stages.switches import PICTURE


class Face(Stage):
    """Runs the face networks on each frame it is given, keeps identities, chooses the speaker, looks at the lips.

    Nothing looks at later frames. How many frames come is the source's business: it skips those beyond
    `face.max_fps` before any work is spent on them.

    Args:
        backend: the networks.
        max_gap: seconds a face may be missed and keep its identity.
    """

    inputs: ClassVar[Mapping[str, Port]] = {"video": Port(VideoFrame)}
    outputs: ClassVar[Mapping[str, Port]] = {"faces": Port(FaceFrame), "views": Port(FaceView)}
    if_stuck = ("video", "the face network does not answer, going on with the sound only")

    def __init__(self, backend: FaceBackend, max_gap: float) -> None:
        self._backend = backend
        self._tracker = FaceTracker(max_gap)
        self._selector = SpeakerSelector()
        self._max_gap = micros(max_gap)
        self._newest = -1
        self._size = (0, 0)
        self._image: UInt8 | None = None

    def open(self) -> None:
        """Load the networks."""
        with while_loading():
            self._backend.load()

    def close(self) -> None:
        """Release the networks."""
        self._backend.close()

    def process(self, port: str, packet: Packet[Any]) -> None:
        """Look at one frame."""
        if packet.timestamp <= self._newest or self.context.switched_off(PICTURE):
            return
        self._newest = packet.timestamp
        frame: VideoFrame = packet.payload
        height, width = frame.image.shape[:2]
        with while_running("video", "the face network"):
            observations = self._backend.detect(frame.image, packet.timestamp)
        tracked = self._tracker.update(observations, packet.timestamp)
        self._size = (width, height)
        self._report_lost(tracked.lost)
        self._report_found((face for face in tracked.faces if face.id in tracked.found), width, height)
        poses = {face.id: head_pose(face.observation.landmarks) for face in tracked.faces}
        apertures = {face.id: aperture(face.observation.landmarks, poses[face.id]) for face in tracked.faces}
        candidates = [SpeakerCandidate(face.id, face.box, apertures[face.id]) for face in tracked.faces]
        lost = [face.id for face in tracked.lost]
        speaker = self._selector.update(candidates, lost, (width, height), packet.timestamp)
        chosen = next((face for face in tracked.faces if face.id == speaker), None)
        lips = None if chosen is None else self._lips(frame.image, chosen, poses[chosen.id], apertures[chosen.id])
        self._image = frame.image
        talking = self._selector.talking
        faces = FaceFrame(tracked.faces, speaker, width, height, lips, talking)
        self.emit("faces", faces, packet.timestamp, packet.duration)
        if self.context.connected("views"):
            view = FaceView(frame.image, tracked.faces, speaker, talking)
            self.emit("views", view, packet.timestamp, packet.duration)

    def advance(self, frontier: int) -> None:
        """Give up the faces that cannot be seen any more because no picture comes."""
        if self._newest >= 0 and frontier - self._newest > self._max_gap:
            lost = self._tracker.update((), frontier).lost
            if lost:
                self._report_lost(lost)
                self._selector.update((), [face.id for face in lost], self._size, frontier)

    def finish(self) -> None:
        """Report the faces that were in view to the end as lost there."""
        self._report_lost(self._tracker.reset())

    def _lips(self, image: UInt8, face: TrackedFace, pose: HeadPose, opening: float) -> LipFeatures:
        landmarks = face.observation.landmarks
        return LipFeatures(
            face=face.id,
            crop=lip_crop(image, landmarks, pose),
            points=normalised_lips(landmarks, pose),
            blendshapes=mouth_blendshapes(face.observation.blendshapes),
            aperture=opening,
            change=math.inf if self._image is None else face_change(self._image, image, face.box),
        )

    def _report_found(self, faces: Iterable[TrackedFace], width: int, height: int) -> None:
        for face in faces:
            left, top, right, bottom = face.box
            box = (round(left / width, 4), round(top / height, 4), round(right / width, 4), round(bottom / height, 4))
            self.publish(FaceFound(face=face.id, time=seconds(face.since_us), box=box))

    def _report_lost(self, faces: Iterable[LostFace]) -> None:
        for face in faces:
            self.publish(FaceLost(face=face.id, start=seconds(face.since_us), time=seconds(face.until_us)))
