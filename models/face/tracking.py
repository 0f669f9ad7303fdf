"""Stable identities for faces: which observation of this frame continues which face of the frames before."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median_low

from lipstream.models.face.backend import FaceObservation

Box = tuple[float, float, float, float]

# How far a head can be from where it was last seen, in its own side lengths: jitter and quick moves between two
# frames, and walking pace on top of that. Neighbours sit at least 1.2 apart.
REACH = 0.6
REACH_PER_SECOND = 1.0
MAX_SIZE_RATIO = 2.0
GAP_FRAMES = 2.5
"""Frames that a face may be missed at least: where there are few a second, the next one comes late."""
_INTERVALS = 5
_LEAST_INTERVALS = 3


@dataclass(frozen=True, slots=True, eq=False)
class TrackedFace:
    """A face with its identity.

    Attributes:
        id: of the track: 1 for the first face ever seen, then 2, 3, ...; never reused. Behind `PersonKeeper` it is
            the number of the person.
        observation: what was seen of it in this frame.
        box: x0, y0, x1, y1 of its landmarks in pixels.
        since_us: timestamp of the frame it came into view in.
    """

    id: int
    observation: FaceObservation
    box: Box
    since_us: int


@dataclass(frozen=True, slots=True)
class LostFace:
    """A face that is gone for good.

    Attributes:
        id: its identity.
        since_us: timestamp of the frame it was first seen in.
        until_us: timestamp of the frame it was last seen in.
    """

    id: int
    since_us: int
    until_us: int


@dataclass(frozen=True, slots=True, eq=False)
class TrackedFrame:
    """The faces of one frame.

    Attributes:
        faces: those seen in this frame, by growing id.
        found: ids seen for the first time in this frame, growing.
        lost: faces given up at this frame, by growing id. A face missing for a shorter time than the tracker's
            `max_gap` is neither in `faces` nor in `lost`.
    """

    faces: tuple[TrackedFace, ...]
    found: tuple[int, ...]
    lost: tuple[LostFace, ...]


@dataclass(slots=True)
class _Track:
    id: int
    box: Box
    since_us: int
    seen_us: int


class FaceTracker:
    """Follows faces by place and size alone, from frame to frame, without a look at later frames.

    A face keeps its id while each observation lies near the one before. It gets a new id when it was away longer
    than `max_gap`, or came back elsewhere, or the picture was cut. Two faces that pass close in front of each other, or
    two people in the same place before and after a cut, can be taken for one another. `PersonKeeper` makes up for both.

    Args:
        max_gap: seconds a face may be missing and still keep its id; where frames are far apart, `GAP_FRAMES` of them.
    """

    def __init__(self, max_gap: float = 0.5) -> None:
        self._max_gap_us = round(max_gap * 1_000_000)
        self._intervals: deque[int] = deque(maxlen=_INTERVALS)
        self._seen_us: int | None = None
        self._told_us = 0
        self._tracks: list[_Track] = []
        self._last_id = 0

    @property
    def max_gap_us(self) -> int:
        """Microseconds a face may be missing and still keep its id, by how far apart frames have been of late."""
        usual = median_low(self._intervals) if len(self._intervals) >= _LEAST_INTERVALS else 0
        return max(self._max_gap_us, round(GAP_FRAMES * max(usual, self._told_us)))

    def update(self, observations: Sequence[FaceObservation], timestamp_us: int, interval_us: int = 0) -> TrackedFrame:
        """Give the observations of one frame their identities.

        Args:
            observations: in any order.
            timestamp_us: the frame's time in microseconds, later than that of the call before.
            interval_us: how far apart frames are, microseconds, as far as the source tells; 0 for not known.
        """
        if self._seen_us is not None:
            self._intervals.append(timestamp_us - self._seen_us)
        self._seen_us, self._told_us = timestamp_us, interval_us
        lost = self.give_up(timestamp_us)
        boxes = [bounding_box(observation) for observation in observations]
        pairs = _assign(self._tracks, boxes, timestamp_us)
        faces = []
        found = []
        for index, (observation, box) in enumerate(zip(observations, boxes, strict=True)):
            track = pairs.get(index)
            if track is None:
                self._last_id += 1
                track = _Track(self._last_id, box, timestamp_us, timestamp_us)
                self._tracks.append(track)
                found.append(track.id)
            track.box, track.seen_us = box, timestamp_us
            faces.append(TrackedFace(track.id, observation, box, track.since_us))
        faces.sort(key=lambda face: face.id)
        return TrackedFrame(tuple(faces), tuple(found), lost)

    def give_up(self, now_us: int) -> tuple[LostFace, ...]:
        """Give up the faces that have been missing for too long at a time in microseconds, with or without a frame."""
        return self._give_up_older_than(now_us - self.max_gap_us)

    def reset(self) -> tuple[LostFace, ...]:
        """Give up all faces, as at the end, after a seek or a reopened camera. Ids go on growing."""
        self._intervals.clear()
        self._seen_us = None
        return self._give_up_older_than(None)

    def _give_up_older_than(self, limit_us: int | None) -> tuple[LostFace, ...]:
        gone = [track for track in self._tracks if limit_us is None or track.seen_us < limit_us]
        self._tracks = [track for track in self._tracks if track not in gone]
        return tuple(LostFace(track.id, track.since_us, track.seen_us) for track in gone)


def bounding_box(observation: FaceObservation) -> Box:
    """x0, y0, x1, y1 of a face's landmarks in pixels."""
    points = observation.landmarks[:, :2]
    x0, y0 = points.min(axis=0).tolist()
    x1, y1 = points.max(axis=0).tolist()
    return x0, y0, x1, y1


def _assign(tracks: Sequence[_Track], boxes: Sequence[Box], timestamp_us: int) -> dict[int, _Track]:
    """Pair boxes (by index) with tracks, nearest pairs first; ties go to the older track."""
    candidates = []
    for track in tracks:
        for index, box in enumerate(boxes):
            cost = _cost(track.box, box, (timestamp_us - track.seen_us) / 1_000_000)
            if cost is not None:
                candidates.append((cost, track.id, index, track))
    candidates.sort(key=lambda candidate: candidate[:3])
    pairs: dict[int, _Track] = {}
    taken: set[int] = set()
    for _, track_id, index, track in candidates:
        if index not in pairs and track_id not in taken:
            pairs[index] = track
            taken.add(track_id)
    return pairs


def _cost(before: Box, after: Box, elapsed: float) -> float | None:
    """How unlike two boxes of one face are, from 0; None when they cannot be one face `elapsed` seconds apart."""
    side_before, side_after = _side(before), _side(after)
    centre_before, centre_after = _centre(before), _centre(after)
    distance = math.dist(centre_before, centre_after) / max(side_before, side_after)
    growth = abs(math.log(side_after / side_before))
    if distance > REACH + REACH_PER_SECOND * elapsed or growth > math.log(MAX_SIZE_RATIO):
        return None
    return distance + growth


def _side(box: Box) -> float:
    x0, y0, x1, y1 = box
    return max(1.0, (x1 - x0 + y1 - y0) / 2)


def _centre(box: Box) -> tuple[float, float]:
    x0, y0, x1, y1 = box
    return (x0 + x1) / 2, (y0 + y1) / 2
