"""Which person a tracked face is: the same number after a cut, a crossing or an absence, a new one for who is new.

A tracker follows faces by their place from frame to frame. Here a face is looked at where the place may mislead: when a
track begins, when the picture was cut or a face has changed all at once, and when two faces were close to each other;
besides, now and then, so that people are known from several sides.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import numpy.typing as npt

from lipstream.models.face.backend import Float32, UInt8
from lipstream.models.face.cuts import CutDetector, patch, same_patch
from lipstream.models.face.gallery import Gallery
from lipstream.models.face.identity import SAME_PERSON, can_tell
from lipstream.models.face.pose import HeadPose
from lipstream.models.face.tracking import Box, LostFace, TrackedFace, TrackedFrame

STILL_SAME = 0.2
"""Likeness that is enough to stay the same person where nothing but nearness to another face raised the question."""
LEAD = 0.1
"""How much more a face has to be like another person than like the one it was taken for."""
LOOKS = 4
"""Good looks at a new track until it is settled who it is."""
LOOK_INTERVAL = 0.24
"""Seconds between them."""
REST_INTERVAL = 3.0
"""Seconds between looks at a face that is settled."""
MOST_A_SECOND = 8.0
"""Looks a second, of all faces together, in the long run."""
_BURST = 16.0
_NEAR = 0.25
"""Overlap of two faces' boxes, in parts of the smaller one, from which on they may be mixed up."""


class Embedder(Protocol):
    """What tells faces apart, see `FaceEmbedder`."""

    def embed(self, image: UInt8, landmarks: Sequence[Float32]) -> Float32:
        """(N, 128) of N faces."""


@dataclass(slots=True)
class _Track:
    """A track of the tracker's.

    Attributes:
        due_us: when it is to be looked at next.
        patch: the face in the frame before.
        person: whom it is taken for; 0 for nobody yet.
        doubt: a look has to tell whether that is right.
        anew: where it is counts for nothing in that.
        looks: good looks since the last doubt.
        odd: looks in a row that were not at that person.
        near: whether another face was close in the frame before.
    """

    due_us: int
    patch: npt.NDArray[np.float32]
    person: int = 0
    doubt: bool = True
    anew: bool = True
    looks: int = 0
    odd: int = 0
    near: bool = False

    def question(self, now_us: int, *, anew: bool) -> None:
        """Look at it as soon as possible."""
        self.doubt, self.anew = True, self.anew or anew
        self.looks, self.odd, self.due_us = 0, 0, now_us

    def take_for(self, person: int) -> None:
        """It is known who it is."""
        self.person, self.doubt, self.anew = person, False, False


@dataclass(slots=True)
class _Appearance:
    since_us: int
    seen_us: int


