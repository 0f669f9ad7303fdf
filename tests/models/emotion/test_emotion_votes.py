"""The votes of FER+, and the photographs that a collection has twice."""

import numpy as np
import pytest
import torch

from lipstream.models.emotion.classes import EMOTIONS
from lipstream.models.emotion.face_net import ExpressionNet
from lipstream.models.emotion.training.corpora import FaceSet, find_faces
from lipstream.models.emotion.training.face import face_logits
from lipstream.models.emotion.training.face_votes import learn_votes
from lipstream.models.emotion.training.twins import twins
from lipstream.models.emotion.training.votes import COLUMNS, OURS, majority, vote_targets
from lipstream.models.errors import ModelError
from tests.models.emotion.test_emotion_corpora import write_npz


def votes(**cast: int) -> list[int]:
    return [cast.get(name, 0) for name in COLUMNS]


def test_votes_become_shares_of_those_who_saw_one_of_the_seven():
    rows = np.array([votes(neutral=6, sadness=2, unknown=2), votes(contempt=3, anger=7), [-1] * 10])
    shares = vote_targets(rows)
    assert shares[0].tolist() == pytest.approx([0.75, 0, 0.25, 0, 0, 0, 0])
    assert shares[1].tolist() == pytest.approx([0, 0, 0, 1, 0, 0, 0])
    assert np.isnan(shares[2]).all()


def test_a_face_that_most_saw_something_else_in_teaches_nothing():
    assert np.isnan(vote_targets(np.array([votes(NF=6, happiness=4), votes(contempt=5, fear=5)]))).all()


def test_a_majority_is_more_than_half_of_all_votes():
    rows = np.array([votes(surprise=6, fear=4), votes(surprise=5, fear=5), votes(contempt=6, anger=4), [-1] * 10])
    assert majority(rows).tolist() == [EMOTIONS.index("surprised"), -1, -1, -1]


def test_votes_lie_beside_their_split_in_its_order(tmp_path):
    write_npz(tmp_path / "valid.npz", labels=np.array([0, 7, 1, 2, 3, 4, 5]), classes=np.array([*"abcdefg", "happy"]))
    np.savez(tmp_path / "ferplus_valid.npz", votes=np.eye(7, 10, dtype=np.int16), columns=np.array(COLUMNS))
    (faces,) = find_faces(tmp_path, "valid")
    assert faces.votes is not None and faces.votes.tolist() == np.eye(7, 10)[1:2].tolist()
    np.savez(tmp_path / "ferplus_valid.npz", votes=np.zeros((3, 10), np.int16), columns=np.array(COLUMNS))
    with pytest.raises(ModelError, match=r"ferplus_valid.npz: expected votes \(7, 10\)"):
        find_faces(tmp_path, "valid")
    (tmp_path / "ferplus_valid.npz").write_bytes(b"nothing")
    with pytest.raises(ModelError, match="expected arrays votes and columns"):
        find_faces(tmp_path, "valid")


def test_twins_are_found_mirrored_relit_and_marked_and_others_are_not():
    rng = np.random.default_rng(0)

    def scene() -> np.ndarray:
        rough = rng.uniform(0, 255, (6, 6))
        return np.kron(rough, np.ones((8, 8))).astype(np.uint8)

    images = np.stack([scene() for _ in range(5)])
    marked = images[2].copy()
    marked[40:46, 4:20] = 255
    others = np.stack([images[0][:, ::-1], (images[1] * 0.6 + 30).astype(np.uint8), marked, scene()])
    assert twins(images, others).tolist() == [True, True, True, False, False]
    assert not twins(images, others[:0]).any()


def test_the_last_layer_learns_what_people_saw_as_far_as_the_votes_count():
    torch.manual_seed(0)
    images, labels = bars(140)
    seen = (labels + 1) % 7  # the votes are for another class than the label
    columns = np.zeros((140, 10), np.int64)
    columns[np.arange(140), np.array(OURS)[seen]] = 10
    faces = FaceSet("faces", images, labels, columns)
    right = {}
    for share in (0.0, 1.0):
        network = ExpressionNet(dropout=0).eval()
        before = network.classify.weight.clone()
        learnt_from = learn_votes(network, faces, images[:0], share)
        assert len(learnt_from) > 100 and torch.equal(before, network.classify.weight) == (share == 0)
        right[share] = float(np.mean(face_logits(network, images).argmax(axis=1) == seen))
    assert right[1.0] > 0.9 > right[0.0]


def test_images_like_those_that_are_judged_teach_no_votes():
    images, labels = bars(140)
    faces = FaceSet("faces", images, labels, np.eye(10, dtype=np.int64)[np.zeros(140, int)] * 10)
    learnt_from = learn_votes(ExpressionNet().eval(), faces, images[:20], 0.5)
    assert not set(range(20)) & set(learnt_from.tolist()) and len(learnt_from) > 80
    with pytest.raises(ValueError, match="no votes"):
        learn_votes(ExpressionNet(), FaceSet("faces", images, labels), images[:0], 0.5)


def bars(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Images of noise, no two alike, whose class is the place of a bright bar."""
    rng, labels = np.random.default_rng(0), np.arange(count) % 7
    images = np.kron(rng.integers(0, 200, (count, 12, 12)), np.ones((1, 4, 4), int)).astype(np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[4 + 6 * label : 8 + 6 * label] = 255
    return images, labels.astype(np.int64)
