"""Temporary folders that a killed process does not leave for good."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lipstream.pipeline.exclusive import claim

_LOCK = "in use"


@contextmanager
def scratch(prefix: str, parent: Path | None = None) -> Iterator[Path]:
    """A temporary folder inside the block; those of the same prefix whose processes are gone are removed before.

    That a process is gone shows by its lock, which the operating system takes away with it.

    Args:
        prefix: what the folder's name begins with.
        parent: where it is; None for the usual place.
    """
    parent = parent or Path(tempfile.gettempdir())
    for left in parent.glob(f"{prefix}*"):
        with contextlib.suppress(OSError), (left / _LOCK).open("r+b") as lock:
            claim(lock)
            shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=f".{prefix}", dir=parent))
    try:
        with (folder / _LOCK).open("x+b") as lock:
            claim(lock)
            # Nobody looks for it before it is locked.
            folder = folder.rename(folder.with_name(folder.name.removeprefix(".")))
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