class PersonKeeper:
    """Gives tracked faces the numbers of people. Knows the people of one run, and nothing of them beyond it.

    Who is seen for the first time gets the next number, at once. It may turn out, within the second that it takes to
    have some good looks, that it is someone who was there before: then the new number is given up and the old one found
    again. Numbers are never given to anybody else.

    Args:
        embedder: loaded before the first update.
    """

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._cuts = CutDetector()
        self._gallery = Gallery()
        self._tracks: dict[int, _Track] = {}
        self._appearances: dict[int, _Appearance] = {}
        self._looks: dict[int, int] = {}
        self._last_person = 0
        self._allowed = _BURST
        self._now_us = 0

    def update(
        self, image: UInt8, tracked: TrackedFrame, poses: Mapping[int, HeadPose], timestamp_us: int
    ) -> TrackedFrame:
        """Put people's numbers in the place of tracks'.

        Args:
            image: (H, W, 3) uint8 RGB, the picture.
            tracked: what the tracker made of it.
            poses: of each face in it, by the track's number.
            timestamp_us: its time in microseconds, later than that of the call before.

        Returns:
            The same faces under the numbers of people: `found` are those who were not in view before, `lost` those who
            are not any more.

        Raises:
            ModelError: the network failed.
        """
        elapsed, self._now_us = max(0, timestamp_us - self._now_us), timestamp_us
        self._allowed = min(_BURST, self._allowed + MOST_A_SECOND * elapsed / 1e6)
        for gone in tracked.lost:
            self._tracks.pop(gone.id, None)
        self._doubt(image, tracked.faces)
        looks = self._look(image, tracked.faces, poses)
        self._decide({face.id for face in tracked.faces}, looks)
        return self._told(tracked.faces)

    def give_up(self, lost: Sequence[LostFace]) -> tuple[LostFace, ...]:
        """The people who were lost with tracks, when no picture comes."""
        for gone in lost:
            self._tracks.pop(gone.id, None)
        return self._left()

    def reset(self) -> tuple[LostFace, ...]:
        """Give up all who are in view and forget everybody; numbers go on growing."""
        self._tracks.clear()
        self._gallery.clear()
        return self._left()

    # Where a look is needed.

    def _doubt(self, image: UInt8, faces: Sequence[TrackedFace]) -> None:
        cut = self._cuts.update(image)
        near = _close_to_another(faces)
        for face in faces:
            track = self._tracks.get(face.id)
            if track is not None and not face.observation.looked:
                # Where it was a few frames ago may be something else now.
                if cut:
                    track.question(self._now_us, anew=True)
                continue
            now = patch(image, face.box)
            if track is None:
                self._tracks[face.id] = _Track(self._now_us, now, near=face.id in near)
                continue
            parted = track.near and face.id not in near
            if cut or parted or not same_patch(track.patch, now):
                track.question(self._now_us, anew=cut)
            track.patch, track.near = now, face.id in near

    def _look(self, image: UInt8, faces: Sequence[TrackedFace], poses: Mapping[int, HeadPose]) -> dict[int, Float32]:
        """Embeddings of the faces that are due, those in doubt first, as many as are allowed."""
        due = []
        for face in faces:
            track = self._tracks[face.id]
            ready = face.observation.looked and self._now_us >= track.due_us and not track.near
            if ready and can_tell(face.observation.landmarks, poses[face.id]):
                due.append((not track.doubt, track.due_us, face.id, face.observation.landmarks))
        due.sort(key=lambda each: each[:3])
        chosen = due[: int(self._allowed)]
        self._allowed -= len(chosen)
        if not chosen:
            return {}
        found = self._embedder.embed(image, [landmarks for *_, landmarks in chosen])
        return {track: look for (_, _, track, _), look in zip(chosen, found, strict=True)}

    # Who it is.

    def _decide(self, seen: set[int], looks: Mapping[int, Float32]) -> None:
        for id_, look in looks.items():
            self._question_odd(self._tracks[id_], look)
        open_ = {id_: look for id_, look in looks.items() if self._is_open(self._tracks[id_])}
        held = {self._tracks[id_].person for id_ in seen - set(open_)}
        for id_, person in self._known(open_, held):
            self._give(id_, person)
            held.add(person)
        for id_ in sorted(seen):
            track = self._tracks[id_]
            if track.person == 0:
                self._give(id_, self._new_person())
                track.doubt = track.anew = id_ not in looks
            elif id_ in looks and track.doubt:
                # Nobody who is known. A number that nobody has been looked at for may be this one's.
                free = track.person not in held and track.person not in self._gallery
                self._give(id_, track.person if free else self._new_person())
            held.add(track.person)
        for id_, look in looks.items():
            self._note(self._tracks[id_], look)

    def _is_open(self, track: _Track) -> bool:
        """Whether it may be somebody else: it is in doubt, or taken for someone who was never seen before it."""
        return track.doubt or self._looks.get(track.person, 0) < LOOKS

    def _question_odd(self, track: _Track, look: Float32) -> None:
        """A settled track that looks like somebody else twice in a row, or like nobody."""
        if self._is_open(track):
            return
        own = self._gallery.likeness(track.person, look)
        best = max((self._gallery.likeness(other, look) for other in self._gallery.people), default=-math.inf)
        track.odd = track.odd + 1 if own < STILL_SAME or best >= max(SAME_PERSON, own + LEAD) else 0
        if track.odd > 1:
            track.question(self._now_us, anew=own < STILL_SAME)

    def _known(self, looks: Mapping[int, Float32], held: set[int]) -> list[tuple[int, int]]:
        """Tracks with the people they are, of those who are known and not held by others; nobody twice."""
        pairs = []
        for id_, look in looks.items():
            track = self._tracks[id_]
            for person in self._gallery.people:
                alike = self._gallery.likeness(person, look)
                if person == track.person:
                    enough = SAME_PERSON if track.anew else STILL_SAME
                    # Who has just come is like themselves in any case: those who were there before go first.
                    lead = 0.0 if track.anew else LEAD if track.doubt else -1.0
                else:
                    # Of two who have just come neither is the other.
                    enough = SAME_PERSON if self._looks.get(person, 0) >= LOOKS or track.doubt else math.inf
                    lead = 0.0
                if alike >= enough and person not in held:
                    pairs.append((-alike - lead, person, id_))
        taken: dict[int, int] = {}
        for _, person, id_ in sorted(pairs):
            if id_ not in taken and person not in taken.values():
                taken[id_] = person
        return list(taken.items())

    def _give(self, id_: int, person: int) -> None:
        track = self._tracks[id_]
        before = track.person
        for other_id, other in self._tracks.items():
            if other_id != id_ and other.person == person:
                # It is not in the picture, or in doubt itself.
                other.person = 0
                other.question(self._now_us, anew=True)
        track.take_for(person)
        if before not in (0, person) and self._looks.get(before, 0) < LOOKS:
            self._gallery.forget(before)

    def _new_person(self) -> int:
        self._last_person += 1
        return self._last_person

    def _note(self, track: _Track, look: Float32) -> None:
        """Keep a look at whom it is now known to be."""
        track.looks += 1
        self._looks[track.person] = self._looks.get(track.person, 0) + 1
        if track.person not in self._gallery or self._gallery.likeness(track.person, look) >= SAME_PERSON:
            self._gallery.add(track.person, look)
        interval = LOOK_INTERVAL if track.looks < LOOKS else REST_INTERVAL
        track.due_us = self._now_us + round(interval * 1e6)

    # What others are told.

    def _told(self, faces: Sequence[TrackedFace]) -> TrackedFrame:
        found, told = [], []
        for face in faces:
            person = self._tracks[face.id].person
            appearance = self._appearances.get(person)
            if appearance is None:
                appearance = self._appearances[person] = _Appearance(self._now_us, self._now_us)
                found.append(person)
            appearance.seen_us = self._now_us
            told.append(replace(face, id=person, since_us=appearance.since_us))
        told.sort(key=lambda face: face.id)
        return TrackedFrame(tuple(told), tuple(sorted(found)), self._left())

    def _left(self) -> tuple[LostFace, ...]:
        """Those whom no track is taken for any more."""
        here = {track.person for track in self._tracks.values()}
        gone = sorted(person for person in self._appearances if person not in here)
        times = [(person, self._appearances.pop(person)) for person in gone]
        return tuple(LostFace(person, time.since_us, time.seen_us) for person, time in times)


def _close_to_another(faces: Sequence[TrackedFace]) -> set[int]:
    """Tracks of faces that another one overlaps."""
    near = set()
    for index, one in enumerate(faces):
        for other in faces[index + 1 :]:
            if _overlap(one.box, other.box) >= _NEAR:
                near |= {one.id, other.id}
    return near


def _overlap(one: Box, other: Box) -> float:
    """The common part of two boxes, in parts of the smaller one."""
    across = min(one[2], other[2]) - max(one[0], other[0])
    down = min(one[3], other[3]) - max(one[1], other[1])
    smaller = min((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return max(0.0, across) * max(0.0, down) / smaller if smaller > 0 else 0.0
