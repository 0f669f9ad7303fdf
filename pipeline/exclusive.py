"""Files that one run at a time may write."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from typing import IO, BinaryIO

_BUSY = "another run is writing it"
_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EINVAL}


def open_exclusively(path: Path) -> BinaryIO:
    """Open a file for writing from its beginning, and keep every other run from doing so until it is closed.

    The lock is the operating system's and ends with the process, so what a crashed run left behind blocks nobody.
    A symbolic link is not followed: whoever could place one would decide which file is overwritten.

    Raises:
        BlockingIOError: another run has it open this way; it is untouched.
        OSError: it cannot be opened.
    """
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    while True:
        file = os.fdopen(os.open(path, flags, 0o666), "r+b")
        try:
            claim(file)
            # Whoever held it until now may have moved it to its final place: then the lock is on the wrong file.
            if is_at(file, path):
                file.truncate(0)
                return file
        except BaseException:
            file.close()
            raise
        file.close()


def claim(file: IO[bytes] | IO[str]) -> None:
    """Lock an open file until it is closed; on a file system without locks, do nothing.

    Raises:
        BlockingIOError: another run has locked it.
    """
    if sys.platform == "win32":
        import msvcrt

        place = file.tell()
        try:
            # Windows locks are mandatory: a byte that no file reaches leaves the content readable.
            file.seek(0x7FFF0000)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError as error:
            raise BlockingIOError(errno.EAGAIN, _BUSY) from error
        finally:
            file.seek(place)
    else:
        import fcntl

        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BlockingIOError(errno.EAGAIN, _BUSY) from error
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise


def is_at(file: BinaryIO, path: Path) -> bool:
    """Whether an open file is the one at a path, and not deleted, moved or replaced."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), os.stat(path))
    except (FileNotFoundError, NotADirectoryError):
        return False
