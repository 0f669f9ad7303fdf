import cv2
import numpy as np
import pytest

from lipstream.models.emotion.classes import EMOTIONS
from lipstream.models.emotion.training.corpora import (
    find_clips,
    find_faces,
    read_clip_name,
    require_clips,
    require_faces,
)
from lipstream.models.errors import ModelError

CLASSES = ["angry", "disgust", "fear", "happy", "neutral", "sad", "surprise"]


def write_npz(path, count=7, **changes):
    arrays = {
        "images": np.arange(count * 48 * 48, dtype=np.uint8).reshape(count, 48, 48),
        "labels": (np.arange(count) % 7).astype(np.uint8),
        "classes": np.array(CLASSES),
    } | changes
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})


@pytest.mark.parametrize(
    ("name", "emotion", "actor"),
    [
        ("03-01-05-01-02-01-12.wav", "angry", "ravdess-12"),
        ("01-01-02-01-01-01-03.mp4", "neutral", "ravdess-03"),
        ("1001_DFA_DIS_XX.flv", "disgusted", "crema-1001"),
    ],
)
def test_labels_are_read_from_names(tmp_path, name, emotion, actor):
    clip = read_clip_name(tmp_path / name)
    assert (EMOTIONS[clip.label], clip.actor) == (emotion, actor)


@pytest.mark.parametrize(
    "name", ["03-02-05-01-02-01-12.wav", "notes.txt", "1001_DFA_XXX_XX.wav", "03-01-09-01-02-01-12.wav"]
)
def test_songs_and_other_files_are_no_clips(tmp_path, name):
    assert read_clip_name(tmp_path / name) is None


def test_mute_twins_of_ravdess_videos_are_passed_over(tmp_path):
    for name in ("01-01-05-01-02-01-12.mp4", "02-01-05-01-02-01-12.mp4", "02-01-03-01-02-01-12.mp4"):
        (tmp_path / name).touch()
    assert [clip.path.name for clip in find_clips(tmp_path)] == ["01-01-05-01-02-01-12.mp4", "02-01-03-01-02-01-12.mp4"]


def test_missing_class_of_clips_is_named(tmp_path):
    (tmp_path / "Actor_01").mkdir()
    (tmp_path / "Actor_01" / "03-01-05-01-02-01-01.wav").touch()
    assert len(find_clips(tmp_path)) == 1
    with pytest.raises(ModelError, match="no clips of class neutral, happy"):
        require_clips(tmp_path)


def test_folder_without_data_says_what_was_expected(tmp_path):
    for require in (require_clips, require_faces):
        with pytest.raises(ModelError, match="expected RAVDESS"):
            require(tmp_path)
        with pytest.raises(ModelError, match="no such folder"):
            require(tmp_path / "missing")


def test_npz_one_folder_down(tmp_path):
    (tmp_path / "fer2013").mkdir()
    write_npz(tmp_path / "fer2013" / "train.npz")
    faces = require_faces(tmp_path)
    assert faces.images.shape == (7, 48, 48)
    assert [EMOTIONS[label] for label in faces.labels[:3]] == ["angry", "disgusted", "fearful"]
    assert find_faces(tmp_path, "valid") == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"classes": None}, "expected arrays images, labels and classes"),
        ({"labels": np.full(7, 9, np.uint8)}, "expected labels from 0 to 6"),
        ({"labels": np.arange(7) - 1}, "got -1 to 5"),
        ({"labels": np.zeros(7)}, "expected whole numbers as labels"),
        ({"classes": np.array(7)}, "expected whole numbers as labels and a list of names"),
        ({"classes": np.array(CLASSES, object)}, "or holds objects"),
        ({"classes": np.array(list("abcdefg"))}, "no image is of one of the classes"),
        ({"images": np.zeros((7, 0, 48), np.uint8)}, r"expected images \(N, H, W\)"),
        ({"images": np.zeros((7, 48), np.uint8)}, r"expected images \(N, H, W\)"),
        ({"labels": np.zeros(7, np.uint8)}, "no faces of class neutral"),
    ],
)
def test_unusable_npz_is_one_clear_error(tmp_path, changes, message):
    write_npz(tmp_path / "train.npz", **changes)
    with pytest.raises(ModelError, match=message):
        require_faces(tmp_path)


@pytest.mark.parametrize(
    "damage", [lambda data: b"", lambda data: b"text", lambda data: data[:500] + bytes(99) + data[599:]]
)
def test_damaged_npz_is_one_clear_error(tmp_path, damage):
    images = np.random.default_rng(0).integers(0, 255, (7, 48, 48)).astype(np.uint8)
    path = tmp_path / "train.npz"
    np.savez_compressed(path, images=images, labels=np.arange(7), classes=np.array(CLASSES))
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ModelError, match=r"train.npz: expected arrays images, labels and classes, but it is no"):
        require_faces(tmp_path)


def test_array_file_under_the_name_of_an_npz_is_one_clear_error(tmp_path):
    with (tmp_path / "train.npz").open("wb") as file:
        np.save(file, np.zeros(3))
    with pytest.raises(ModelError, match=r"but it is no \.npz file"):
        require_faces(tmp_path)


def test_file_instead_of_a_folder_is_called_that(tmp_path):
    (tmp_path / "train.npz").touch()
    with pytest.raises(ModelError, match="not a folder"):
        find_clips(tmp_path / "train.npz")


def test_a_file_that_is_no_npz(tmp_path):
    (tmp_path / "train.npz").write_bytes(b"not a zip")
    with pytest.raises(ModelError, match=r"train.npz: expected arrays"):
        require_faces(tmp_path)


def write_folders(root):
    for name in CLASSES:
        (root / name).mkdir(parents=True)
        cv2.imwrite(str(root / name / "a.png"), np.full((60, 50), 90, np.uint8))


@pytest.mark.parametrize("below", ["", "train"])
def test_class_folders(tmp_path, below):
    write_folders(tmp_path / below)
    faces = require_faces(tmp_path)
    assert faces.images.shape == (7, 48, 48)
    assert sorted(faces.labels) == list(range(7))


def test_empty_class_folder_and_unreadable_image(tmp_path):
    write_folders(tmp_path)
    (tmp_path / "sad" / "a.png").write_bytes(b"no image")
    with pytest.raises(ModelError, match=r"sad.a\.png: expected an image"):
        require_faces(tmp_path)
    (tmp_path / "sad" / "a.png").unlink()
    with pytest.raises(ModelError, match="sad: no images of this class"):
        require_faces(tmp_path)
