"""Data sets as they lie on disk: RAVDESS, CREMA-D, and faces as FER2013."""

from __future__ import annotations

import re
import zipfile
import zlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from lipstream.models.emotion.classes import EMOTIONS, class_index
from lipstream.models.emotion.looks import FACE_SIZE
from lipstream.models.emotion.training.votes import COLUMNS
from lipstream.models.errors import ModelError

UInt8 = npt.NDArray[np.uint8]
Int64 = npt.NDArray[np.int64]

LAYOUTS = (
    "expected RAVDESS (03-01-05-01-02-01-12.wav), CREMA-D (1001_DFA_ANG_XX.wav), or FER2013 (train.npz with images, "
    "labels and classes, or a folder of images for each class: angry, disgust, fear, happy, neutral, sad, surprise), "
    "here or one folder down"
)

_MEDIA = {".wav", ".ogg", ".opus", ".mp3", ".flac", ".m4a", ".mp4", ".mkv", ".webm", ".mov", ".avi", ".flv"}
_IMAGES = {".png", ".jpg", ".jpeg", ".bmp"}
_RAVDESS = re.compile(r"^\d\d-(\d\d)-(\d\d)-\d\d-\d\d-\d\d-(\d\d)$")
_RAVDESS_EMOTIONS = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")
_CREMA = re.compile(r"^(\d{4})_[A-Z]{3}_(ANG|DIS|FEA|HAP|NEU|SAD)_[A-Z]{2}$")
_CREMA_EMOTIONS = {
    "ANG": "angry",
    "DIS": "disgust",
    "FEA": "fear",
    "HAP": "happy",
    "NEU": "neutral",
    "SAD": "sad",
}
_SPEECH = "01"
_AUDIO_VIDEO, _VIDEO_ONLY = "01", "02"


@dataclass(frozen=True, slots=True)
class Clip:
    """An acted utterance.

    Attributes:
        path: the media file.
        label: index of its emotion.
        actor: who speaks, unique over all data sets.
    """

    path: Path
    label: int
    actor: str


@dataclass(frozen=True, slots=True, eq=False)
class FaceSet:
    """Gray faces.

    Attributes:
        name: where they come from, for reports.
        images: (N, 48, 48) uint8.
        labels: (N,) class indices.
        votes: (N, 10) votes of FER+ by its columns, -1 where there are none; None for faces without.
    """

    name: str
    images: UInt8
    labels: Int64
    votes: Int64 | None = None


def read_clip_name(path: Path) -> Clip | None:
    """The clip that a file is by its name, None for a file of another kind (songs among them)."""
    if path.suffix.lower() not in _MEDIA:
        return None
    if match := _RAVDESS.match(path.stem):
        channel, emotion, actor = match.groups()
        number = int(emotion)
        if channel != _SPEECH or not 1 <= number <= len(_RAVDESS_EMOTIONS):
            return None
        return Clip(path, _index(_RAVDESS_EMOTIONS[number - 1]), f"ravdess-{actor}")
    if match := _CREMA.match(path.stem):
        return Clip(path, _index(_CREMA_EMOTIONS[match[2]]), f"crema-{match[1]}")
    return None


def find_clips(data: Path) -> list[Clip]:
    """All clips in a folder and the folders within, in order of path; empty where there are none.

    RAVDESS has most videos twice, with sound and without: where both are there, the mute one is passed over.
    """
    _check_folder(data)
    clips = (read_clip_name(path) for path in sorted(data.rglob("*")) if path.is_file())
    found = [clip for clip in clips if clip is not None]
    stems = {clip.path.stem for clip in found}
    return [clip for clip in found if _with_sound(clip.path.stem) not in stems - {clip.path.stem}]


def require_clips(data: Path) -> list[Clip]:
    """Clips to train the voice on.

    Raises:
        ModelError: there are none, a class has none, or too few actors to leave some out.
    """
    clips = find_clips(data)
    if not clips:
        raise ModelError(f"{data}: no speech clips found; {LAYOUTS}")
    _require_all({clip.label for clip in clips}, data, "clips")
    return clips


def find_faces(data: Path, *splits: str) -> list[FaceSet]:
    """Face sets of the named splits ("train", "valid", "test") in a folder or one folder down.

    A split is `SPLIT.npz`, or a folder SPLIT of class folders. A folder of class folders itself counts as every split.

    Raises:
        ModelError: a file that is there cannot be used.
    """
    _check_folder(data)
    found = []
    for folder in [data, *sorted(path for path in data.iterdir() if path.is_dir())]:
        for split in splits:
            if (folder / f"{split}.npz").is_file():
                found.append(_read_npz(folder / f"{split}.npz"))
            elif _class_folders(folder / split) and not (folder == data and class_index(split) is not None):
                found.append(_read_folders(folder / split))
        if folder == data and _class_folders(folder):
            return [_read_folders(folder)]
    return found


def require_faces(data: Path) -> FaceSet:
    """Faces to train on.

    Raises:
        ModelError: there are none, or a class is empty.
    """
    sets = find_faces(data, "train")
    if not sets:
        raise ModelError(f"{data}: no face images found; {LAYOUTS}")
    faces = sets[0]
    _require_all(set(faces.labels.tolist()), data, "faces")
    return faces


