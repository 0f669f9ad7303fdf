"""Files of arrays that are kept to spare work, and know what they were made of."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from lipstream.models.errors import ModelError
from lipstream.models.whole_file import whole_file


@dataclass(frozen=True, slots=True)
class CacheFiles:
    """One kind of cached safetensors files.

    Attributes:
        what: what one of them is, for messages.
        again: what deleting one brings about.
    """

    what: str
    again: str

    def save(self, arrays: Mapping[str, npt.NDArray[Any]], path: Path, origin: str) -> None:
        """Write arrays whole, with what tells their origin.

        Raises:
            ModelError: the file cannot be written.
        """
        with whole_file(path) as partial:
            save_file(dict(arrays), partial, {"origin": origin})

    def origin(self, path: Path) -> str:
        """The origin that was given to `save`, "" if none was.

        Raises:
            ModelError: the file is missing or damaged.
        """
        with self.reading(path), safe_open(path, "np") as file:
            facts = file.metadata() or {}
        return str(facts.get("origin", ""))

    @contextlib.contextmanager
    def reading(self, path: Path) -> Iterator[None]:
        """Name the file in what goes wrong while it is read.

        Raises:
            ModelError: the file is missing, damaged or not of this kind.
        """
        try:
            yield
        except (OSError, KeyError, SafetensorError) as error:
            raise ModelError(f"{path}: not {self.what} ({error}); delete it to {self.again}") from None
