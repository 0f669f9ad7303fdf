"""When the litert backend searches and what it follows, with networks that see bright squares as faces."""

from __future__ import annotations

import sys
import types
import zipfile

import cv2
import numpy as np
import pytest

from lipstream.models.errors import AssetError, ModelError
from lipstream.models.face import blazeface
from lipstream.models.face.backend import create
from lipstream.models.face.litert_backend import LiteRtBackend

ANCHORS = blazeface.anchors()
_OUTPUTS = {b"detector": 2, b"far": 2, b"landmarks": 3, b"blendshapes": 1}
FRAME_US = 40_000
SIDE = 60


class SquareWorld:
    """Stands in for the three networks and counts their runs. A face is a square brighter than 200."""

    def __init__(self):
        self.searches = 0
        self.far_searches = 0
        self.looks = 0
        self.least_area = 0

    def run(self, model, values):
        return {
            b"detector": self.find,
            b"far": self.find_far,
            b"landmarks": self.look,
            b"blendshapes": self.express,
        }[model](values)

    def find(self, values):
        self.searches += 1
        bright = ((values[0, :, :, 0] + 1) * 127.5 > 200).astype(np.uint8)
        count, _, stats, centres = cv2.connectedComponentsWithStats(bright)
        regressors = np.zeros((1, 896, 16), dtype=np.float32)
        logits = np.full((1, 896, 1), -50.0, dtype=np.float32)
        for x, y, area, centre in [(*centres[i], stats[i, cv2.CC_STAT_AREA], centres[i]) for i in range(1, count)]:
            if area < self.least_area:
                continue
            anchor = 512 + 6 * (int(y // 16) * 8 + int(x // 16))
            side = np.sqrt(area)
            offset = centre - ANCHORS[anchor] * 128
            regressors[0, anchor] = [*offset, side, side, *np.tile(offset, 6)]
            regressors[0, anchor, [4, 6]] += [-side / 4, side / 4]  # level eyes
            logits[0, anchor, 0] = area
        return [regressors, logits]

    def find_far(self, values):
        """The full-range detector: the same world with 192 pixels and an anchor for each of 48 x 48 cells."""
        assert values.shape == (1, 192, 192, 3)
        self.far_searches += 1
        bright = ((values[0, :, :, 0] + 1) * 127.5 > 200).astype(np.uint8)
        count, _, stats, centres = cv2.connectedComponentsWithStats(bright)
        regressors = np.zeros((1, 2304, 16), dtype=np.float32)
        logits = np.full((1, 2304, 1), -50.0, dtype=np.float32)
        for i in range(1, count):
            anchor = int(centres[i][1] // 4) * 48 + int(centres[i][0] // 4)
            side = np.sqrt(stats[i, cv2.CC_STAT_AREA])
            offset = centres[i] - blazeface.full_range_anchors()[anchor] * 192
            regressors[0, anchor] = [*offset, side, side, *np.tile(offset, 6)]
            regressors[0, anchor, [4, 6]] += [-side / 4, side / 4]
            logits[0, anchor, 0] = 10.0
        return [regressors, logits]

    def look(self, values):
        self.looks += 1
        rows, columns = np.nonzero(values[0, :, :, 0] * 255 > 200)
        points = np.zeros((478, 3), dtype=np.float32)
        seen = len(rows) > 500
        if seen:
            points[:, 0] = np.linspace(columns.min(), columns.max() + 1, 478)
            points[:, 1] = np.linspace(rows.min(), rows.max() + 1, 478)
            points[[33, 263], 1] = np.mean(points[:, 1])
            points[:, 2] = 10.0
        presence = np.full((1, 1, 1, 1), 6.0 if seen else -6.0, dtype=np.float32)
        return [points.reshape(1, 1, 1, 1434), presence, np.zeros((1, 1), dtype=np.float32)]

    def express(self, values):
        assert values.shape == (1, 146, 2)
        return [np.linspace(-0.1, 1.1, 52, dtype=np.float32)]


@pytest.fixture
def world():
    return SquareWorld()


@pytest.fixture
def bundle(tmp_path, monkeypatch):
    path = tmp_path / "face_landmarker.task"
    names = {"face_detector": b"detector", "face_landmarks_detector": b"landmarks", "face_blendshapes": b"blendshapes"}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in names.items():
            archive.writestr(f"{name}.tflite", content)
    (tmp_path / "face_detection_full_range.tflite").write_bytes(b"far")
    monkeypatch.setattr("lipstream.models.assets.resolve", lambda name: tmp_path / name)
    return path


@pytest.fixture
def runtime(world, monkeypatch):
    """An ai_edge_litert whose interpreters look at the square world."""

    class Interpreter:
        def __init__(self, model_content, num_threads):
            self.model, self.outputs = model_content, []

        def allocate_tensors(self):
            pass

        def get_input_details(self):
            return [{"index": 0}]

        def get_output_details(self):
            return [{"index": i} for i in range(_OUTPUTS[self.model])]

        def set_tensor(self, index, values):
            self.values = values

        def invoke(self):
            self.outputs = world.run(self.model, self.values)

        def get_tensor(self, index):
            return self.outputs[index]

    module = types.ModuleType("ai_edge_litert.interpreter")
    module.Interpreter = Interpreter
    monkeypatch.setitem(sys.modules, "ai_edge_litert", types.ModuleType("ai_edge_litert"))
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", module)


@pytest.fixture
def loaded(bundle, runtime):
    def build(max_faces, **options):
        backend = LiteRtBackend(max_faces, 0.5, **options)
        backend.load()
        return backend

    return build


def picture(*centres, width=480, height=360, side=SIDE):
    frame = np.zeros((height, width, 3), dtype=np.uint8)
    for x, y in centres:
        frame[y - side // 2 : y + side // 2, x - side // 2 : x + side // 2] = 255
    return frame


def play(backend, frames, start=0):
    return [backend.detect(frame, (start + index) * FRAME_US) for index, frame in enumerate(frames)]


def centres(faces):
    return sorted(tuple(face.landmarks[:, :2].mean(axis=0)) for face in faces)


def test_landmarks_come_back_in_pixels_of_the_frame(loaded):
    (face,) = loaded(1).detect(picture((150, 200)), 0)

    assert face.landmarks.shape == (478, 3)
    assert face.landmarks.dtype == np.float32
    assert centres([face]) == [pytest.approx((150, 200), abs=2)]
    assert np.ptp(face.landmarks[:, 0]) == pytest.approx(SIDE, abs=3)


def test_depth_has_the_scale_of_the_picture(loaded):
    (face,) = loaded(1).detect(picture((150, 200)), 0)

    assert face.landmarks[:, 2] == pytest.approx(10 * 1.5 * SIDE / 256, rel=0.1)


def test_blendshapes_and_confidence_are_in_their_range(loaded):
    (face,) = loaded(1).detect(picture((150, 200)), 0)

    assert (face.blendshapes.min(), face.blendshapes.max()) == (0.0, 1.0)
    assert face.confidence == pytest.approx(1 / (1 + np.exp(-6)))


def test_the_detector_rests_while_all_wanted_faces_are_followed(loaded, world):
    found = play(loaded(1), [picture((100 + 4 * i, 180)) for i in range(20)])

    assert world.searches == 1
    assert world.looks == 20
    assert centres(found[-1]) == [pytest.approx((176, 180), abs=3)]


def test_while_a_face_is_missing_the_detector_runs_at_its_interval(loaded, world):
    play(loaded(2, detect_interval=0.2), [picture((100, 180))] * 11)

    assert world.searches == 3  # at 0, 0.2 and 0.4 s
    assert world.looks == 11  # a face that is followed is not looked at twice


def test_a_newcomer_is_found_at_the_next_search(loaded):
    backend = loaded(2, detect_interval=0.2)
    play(backend, [picture((100, 180))])

    found = play(backend, [picture((100, 180), (350, 180))] * 6, start=1)

    assert [len(faces) for faces in found] == [1, 1, 1, 1, 2, 2]


def test_a_lost_face_is_searched_for_in_the_same_frame(loaded, world):
    backend = loaded(1)
    play(backend, [picture((100, 180))] * 3)

    (found,) = play(backend, [picture((400, 100))], start=3)

    assert centres(found) == [pytest.approx((400, 100), abs=3)]
    assert world.searches == 2


def test_losing_one_of_two_faces_starts_a_search_before_its_time(loaded, world):
    backend = loaded(2, detect_interval=10.0)
    play(backend, [picture((100, 180), (350, 180))] * 3)

    (found,) = play(backend, [picture((100, 180), (350, 60))], start=3)

    assert centres(found) == [pytest.approx((100, 180), abs=3), pytest.approx((350, 60), abs=3)]


def test_an_empty_scene_is_searched_on_every_frame(loaded, world):
    play(loaded(2, detect_interval=10.0), [picture()] * 5)

    assert world.searches == 5
    assert world.looks == 0


def test_no_more_faces_than_wanted(loaded, world):
    found = play(loaded(2), [picture((80, 180), (240, 180), (400, 180))] * 3)

    assert [len(faces) for faces in found] == [2, 2, 2]
    assert world.looks == 6


FOUR = ((60, 60), (420, 60), (60, 300), (420, 300))


def looked(found):
    """Where the faces are that were looked at."""
    return {(round(x, -1), round(y, -1)) for face in found if face.looked for x, y in centres([face])}


def test_many_faces_are_looked_at_in_turns(loaded, world):
    backend = loaded(4, looks=50)
    play(backend, [picture(*FOUR)])
    before = world.looks

    found = play(backend, [picture(*FOUR)] * 4, start=1)

    assert world.looks == before + 8
    assert [len(faces) for faces in found] == [4, 4, 4, 4]
    assert [sum(face.looked for face in faces) for faces in found] == [2, 2, 2, 2]
    assert looked(found[0]) | looked(found[1]) == set(FOUR)
    assert looked(found[0]) & looked(found[1]) == set()


def test_the_face_that_is_attended_is_looked_at_in_every_frame(loaded):
    backend = loaded(4, looks=50)
    play(backend, [picture(*FOUR)])
    backend.attended = (430.0, 290.0)

    found = play(backend, [picture(*FOUR)] * 6, start=1)

    assert all((420, 300) in looked(faces) for faces in found)
    assert len(set.union(*(looked(faces) for faces in found))) == 4


def test_where_frames_are_far_apart_all_faces_are_looked_at(loaded):
    backend = loaded(4, looks=50)
    backend.detect(picture(*FOUR), 0)

    assert [face.looked for face in backend.detect(picture(*FOUR), 80_000)] == [True] * 4


def test_a_face_that_is_gone_is_missed_when_it_is_its_turn(loaded):
    backend = loaded(4, looks=50)
    play(backend, [picture(*FOUR)])

    found = play(backend, [picture(*FOUR[:3])] * 3, start=1)

    assert len(found[-1]) == 3


SMALL = 24
"""Side of a face that the near detector overlooks, as real ones do."""


@pytest.fixture
def short_sighted(world):
    world.least_area = (SMALL * 128 / 480 + 1) ** 2


@pytest.mark.usefixtures("short_sighted")
@pytest.mark.parametrize("place", [(30, 30), (240, 180), (450, 330), (160, 120), (318, 200)])
def test_a_small_face_is_found_wherever_it_is_within_a_second(loaded, place):
    found = play(loaded(4, reach="far"), [picture(place, side=SMALL)] * 25)

    assert centres(found[-1]) == [pytest.approx(place, abs=2)]


@pytest.mark.usefixtures("short_sighted")
def test_small_faces_are_not_looked_for_where_nobody_asked(loaded, world):
    assert play(loaded(4), [picture((240, 180), side=SMALL)] * 25)[-1] == []
    assert world.far_searches == 0


@pytest.mark.usefixtures("short_sighted")
def test_besides_others_small_faces_are_looked_for_less_often(loaded, world):
    nobody = loaded(4, reach="auto")
    play(nobody, [picture()] * 50)
    alone = world.far_searches
    nobody.close()
    somebody = loaded(4, reach="auto")
    play(somebody, [picture((100, 180))] * 50)
    besides = world.far_searches - alone
    assert alone == 13
    assert besides == 4

    found = play(somebody, [picture((100, 180)), *[frame_with_both()] * 80], start=50)
    assert len(found[-1]) == 2


def frame_with_both():
    frame = picture((100, 180))
    frame[288:312, 408:432] = 255
    return frame


def test_without_its_file_only_who_asked_for_small_faces_is_told(loaded, bundle, monkeypatch, caplog):
    def missing(name):
        if name == "face_landmarker.task":
            return bundle
        raise AssetError(f"no {name}; run: lipstream models pull")

    monkeypatch.setattr("lipstream.models.assets.resolve", missing)
    assert len(loaded(2, reach="auto").detect(picture((100, 180)), 0)) == 1
    assert "small faces are not looked for: no face_detection_full_range" in caplog.text
    with pytest.raises(AssetError, match="models pull"):
        loaded(2, reach="far")


def test_mediapipe_does_not_look_for_small_faces():
    assert create("mediapipe", 2, 0.5, 1, "auto").max_faces == 2
    with pytest.raises(ModelError, match="use 'litert', or"):
        create("mediapipe", 2, 0.5, 1, "far")


def test_two_regions_that_slide_onto_one_face_become_one(loaded):
    """One person stepping in front of another must not be returned twice."""
    backend = loaded(2)
    play(backend, [picture((210, 180), (280, 180))])

    found = play(backend, [picture((245, 180))] * 2, start=1)

    assert [len(faces) for faces in found] == [1, 1]


def test_a_face_at_the_edge_is_followed_beyond_it(loaded):
    found = play(loaded(1), [picture((40, 180)), picture((32, 180))])

    assert centres(found[-1])[0] == pytest.approx((32, 180), abs=4)


def test_reset_forgets_the_faces(loaded, world):
    backend = loaded(1)
    play(backend, [picture((100, 180))])

    backend.reset()
    play(backend, [picture((100, 180))])

    assert world.searches == 2


def test_load_is_idempotent_and_close_can_be_undone(loaded):
    backend = loaded(1)
    backend.load()
    backend.close()
    backend.load()

    assert len(backend.detect(picture((100, 180)), 0)) == 1


def test_a_missing_runtime_is_an_error_that_says_what_to_install(bundle, monkeypatch):
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)

    with pytest.raises(ModelError, match=r"pip install 'ai-edge-litert"):
        create("litert", 1, 0.5).load()


@pytest.mark.parametrize("content", [b"not a zip", b""])
def test_a_broken_bundle_is_an_error_that_names_it(bundle, runtime, content):
    bundle.write_bytes(content)

    with pytest.raises(ModelError, match=r"cannot read the face networks in .*face_landmarker\.task"):
        create("litert", 1, 0.5).load()


def test_a_bundle_without_a_network_is_an_error_that_names_it(bundle, runtime):
    with zipfile.ZipFile(bundle, "w") as archive:
        archive.writestr("face_detector.tflite", b"detector")

    with pytest.raises(ModelError, match=r"face_landmarks_detector\.tflite"):
        create("litert", 1, 0.5).load()
