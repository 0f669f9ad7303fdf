"""Files on disk: what is right is kept, what is not never takes its place."""

from __future__ import annotations

import hashlib
import os
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO, Protocol

from lipstream.models.errors import AssetError

CHUNK = 1 << 18

_verified: dict[Path, tuple[int, int, str]] = {}
"""Path -> (size, mtime in ns, sha256) of the last hash taken in this process."""


class WrongBytes(AssetError):
    """What came is not the beginning of the expected file, or not that file."""


class CutShort(AssetError):
    """Less came than was expected; the rest may still come."""


class Readable(Protocol):
    """What bytes can be read from."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; none at the end."""


class JoinedStreams:
    """Several streams read as one: each to its end, then the next."""

    def __init__(self, streams: Iterable[Readable]) -> None:
        self._left = deque(streams)

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes, of one of the streams; none at the end of the last."""
        while self._left:
            if data := self._left[0].read(size):
                return data
            self._left.popleft()
        return b""


class _Digest(Protocol):
    def update(self, data: bytes, /) -> None: ...

    def hexdigest(self) -> str: ...


def file_sha256(path: Path) -> str:
    """Hash a file, whatever is known of it already."""
    with path.open("rb") as file:
        stat = os.fstat(file.fileno())
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    _verified[path] = (stat.st_size, stat.st_mtime_ns, digest)
    return digest


def known_sha256(path: Path) -> str:
    """Hash a file once a process; again only when its size or modification time has changed."""
    stat = path.stat()
    size, mtime_ns, digest = _verified.get(path, (-1, -1, ""))
    if (size, mtime_ns) == (stat.st_size, stat.st_mtime_ns):
        return digest
    return file_sha256(path)


def is_file_of(path: Path, size: int, sha256: str, take_sha256: Callable[[Path], str]) -> bool:
    """Whether a file has this size and, by `take_sha256`, this hash."""
    return path.stat().st_size == size and take_sha256(path) == sha256


def write_verified(
    source: Readable, target: Path, *, size: int, sha256: str, advance: Callable[[int], None] = lambda count: None
) -> None:
    """Copy a stream to `target` and refuse, leaving no file, anything but the expected bytes.

    Args:
        source: where the bytes come from; at most `size` + 1 of them are read.
        target: file to write; its folder exists. It is on stable storage when this returns.
        size: the expected number of bytes.
        sha256: the expected digest, in hexadecimal.
        advance: told the number of bytes of each piece written.

    Raises:
        CutShort: too short.
        WrongBytes: too long, or the digest differs.
    """
    try:
        with target.open("wb") as file:
            _copy(source, file, hashlib.sha256(), 0, size, sha256, advance)
    except BaseException:
        target.unlink(missing_ok=True)
        raise


def append_verified(
    source: Readable, part: Path, *, size: int, sha256: str, advance: Callable[[int], None] = lambda count: None
) -> None:
    """Go on writing a file that an earlier call began, and check the whole of it; see `write_verified`.

    Args:
        source: what follows the bytes that `part` has.
        part: the file, there or not. What came stays in it when the source ends or fails early; wrong bytes do not.
        size: the expected number of bytes in all.
        sha256: the expected digest of them all.
        advance: told the number of bytes of each piece written.

    Raises:
        CutShort: too short.
        WrongBytes: too long, or the digest differs.
    """
    try:
        with part.open("a+b") as file:
            file.seek(0)
            digest = hashlib.file_digest(file, "sha256")
            _copy(source, file, digest, file.tell(), size, sha256, advance)
    except WrongBytes:
        part.unlink(missing_ok=True)
        raise


def _copy(
    source: Readable,
    file: IO[bytes],
    digest: _Digest,
    done: int,
    size: int,
    sha256: str,
    advance: Callable[[int], None],
) -> None:
    """Write what is missing of a file that has `done` bytes with this digest, and check it."""
    while done <= size and (chunk := source.read(min(CHUNK, size + 1 - done))):
        file.write(chunk)
        digest.update(chunk)
        done += len(chunk)
        advance(len(chunk))
    file.flush()
    os.fsync(file.fileno())
    if done < size:
        raise CutShort(f"{done} bytes came, expected {size}")
    if done > size:
        raise WrongBytes(f"more than {size} bytes came, expected {size}")
    if digest.hexdigest() != sha256:
        raise WrongBytes(f"sha256 is {digest.hexdigest()}, expected {sha256}")
