"""People whom the user has added by name: one file each in the user's folder, only on request.

These are biometric data (docs/speakers.md): readable by the user alone, written whole or not at all, never logged.
"""

from __future__ import annotations

import json
import os
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import platformdirs

from lipstream.models.errors import ModelError
from lipstream.models.whole_file import whole_file

Float32 = npt.NDArray[np.float32]

FORMAT: Final = 1
"""Of the files; another number means other vectors, which cannot be compared."""
_ENDING: Final = ".person.json"
_LONGEST: Final = 64


@dataclass(frozen=True, slots=True, eq=False)
class KnownVoice:
    """Somebody who was added.

    Attributes:
        name: as the user wrote it.
        voice: (D,) float32, the mean voice, of length 1.
        seconds: of speech that it was made of.
    """

    name: str
    voice: Float32
    seconds: float


def people_folder() -> Path:
    """Where this user's people are."""
    return platformdirs.user_data_path("lipstream", appauthor=False) / "people"


def checked_name(name: str) -> str:
    """A name as it is shown.

    Raises:
        ModelError: it cannot be one.
    """
    shown = " ".join(unicodedata.normalize("NFC", name).split())
    if not shown or len(shown) > _LONGEST or not shown.isprintable() or not any(map(str.isalnum, shown)):
        raise ModelError(
            f"{name!r} is no name, expected up to {_LONGEST} characters with a letter or a digit among them"
        )
    return shown


def known_people(folder: Path | None = None) -> list[KnownVoice]:
    """All who were added, by name.

    Raises:
        ModelError: a file cannot be read; the message says which and what to do.
    """
    place = people_folder() if folder is None else folder
    if not place.is_dir():
        return []
    return sorted((_read(path) for path in place.glob(f"*{_ENDING}")), key=lambda each: each.name.casefold())


def find(name: str, folder: Path | None = None) -> KnownVoice:
    """Somebody by name; capitals do not matter.

    Raises:
        ModelError: there is nobody of that name; the message says who there is.
    """
    shown = checked_name(name)
    people = known_people(folder)
    for each in people:
        if _same(each.name, shown):
            return each
    there = f"there are {', '.join(each.name for each in people)}" if people else "nobody has been added"
    raise ModelError(f"there is nobody called {shown!r}, {there}")


def keep(person: KnownVoice, folder: Path | None = None) -> None:
    """Write somebody, in place of who had the same name.

    Raises:
        ModelError: that cannot be written.
    """
    place = people_folder() if folder is None else folder
    try:
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise ModelError(f"cannot make {place}: {error.strerror}") from error
    content = {
        "format": FORMAT,
        "name": person.name,
        "seconds": round(person.seconds, 2),
        "voice": [round(float(each), 6) for each in person.voice],
    }
    with whole_file(_path(person.name, place)) as partial:
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            os.chmod(partial, 0o600)
            json.dump(content, file)


def delete(name: str, folder: Path | None = None) -> None:
    """Forget somebody.

    Raises:
        ModelError: there is nobody of that name, or the file cannot be removed.
    """
    place = people_folder() if folder is None else folder
    path = _path(find(name, place).name, place)
    try:
        path.unlink()
    except OSError as error:
        raise ModelError(f"cannot remove {path}: {error.strerror}") from error


def rename(name: str, to: str, folder: Path | None = None) -> None:
    """Give somebody another name.

    Raises:
        ModelError: there is nobody of that name, the new one cannot be one or is taken, or it cannot be written.
    """
    place = people_folder() if folder is None else folder
    before, shown = find(name, place), checked_name(to)
    if not _same(before.name, shown) and any(_same(each.name, shown) for each in known_people(place)):
        raise ModelError(f"there is already somebody called {shown!r}; delete that one first, or take another name")
    keep(KnownVoice(shown, before.voice, before.seconds), place)
    if _path(before.name, place) != _path(shown, place):
        _path(before.name, place).unlink(missing_ok=True)


def together(before: KnownVoice, voices: Float32, seconds: Sequence[float]) -> KnownVoice:
    """Somebody with more speech: (N, D) vectors and their N seconds."""
    total = before.voice * before.seconds + np.sum(voices * np.asarray(seconds, np.float32)[:, None], axis=0)
    return KnownVoice(before.name, (total / np.linalg.norm(total)).astype(np.float32), before.seconds + sum(seconds))


def _path(name: str, folder: Path) -> Path:
    # Names may hold anything; the file is called by what is plain in one, and told apart by all of it.
    plain = re.sub(r"[^a-z0-9]+", "-", name.casefold()).strip("-")[:32]
    mark = "".join(f"{byte:02x}" for byte in name.casefold().encode())[-64:] if plain != name.casefold() else ""
    return folder / f"{'_'.join(filter(None, (plain, mark)))}{_ENDING}"


def _same(one: str, other: str) -> bool:
    return one.casefold() == other.casefold()


def _read(path: Path) -> KnownVoice:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            raise ValueError(f"format {content['format']}, expected {FORMAT}")
        voice = np.asarray(content["voice"], np.float32)
        length = float(np.linalg.norm(voice))
        if voice.ndim != 1 or not 0.9 < length < 1.1:
            raise ValueError("its vector is no voice")
        return KnownVoice(str(content["name"]), voice / np.float32(length), float(content["seconds"]))
    except OSError as error:
        raise ModelError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"{path} is no person of this version ({error}); delete the file and add them again"
        ) from error
