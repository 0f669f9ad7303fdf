"""Files that are whole or not there, whatever ends the run that writes them."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

from safetensors import SafetensorError

from lipstream.models.errors import ModelError

_SYSTEM = re.compile(r"I/O error: (.+?) \(os error")


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Write a file beside its place, and move it there when it is complete; the folder is made.

    Args:
        path: where the file goes.

    Yields:
        Where to write it meanwhile. If the block fails, that is removed and what was at `path` stays.

    Raises:
        ModelError: the file cannot be written (`OSError`, `SafetensorError`); names it and the reason.
    """
    partial = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield partial
        os.replace(partial, path)
    except (OSError, SafetensorError) as error:
        raise ModelError(f"{path}: cannot be written ({_reason(error)})") from None
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)


def _reason(error: OSError | SafetensorError) -> str:
    """What the system says; safetensors wraps it in words of its own."""
    if isinstance(error, OSError):
        return error.strerror or str(error)
    found = _SYSTEM.search(str(error))
    return found[1] if found else str(error).splitlines()[0]