def _index(name: str) -> int:
    index = class_index(name)
    assert index is not None, name
    return index


def _with_sound(stem: str) -> str:
    """The name of the same recording with sound, for RAVDESS's name of a mute one."""
    return _AUDIO_VIDEO + stem[2:] if stem.startswith(f"{_VIDEO_ONLY}-") else stem


def _check_folder(data: Path) -> None:
    if not data.is_dir():
        raise ModelError(f"{data}: {'not a folder' if data.exists() else 'no such folder'}; {LAYOUTS}")


def _require_all(present: set[int], data: Path, what: str) -> None:
    missing = [name for index, name in enumerate(EMOTIONS) if index not in present]
    if missing:
        raise ModelError(f"{data}: no {what} of class {', '.join(missing)}; expected some of each of the seven classes")


def _read_npz(path: Path) -> FaceSet:
    try:
        with np.load(path, allow_pickle=False) as arrays:
            images, labels, classes = arrays["images"], arrays["labels"], arrays["classes"]
    except KeyError as error:
        raise ModelError(f"{path}: expected arrays images, labels and classes ({error.args[0]})") from None
    except (OSError, ValueError, TypeError, EOFError, RuntimeError, zlib.error, zipfile.BadZipFile):
        # What numpy says here is of pickles and zip files, which is not the user's matter.
        raise ModelError(
            f"{path}: expected arrays images, labels and classes, but it is no .npz file, damaged, or holds objects"
        ) from None
    if images.ndim != 3 or images.dtype != np.uint8 or labels.shape != (len(images),) or not images.size:
        raise ModelError(
            f"{path}: expected images (N, H, W) uint8 and labels (N,), "
            f"got {images.shape} {images.dtype} and {labels.shape}"
        )
    if not np.issubdtype(labels.dtype, np.integer) or classes.ndim != 1 or classes.dtype.kind != "U":
        raise ModelError(
            f"{path}: expected whole numbers as labels and a list of names as classes, "
            f"got {labels.dtype} and {classes.shape} {classes.dtype}"
        )
    table = [class_index(str(name)) for name in classes]
    known = np.array([-1 if index is None else index for index in table], dtype=np.int64)
    if labels.min() < 0 or labels.max() >= len(known):
        raise ModelError(
            f"{path}: expected labels from 0 to {len(known) - 1}, by the number of classes, "
            f"got {labels.min()} to {labels.max()}"
        )
    mapped = known[labels]
    keep = mapped >= 0
    if not keep.any():
        raise ModelError(f"{path}: no image is of one of the classes {', '.join(EMOTIONS)}")
    votes = _read_votes(path.with_name(f"ferplus_{path.name}"), len(images))
    return FaceSet(str(path), _resize(images[keep]), mapped[keep], None if votes is None else votes[keep])


def _read_votes(path: Path, count: int) -> Int64 | None:
    """The votes beside a split, None where there is no such file."""
    if not path.is_file():
        return None
    try:
        with np.load(path, allow_pickle=False) as arrays:
            votes, columns = arrays["votes"], tuple(str(column) for column in arrays["columns"])
    except (KeyError, OSError, ValueError, TypeError, EOFError, RuntimeError, zlib.error, zipfile.BadZipFile):
        raise ModelError(f"{path}: expected arrays votes and columns, or no such file") from None
    if columns != COLUMNS or votes.shape != (count, len(COLUMNS)) or not np.issubdtype(votes.dtype, np.integer):
        raise ModelError(
            f"{path}: expected votes ({count}, {len(COLUMNS)}), in whole numbers, for {', '.join(COLUMNS)}, "
            f"got {votes.shape} {votes.dtype} for {', '.join(columns)}"
        )
    return np.asarray(votes, np.int64)


def _class_folders(folder: Path) -> dict[Path, int]:
    if not folder.is_dir():
        return {}
    indices = {path: class_index(path.name) for path in sorted(folder.iterdir()) if path.is_dir()}
    known = {path: index for path, index in indices.items() if index is not None}
    return known if len(known) > 1 else {}


def _read_folders(folder: Path) -> FaceSet:
    images, labels = [], []
    counts: Counter[str] = Counter()
    for path, index in _class_folders(folder).items():
        for file in sorted(each for each in path.iterdir() if each.suffix.lower() in _IMAGES):
            image = cv2.imread(str(file), cv2.IMREAD_GRAYSCALE)
            if image is None:
                raise ModelError(f"{file}: expected an image (PNG, JPEG or BMP), but it cannot be read")
            images.append(_resize(image[None])[0])
            labels.append(index)
            counts[path.name] += 1
        if not counts[path.name]:
            raise ModelError(f"{path}: no images of this class; expected PNG, JPEG or BMP files")
    return FaceSet(str(folder), np.stack(images), np.array(labels, dtype=np.int64))


def _resize(images: UInt8) -> UInt8:
    if images.shape[1:] == (FACE_SIZE, FACE_SIZE):
        return images
    return np.stack([cv2.resize(i, (FACE_SIZE, FACE_SIZE), interpolation=cv2.INTER_AREA) for i in images]).astype(
        np.uint8
    )
