"""Which person a tracked face is, with looks that are scripted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from lipstream.models.face.backend import FaceObservation, Float32, UInt8
from lipstream.models.face.persons import LOOK_INTERVAL, LOOKS, PersonKeeper
from lipstream.models.face.pose import CANONICAL_FACE, STABLE_LANDMARKS, head_pose
from lipstream.models.face.tracking import FaceTracker, TrackedFrame

STEP_US = 40_000
SIZE = (200, 400)


class Looks:
    """Knows people by the brightness of their faces in the picture; each is a direction of its own."""

    def __init__(self) -> None:
        self.count = 0

    def embed(self, image: UInt8, landmarks: Sequence[Float32]) -> Float32:
        self.count += len(landmarks)
        found = np.zeros((len(landmarks), 128), np.float32)
        for row, points in zip(found, landmarks, strict=True):
            x, y = points[:, :2].mean(axis=0)
            row[int(image[int(y), int(x), 0]) // 10] = 1.0
        return found


def observation(x: float, y: float = 100.0, scale: float = 30.0, turned: float = 0.0) -> FaceObservation:
    """A face that looks into the camera, or `turned` degrees past it."""
    angle = np.radians(turned)
    turn = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
    # Whatever is not one of the stable points lies where some of them do.
    points = np.resize(CANONICAL_FACE, (478, 3))
    points[STABLE_LANDMARKS] = CANONICAL_FACE
    placed = scale * (points - points.mean(axis=0)) @ turn.T + (x, y, 0)
    return FaceObservation(placed.astype(np.float32), np.zeros(52, np.float32), 0.9)


class Scene:
    """Pictures in which people, told by their brightness, are at places."""

    def __init__(self) -> None:
        self.tracker, self.looks = FaceTracker(0.5), Looks()
        self.keeper = PersonKeeper(self.looks)
        self.time = 0
        self.background = 100

    def show(self, people: dict[int, float], turned: float = 0.0) -> TrackedFrame:
        """One picture: brightness of each person, and where they are."""
        image = np.full((*SIZE, 3), self.background, np.uint8)
        faces = []
        for brightness, x in people.items():
            image[60:140, round(x) - 30 : round(x) + 30] = brightness
            # Something to tell a face from another by its pattern, as light and shade do.
            image[60:140, round(x) - 20 : round(x) - 18 + 2 * (brightness % 7)] = 255 - brightness
            faces.append(observation(x, turned=turned))
        self.time += STEP_US
        tracked = self.tracker.update(faces, self.time)
        poses = {face.id: head_pose(face.observation.landmarks) for face in tracked.faces}
        return self.keeper.update(image, tracked, poses, self.time)

    def watch(self, people: dict[int, float], seconds: float = 2.0, turned: float = 0.0) -> TrackedFrame:
        """The last of many such pictures."""
        told = self.show(people, turned)
        for _ in range(round(seconds * 1e6 / STEP_US) - 1):
            told = self.show(people, turned)
        return told

    def nobody(self, seconds: float) -> list[int]:
        """Numbers of those who are given up while nobody is in view."""
        return [lost.id for _ in range(round(seconds * 1e6 / STEP_US)) for lost in self.show({}).lost]


def ids(frame: TrackedFrame) -> list[int]:
    """Numbers by place, from the left."""
    return [face.id for face in sorted(frame.faces, key=lambda face: face.box[0])]


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_the_first_people_are_told_at_once_and_looked_at_now_and_then(scene):
    first = scene.show({50: 100.0, 200: 300.0})
    assert ids(first) == [1, 2]
    assert first.found == (1, 2)
    scene.watch({50: 100.0, 200: 300.0}, 10.0)
    assert scene.looks.count <= 2 * (LOOKS + 4)


def test_who_comes_back_has_the_same_number_and_who_is_new_a_new_one(scene):
    scene.watch({50: 100.0})
    assert scene.nobody(30.0) == [1]
    assert ids(scene.watch({200: 100.0})) == [2]
    scene.nobody(1.0)
    back = scene.show({50: 320.0})
    assert ids(back) == [1]
    assert back.found == (1,)
    assert back.faces[0].since_us == scene.time


def test_a_cut_to_someone_else_in_the_same_place_is_noticed(scene):
    scene.watch({50: 200.0})
    scene.background = 30
    cut = scene.show({200: 200.0})
    assert ids(cut) == [2]
    assert (cut.found, [lost.id for lost in cut.lost]) == ((2,), [1])
    scene.watch({200: 200.0})
    scene.background = 100
    assert ids(scene.show({50: 200.0})) == [1]


def test_who_is_in_the_picture_before_and_after_a_cut_was_never_lost(scene):
    scene.watch({50: 100.0, 200: 300.0})
    scene.background = 30
    cut = scene.show({200: 100.0, 50: 300.0})
    assert ids(cut) == [2, 1]
    assert cut.found == () and cut.lost == ()


def test_only_the_face_changes_as_where_a_call_shows_whoever_speaks(scene):
    scene.watch({50: 100.0, 200: 300.0})
    told = scene.watch({83: 100.0, 200: 300.0}, 0.5)
    assert ids(told) == [3, 2]


def test_people_who_pass_each_other_keep_their_numbers(scene):
    scene.watch({50: 100.0, 200: 300.0})
    for step in range(41):
        scene.show({50: 100.0 + 5 * step, 200: 300.0 - 5 * step})
    assert ids(scene.watch({200: 100.0, 50: 300.0}, 0.5)) == [2, 1]


def test_who_cannot_be_told_yet_has_a_number_that_is_given_up_for_the_old_one(scene):
    scene.watch({50: 100.0})
    scene.nobody(1.0)
    assert ids(scene.watch({50: 300.0}, 1.0, turned=60.0)) == [2]
    looks = scene.looks.count
    told = scene.show({50: 300.0})
    assert scene.looks.count == looks + 1
    assert ids(told) == [1]
    assert [lost.id for lost in told.lost] == [2]
    assert told.found == (1,)
    scene.nobody(1.0)
    assert ids(scene.watch({200: 100.0})) == [3], "a number that was given up is never had by anybody else"


def test_looks_are_bounded_however_often_faces_come_and_go(scene):
    for step in range(250):
        scene.show({50: 100.0, 200: 300.0} if step % 2 else {83: 100.0, 210: 300.0})
    assert scene.looks.count <= 16 + 8 * 10 + 2


def test_nobody_is_known_after_a_reset(scene):
    scene.watch({50: 100.0})
    scene.tracker.reset()
    assert [lost.id for lost in scene.keeper.reset()] == [1]
    assert ids(scene.watch({50: 100.0})) == [2]


def test_faces_are_given_up_while_no_picture_comes(scene):
    scene.watch({50: 100.0})
    lost = scene.keeper.give_up(scene.tracker.give_up(scene.time + 2_000_000))
    assert [(face.id, face.since_us, face.until_us) for face in lost] == [(1, STEP_US, scene.time)]


def test_looks_at_who_is_new_are_spread(scene):
    scene.show({50: 100.0})
    scene.watch({50: 100.0}, LOOK_INTERVAL / 2)
    assert scene.looks.count == 1
