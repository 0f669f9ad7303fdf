"""Where a server's token comes from: a file, the environment, or the command line."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from lipstream.pipeline import UserError

VARIABLE: Final = "LIPSTREAM_TOKEN"
"""The environment's, for those who would not have it in a file."""
_MOST_BYTES: Final = 4096


def token_of(argument: str | None, path: Path | None) -> str | None:
    """The token that requests have to bring; None if nothing gives one.

    Args:
        argument: as the command line has it, where every user of the machine can read it.
        path: a file with nothing else in it, but for white space around it.

    Raises:
        UserError: both are given, or the file cannot be read or has no token in it.
    """
    if path is None:
        return os.environ.get(VARIABLE) if argument is None else argument
    if argument is not None:
        raise UserError("--token and --token-file are both given: give one of them")
    try:
        with path.open("rb") as file:
            text = file.read(_MOST_BYTES + 1).decode("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise UserError(f"cannot read the token in {path}: {reason}") from error
    if not text or len(text) >= _MOST_BYTES or len(text.splitlines()) > 1:
        raise UserError(f"{path} is no file with a token: expected one line, with nothing else in it")
    return text
