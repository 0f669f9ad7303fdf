"""From a picture to faces: who is there, who is new or gone, who speaks, and what the speaker's lips look like."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from lipstream.models.face.backend import FaceBackend, UInt8
from lipstream.models.face.identity import FaceEmbedder
from lipstream.models.face.lip_features import LipFeatures
from lipstream.models.face.lips import aperture, lip_crop, mouth_blendshapes, normalised_lips
from lipstream.models.face.persons import PersonKeeper
from lipstream.models.face.pose import HeadPose, head_pose
from lipstream.models.face.speaker import SpeakerCandidate, SpeakerSelector
from lipstream.models.face.stillness import face_change
from lipstream.models.face.tracking import FaceTracker, LostFace, TrackedFace


@dataclass(frozen=True, slots=True, eq=False)
class FaceAnalysis:
    """The faces of one picture.

    Attributes:
        faces: those seen in it, by growing id.
        found: those of them that are seen for the first time.
        lost: faces given up at this picture, by growing id.
        speaker: id of the face chosen as the speaker's, which may be missing in this picture; None while there is none.
        talking: ids of the faces whose lips move as they do in speech.
        lips: of the speaker, None where that face is not seen.
        other_lips: of the other faces whose lips move, by growing id, if they are wanted.
        poses: how the head of each face lies, by id.
        apertures: opening of the inner lips of each face, by id, see `aperture`.
    """

    faces: tuple[TrackedFace, ...]
    found: tuple[TrackedFace, ...]
    lost: tuple[LostFace, ...]
    speaker: int | None
    talking: frozenset[int]
    lips: LipFeatures | None
    poses: Mapping[int, HeadPose]
    apertures: Mapping[int, float]
    other_lips: tuple[LipFeatures, ...] = ()


class FaceAnalyser:
    """Runs the face networks on the pictures of one video, keeps identities, chooses the speaker, looks at the lips.

    Nothing looks at later pictures. Not thread-safe.

    Args:
        backend: the networks.
        max_gap: seconds a face may be missed before it counts as gone; see `FaceTracker`.
        embedder: tells people apart by their looks, so that who comes back has the same number; None to go by the
            place in the picture alone.
        others: whether the lips of others who move theirs are looked at too.
    """

    def __init__(
        self, backend: FaceBackend, max_gap: float, embedder: FaceEmbedder | None = None, *, others: bool = False
    ) -> None:
        self._backend = backend
        self._tracker = FaceTracker(max_gap)
        self._embedder = embedder
        self._others = others
        self._keeper = None if embedder is None else PersonKeeper(embedder)
        self._selector = SpeakerSelector()
        self._before: UInt8 | None = None
        self._seen_us: int | None = None

    def load(self) -> None:
        """Load the networks; see `FaceBackend.load`."""
        self._backend.load()
        if self._embedder is not None:
            self._embedder.load()

    def close(self) -> None:
        """Release the networks."""
        self._backend.close()

    def analyse(self, image: UInt8, timestamp_us: int, interval_us: int = 0) -> FaceAnalysis:
        """Look at a picture.

        Args:
            image: (H, W, 3) uint8 RGB; kept until the next one.
            timestamp_us: its time in microseconds, later than that of the call before.
            interval_us: how far apart pictures are, microseconds, as far as the source tells; 0 for not known.

        Raises:
            ModelError: the networks are not loaded, or failed on this picture.
        """
        self._seen_us = timestamp_us
        tracked = self._tracker.update(self._backend.detect(image, timestamp_us), timestamp_us, interval_us)
        poses = {face.id: head_pose(face.observation.landmarks) for face in tracked.faces}
        if self._keeper is not None:
            turned = {id(face.observation): poses[face.id] for face in tracked.faces}
            tracked = self._keeper.update(image, tracked, poses, timestamp_us)
            poses = {face.id: turned[id(face.observation)] for face in tracked.faces}
        openings = {face.id: aperture(face.observation.landmarks, poses[face.id]) for face in tracked.faces}
        candidates = [
            SpeakerCandidate(face.id, face.box, openings[face.id], face.observation.looked) for face in tracked.faces
        ]
        height, width = image.shape[:2]
        speaker = self._selector.update(candidates, _ids(tracked.lost), (width, height), timestamp_us)
        shown = next((face for face in tracked.faces if face.id == speaker), None)
        if shown is not None:
            left, top, right, bottom = shown.box
            self._backend.attended = (left + right) / 2, (top + bottom) / 2
        seen = shown is not None and shown.observation.looked
        lips = None if shown is None or not seen else self._lips(image, shown, poses[shown.id], openings[shown.id])
        talking = self._selector.talking
        # Whom else one may hear. The lips of who speaks alone are looked at already, so that costs nothing more.
        moving = [face for face in tracked.faces if face.id in talking] if self._others else []
        also = [face for face in moving if face.id != speaker and face.observation.looked]
        others = tuple(self._lips(image, face, poses[face.id], openings[face.id]) for face in also)
        self._before = image
        found = tuple(face for face in tracked.faces if face.id in tracked.found)
        return FaceAnalysis(tracked.faces, found, tracked.lost, speaker, talking, lips, poses, openings, others)

    def without_picture(self, until_us: int) -> tuple[LostFace, ...]:
        """Give up the faces that cannot be seen any more, since no picture came up to a time in microseconds.

        Returns:
            Those given up, by growing id.
        """
        if self._seen_us is None:
            return ()
        lost = self._tracker.give_up(until_us)
        if self._keeper is not None:
            lost = self._keeper.give_up(lost)
        if lost:
            # Without candidates the size of the picture does not matter.
            self._selector.update((), _ids(lost), (0, 0), until_us)
        return lost

    def finish(self) -> tuple[LostFace, ...]:
        """Give up the faces that were in view to the end, by growing id."""
        lost = self._tracker.reset()
        return lost if self._keeper is None else self._keeper.reset()

    def _lips(self, image: UInt8, face: TrackedFace, pose: HeadPose, opening: float) -> LipFeatures:
        landmarks = face.observation.landmarks
        return LipFeatures(
            face=face.id,
            crop=lip_crop(image, landmarks, pose),
            points=normalised_lips(landmarks, pose),
            blendshapes=mouth_blendshapes(face.observation.blendshapes),
            aperture=opening,
            change=math.inf if self._before is None else face_change(self._before, image, face.box),
        )


def _ids(faces: tuple[LostFace, ...]) -> list[int]:
    return [face.id for face in faces]
