"""Files on disk: what is right is kept, what is not never takes its place."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import IO

from lipstream.models.errors import AssetError

CHUNK = 1 << 18

_verified: dict[Path, tuple[int, int, str]] = {}
"""Path -> (size, mtime in ns, sha256) of the last hash taken in this process."""


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


def write_verified(
    source: IO[bytes], target: Path, *, size: int, sha256: str, advance: Callable[[int], None] = lambda count: None
) -> None:
    """Copy a stream to `target` and refuse, leaving no file, anything but the expected bytes.

    Args:
        source: where the bytes come from; at most `size` + 1 of them are read.
        target: file to write; its folder exists. It is on stable storage when this returns.
        size: the expected number of bytes.
        sha256: the expected digest, in hexadecimal.
        advance: told the number of bytes of each piece written.

    Raises:
        AssetError: too short, too long, or the digest differs.
    """
    digest = hashlib.sha256()
    done = 0
    try:
        with target.open("wb") as file:
            while done <= size and (chunk := source.read(min(CHUNK, size + 1 - done))):
                file.write(chunk)
                digest.update(chunk)
                done += len(chunk)
                advance(len(chunk))
            file.flush()
            os.fsync(file.fileno())
        if done != size:
            raise AssetError(f"{'more than ' if done > size else ''}{min(done, size)} bytes came, expected {size}")
        if digest.hexdigest() != sha256:
            raise AssetError(f"sha256 is {digest.hexdigest()}, expected {sha256}")
    except BaseException:
        target.unlink(missing_ok=True)
        raise
