"""Recordings on disk: what was read of a clip, or read aloud, kept until the training is done."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load_file

from lipstream.models.av_speech.recording import LipTrack, Recording
from lipstream.models.av_speech.training.cache_files import CacheFiles

_CACHED = CacheFiles("a cached recording", "read the clip again")


def save_recording(recording: Recording, path: Path, origin: str = "") -> None:
    """Write a recording; a run that is killed leaves none or a whole one.

    Args:
        recording: what to write.
        path: where.
        origin: what tells the media file it was read from; see `recording_origin`.

    Raises:
        ModelError: the file cannot be written.
    """
    lips = recording.lips
    arrays: dict[str, npt.NDArray[Any]] = {
        "pcm": recording.pcm,
        "points": lips.points,
        "blendshapes": lips.blendshapes,
        "crops": lips.crops,
        "mask": lips.mask.astype(np.uint8),
    }
    _CACHED.save(arrays, path, origin)


def recording_origin(path: Path) -> str:
    """The origin that was given to `save_recording`, "" if none was.

    Raises:
        ModelError: the file is missing or damaged.
    """
    return _CACHED.origin(path)


def load_recording(path: Path) -> Recording:
    """Read what `save_recording` wrote.

    Raises:
        ModelError: the file is missing or damaged.
    """
    with _CACHED.reading(path):
        arrays = load_file(path)
        lips = LipTrack(arrays["points"], arrays["blendshapes"], arrays["crops"], arrays["mask"].astype(np.bool_))
    return Recording(arrays["pcm"], lips)
