"""A media file that grows beside its place and takes it in one step when it is whole."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import av

from lipstream.pipeline.errors import UserError
from lipstream.pipeline.exclusive import open_exclusively


class PartFile:
    """The file that PyAV writes into; like the output formats' `NAME.part`, but without use until it is whole.

    Only one run at a time may write it, and a symbolic link in its place is not followed.

    Args:
        path: the file to make; its folder is made too.

    Attributes:
        part: the file while it grows.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.part = path.with_name(path.name + ".part")
        self._file: BinaryIO | None = None

    def open(self) -> None:
        """Make the folder and begin the part file.

        Raises:
            UserError: the place cannot be written to, or another run is writing there.
        """
        with self.explained():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = open_exclusively(self.part)

    def commit(self) -> None:
        """Give the whole file its name; whatever had that name is replaced.

        Raises:
            UserError: that fails.
        """
        file = self._opened
        with self.explained():
            file.flush()
            os.fsync(file.fileno())
            if os.name == "nt":
                file.close()  # Windows does not rename open files; elsewhere the lock is kept until it is renamed.
            os.replace(self.part, self.path)
        self._file = None
        file.close()

    def discard(self) -> None:
        """Remove the part file, if it is still there and this run's. Idempotent."""
        file, self._file = self._file, None
        if file is None:
            return
        with contextlib.suppress(OSError):
            if os.name == "nt":
                file.close()
            self.part.unlink(missing_ok=True)
        # Closing flushes, which fails again where writing has failed.
        with contextlib.suppress(OSError):
            file.close()

    @contextlib.contextmanager
    def explained(self) -> Iterator[None]:
        """Turn what goes wrong while the file is written into one line.

        Raises:
            UserError: instead of an error of the operating system or of FFmpeg.
        """
        try:
            yield
        except (OSError, av.FFmpegError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            if error.errno == errno.ELOOP:
                reason = f"{self.part} is a symbolic link, and those are not followed; remove it"
            raise UserError(f"cannot write {self.path}: {reason}") from error

    # What PyAV needs.

    @property
    def name(self) -> str:
        """The path by which FFmpeg reads the file again, to put the index in front of the rest."""
        return str(self.part.absolute())

    def write(self, data: bytes) -> int:
        """Append; nothing stays in Python's buffer, for who reads it by its name."""
        written = self._opened.write(data)
        self._opened.flush()
        return written

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to a place."""
        return self._opened.seek(offset, whence)

    def tell(self) -> int:
        """The present place."""
        return self._opened.tell()

    @property
    def _opened(self) -> BinaryIO:
        assert self._file is not None
        return self._file
