"""Other people's voices, to be mixed with speech."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from lipstream.models.assets import resolve
from lipstream.models.av_speech.recording import Float32
from lipstream.models.errors import ModelError
from lipstream.models.training.media import read_sound

RATES: Final = (0.8, 0.87, 0.94, 1.07, 1.15, 1.25)
"""Speeds at which one voice sounds like another: pitch and resonances move together."""
_READ: Final = ("two_cities", "beckett")
_MEDIA: Final = {".wav", ".flac", ".ogg", ".opus", ".mp3", ".m4a", ".mp4", ".mkv", ".webm", ".mov"}


def voices_at_hand() -> list[Float32]:
    """Other people's voices where there are none: made of the read speech that comes with the recogniser."""
    return like_others(read_sound(resolve(f"media/{name}.wav")) for name in _READ)


def read_voices(folder: Path) -> list[Float32]:
    """The sound of every recording in a folder and the folders within.

    Raises:
        ModelError: there is none, or one cannot be read.
    """
    files = media_in(folder)
    if not files:
        raise ModelError(f"{folder}: expected recordings of other voices (WAV, MP3, MP4 and the like), found none")
    return [read_sound(path) for path in files]


def media_in(folder: Path) -> list[Path]:
    """The recordings in a folder and the folders within, in order of their names; none where there is no folder."""
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in _MEDIA) if folder.is_dir() else []


def at_rate(sound: Float32, rate: float) -> Float32:
    """A sound played `rate` times as fast, higher and shorter or lower and longer."""
    at = np.arange(0, len(sound) - 1, rate)
    faster: Float32 = np.interp(at, np.arange(len(sound)), sound).astype(np.float32)
    return faster


def like_others(sounds: Iterable[Float32], rates: Sequence[float] = RATES) -> list[Float32]:
    """Each of some recordings as other people might have spoken it."""
    return [at_rate(sound, rate) for sound in sounds for rate in rates]
