"""Arrays that take long to make, kept in the cache folder from one process to the next.

A file holds the arrays one after the other, then a list of them in JSON, then its length and a hash of all before it.
It is written under another name and moved to its place when it is whole, so that several processes may make it at the
same time; one that is damaged is made again. What it is made of is told by its name (`kept_path`). While it is written
it is locked: the lock is the system's and ends with the process, so what a killed one has left is told from what
another is writing, and deleted when the next file is begun.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import mmap
import os
import struct
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any, Final, Self

import numpy as np
import numpy.typing as npt

from lipstream.models.assets import cache_dir

log = logging.getLogger(__name__)

Arrays = tuple[npt.NDArray[Any], ...]

_FOLDER: Final = "prepared"
_PARTIAL: Final = ".part"
_ALIGNED: Final = 64
_END: Final = struct.Struct("<Q32s")
_CHUNK: Final = 1 << 20
_UNUSED_SECONDS: Final = 30 * 86_400
"""After so long without use a file is deleted when another is written."""
_USED_SECONDS: Final = 86_400


def kept_path(name: str, made_of: Mapping[str, str]) -> Path:
    """Where arrays are kept.

    Args:
        name: for people.
        made_of: all that they depend on; another one has another file.
    """
    digest = hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()
    return cache_dir() / _FOLDER / f"{name}-{digest[:32]}.arrays"


class KeptArrays:
    """The arrays of one file: read from it if it is there, else made, and written there by `finish`.

    Args:
        path: of the file; None to make all of them each time.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._places: dict[str, list[tuple[str, list[int], int]]] = {}
        self._content: mmap.mmap | None = None
        self._writer: _Writer | None = None
        if path is not None and not self._read(path):
            self._writer = _Writer.beside(path)

    def get(self, name: str, make: Callable[[], Arrays]) -> Arrays:
        """Arrays by name; those of a file are views of it and not to be written to.

        Args:
            name: unique.
            make: makes them where they are not in the file.
        """
        content, places = self._content, self._places.get(name)
        if content is not None and places is not None:
            return tuple(
                np.frombuffer(content, np.dtype(kind), int(np.prod(shape)), place).reshape(shape)
                for kind, shape, place in places
            )
        made = make()
        if self._writer is not None:
            self._writer.add(name, made)
        return made

    def release(self) -> None:
        """Let go of what was read into memory; it is read again where it is used again."""
        if self._content is not None and hasattr(self._content, "madvise"):
            self._content.madvise(mmap.MADV_DONTNEED)

    def finish(self) -> None:
        """Keep what was made. Where that cannot be written it is made again the next time."""
        writer, self._writer = self._writer, None
        if writer is not None and self._path is not None:
            writer.finish(self._path)

    def _read(self, path: Path) -> bool:
        try:
            with path.open("rb") as file:
                places = _verified(file)
                if places is None:
                    log.debug("%s is damaged, it is made again", path)
                    return False
                self._content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            if time.time() - path.stat().st_mtime > _USED_SECONDS:
                with contextlib.suppress(OSError):
                    os.utime(path)
        except OSError:
            return False
        self._places = places
        return True


def _verified(file: IO[bytes]) -> dict[str, list[tuple[str, list[int], int]]] | None:
    """What is in a file, None if it is not as it was written. Read and not mapped: nothing of it stays in memory."""
    size = file.seek(0, os.SEEK_END)
    if size < _END.size:
        return None
    file.seek(size - _END.size)
    length, told = _END.unpack(file.read(_END.size))
    if length > size - _END.size:
        return None
    file.seek(0)
    digest, left = hashlib.sha256(), size - _END.size
    while left > 0 and (piece := file.read(min(_CHUNK, left))):
        digest.update(piece)
        left -= len(piece)
    if left or digest.digest() != told:
        return None
    file.seek(size - _END.size - length)
    found: dict[str, list[tuple[str, list[int], int]]] = json.loads(file.read(length))
    return found


class _Writer:
    def __init__(self, file: IO[bytes]) -> None:
        _lock(file)
        self._file: IO[bytes] | None = file
        self._digest = hashlib.sha256()
        self._size = 0
        self._places: dict[str, list[tuple[str, list[int], int]]] = {}

    @classmethod
    def beside(cls, path: Path) -> Self | None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _delete_left_behind(path.parent)
            return cls(tempfile.NamedTemporaryFile(dir=path.parent, suffix=_PARTIAL, delete=False))
        except OSError as error:
            log.debug("nothing is kept in %s: %s", path.parent, error)
            return None

    def add(self, name: str, arrays: Arrays) -> None:
        places = []
        for array in arrays:
            self._put(bytes(-self._size % _ALIGNED))
            places.append((array.dtype.str, list(array.shape), self._size))
            self._put(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
        self._places[name] = places

    def finish(self, path: Path) -> None:
        listed = json.dumps(self._places).encode()
        self._put(listed)
        end = _END.pack(len(listed), self._digest.digest())
        self._put(end)
        if self._file is None:
            return
        partial = Path(self._file.name)
        try:
            self._file.close()
            os.replace(partial, path)
            _delete_unused(path.parent)
        except OSError as error:
            self._give_up(error)

    def _put(self, data: bytes | memoryview) -> None:
        if self._file is None:
            return
        try:
            self._file.write(data)
        except OSError as error:
            self._give_up(error)
        else:
            self._digest.update(data)
            self._size += len(data)

    def _give_up(self, error: OSError) -> None:
        log.debug("nothing is kept: %s", error)
        file, self._file = self._file, None
        if file is not None:
            with contextlib.suppress(OSError):
                file.close()
            with contextlib.suppress(OSError):
                os.unlink(file.name)


def _delete_unused(folder: Path) -> None:
    for each in folder.iterdir():
        with contextlib.suppress(OSError):
            if time.time() - each.stat().st_mtime > _UNUSED_SECONDS:
                each.unlink()


def _delete_left_behind(folder: Path) -> None:
    """Delete what processes had begun to write when they were killed."""
    for each in folder.glob(f"*{_PARTIAL}"):
        with contextlib.suppress(OSError):
            if _is_left_behind(each):
                each.unlink()


def _is_left_behind(path: Path) -> bool:
    if sys.platform == "win32":
        # Nobody can delete there what another has open.
        return True
    with path.open("rb") as file:
        return _lock(file)


def _lock(file: IO[bytes]) -> bool:
    """Lock an open file until it is closed; False where that cannot be, as where another process has it locked."""
    if sys.platform == "win32":
        return False
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
