"""Where the profiles lie, and what their files say of themselves; read without torch, which is slow to import."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final

import platformdirs

from lipstream.models.errors import ModelError

LANGUAGE: Final = "en"
"""What profiles are made for."""
FORMAT: Final = 2
"""Of a profile's file; 2 since lips that do not belong to the sound are told."""
GROWN: Final = "grown"
"""The fact that a profile has which came of use: minutes of speech that it was made of."""

_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")
_MOST_HEADER: Final = 1 << 24


def profiles_folder() -> Path:
    """Where this user's profiles are."""
    return platformdirs.user_data_path("lipstream", appauthor=False) / "profiles"


def profile_path(name: str) -> Path:
    """The file of a profile, whether or not it is there.

    Raises:
        ModelError: the name cannot be a file's.
    """
    if not _NAME.match(name):
        raise ModelError(f"profile {name!r}: expected a name of letters, digits, '-', '_' and '.', at most 64")
    return profiles_folder() / f"{name}.safetensors"


def profile_names() -> list[str]:
    """Names of this user's profiles."""
    return sorted(path.stem for path in profiles_folder().glob("*.safetensors"))


def profile_facts(path: Path, *, any_version: bool = False) -> dict[str, Any]:
    """How a profile came about; its networks are not read.

    Args:
        path: of the profile.
        any_version: whether it may be of another version of Lipstream, too, which cannot use it.

    Raises:
        ModelError: there is none, it is damaged, or it is of another version of Lipstream.
    """
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if not 0 < length <= _MOST_HEADER:
                raise ValueError("its header is damaged")
            header = json.loads(file.read(length))
            size = 8 + length + max(each["data_offsets"][1] for key, each in header.items() if key != "__metadata__")
            if path.stat().st_size != size:
                raise ValueError("it is not complete")
        about = header.get("__metadata__", {})
        version, facts = int(about.get("format", 1)), json.loads(about.get("facts", "{}"))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise ModelError(f"{path}: no usable profile ({why})") from None
    if version != FORMAT and not any_version:
        raise ModelError(f"{path}: made by another version of Lipstream")
    return facts if isinstance(facts, dict) else {}
