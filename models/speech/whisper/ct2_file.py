"""Read the weights of a CTranslate2 model file (`model.bin`).

The format (CTranslate2's python/ctranslate2/specs/model_spec.py, version 6): a version, the name and revision of the
kind of model, then every variable by name with its shape, type and bytes, then aliases of variables. Numbers are little
endian; texts have a length and end in a zero byte.
"""

from __future__ import annotations

import math
import mmap
import struct
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from lipstream.models.errors import ModelError
from lipstream.models.kept_arrays import KeptArrays

_TYPES: Final = {0: np.float32, 1: np.int8, 2: np.int16, 3: np.int32, 4: np.float16}
_OLDEST: Final = 4
"""The first version that says how numbers are kept."""
_NEWEST: Final = 6
_MOST: Final = 100_000
"""Variables, dimensions and letters of a name beyond which the file is none."""
_RELEASE_SECONDS: Final = 0.003
"""How often what was read is let go of while networks are made: in less than that a few MB are read."""


@dataclass(frozen=True, slots=True, eq=False)
class Ct2File:
    """What is in a model file.

    Attributes:
        kind: the kind of model, such as "WhisperSpec".
        variables: by name, aliases included. Views of the file on disk, not to be written to.
        content: the file, if there is one.
        kept: what was made of the variables before.
    """

    kind: str
    variables: Mapping[str, npt.NDArray[Any]]
    content: mmap.mmap | None = None
    kept: KeptArrays = field(default_factory=KeptArrays)

    def floats(self, name: str) -> npt.NDArray[np.float32]:
        """A variable as float32, whatever it is kept as.

        Raises:
            KeyError: there is none of that name.
        """
        return self._scaled(name, self.variables[name], slice(None))

    def numbers(self, name: str) -> npt.NDArray[np.floating[Any]]:
        """A variable in the precision that it is kept in, on the disk, or as float32 if these are whole numbers.

        Raises:
            KeyError: there is none of that name.
        """
        value = self.variables[name]
        return value if value.dtype.kind == "f" else self.floats(name)

    def release(self) -> None:
        """Let go of what was read into memory; it is read again where it is used again."""
        if self.content is not None and hasattr(self.content, "madvise"):
            self.content.madvise(mmap.MADV_DONTNEED)
        self.kept.release()

    @contextmanager
    def released(self) -> Iterator[None]:
        """Let go of it again and again meanwhile: networks are made of it, each of which keeps a form of its own.

        Else all of it would be in memory beside all of them, if only for a moment.
        """
        over = threading.Event()

        def release() -> None:
            while not over.wait(_RELEASE_SECONDS):
                self.release()

        thread = threading.Thread(target=release, name="release", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
            self.release()

    def rows(self, name: str, places: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """Some rows of a variable as float32, (..., columns) for (...) places; only these are read from the disk."""
        return self._scaled(name, self.variables[name][places], places)

    def _scaled(
        self, name: str, value: npt.NDArray[Any], places: npt.NDArray[np.int64] | slice
    ) -> npt.NDArray[np.float32]:
        found = value.astype(np.float32)
        scale = self.variables.get(f"{name}_scale")
        if value.dtype in (np.int8, np.int16) and scale is not None:
            # One scale a row, or one for all.
            scales = scale.astype(np.float32)
            own = scales[places] if scales.ndim else scales
            found /= own.reshape(own.shape + (1,) * (found.ndim - own.ndim))
        return found


def read_ct2(path: Path) -> Ct2File:
    """Read a model file; the weights stay on disk until they are used.

    Raises:
        ModelError: it is missing, damaged, of another format, or its numbers are of a kind that is not read here.
    """
    try:
        with path.open("rb") as file:
            content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        return _Reader(content).read()
    except OSError as error:
        raise ModelError(f"cannot read {path} ({error.strerror})") from error
    except (ValueError, struct.error) as error:
        raise ModelError(f"{path} is no model of CTranslate2, or is damaged ({error})") from error


class _Reader:
    def __init__(self, content: mmap.mmap) -> None:
        self._content = content
        self._at = 0

    def read(self) -> Ct2File:
        version = self._number()
        if not _OLDEST <= version <= _NEWEST:
            raise ValueError(f"its format is version {version}, expected {_OLDEST} to {_NEWEST}")
        kind = self._text()
        self._number()
        variables = dict(self._variable() for _ in range(self._number(_MOST)))
        for _ in range(self._number(_MOST)):
            alias = self._text()
            name = self._text()
            if name not in variables:
                raise ValueError(f"it has no {name} for {alias}")
            variables[alias] = variables[name]
        return Ct2File(kind, variables, self._content)

    def _variable(self) -> tuple[str, npt.NDArray[Any]]:
        name = self._text()
        (dimensions,) = self._unpack("<B")
        shape = [self._number() for _ in range(dimensions)]
        (kind,) = self._unpack("<B")
        size = self._number()
        if kind not in _TYPES:
            raise ValueError(
                f"{name} is kept as numbers of kind {kind}, expected float32, float16, int8, int16 or int32"
            )
        dtype = np.dtype(_TYPES[kind])
        count = math.prod(shape)
        if count * dtype.itemsize != size:
            raise ValueError(f"{name} has {size} bytes, expected {count * dtype.itemsize}")
        values = np.frombuffer(self._content, dtype, count, self._at).reshape(shape)
        self._at += size
        return name, values

    def _text(self) -> str:
        (length,) = self._unpack("<H")
        text = self._content[self._at : self._at + length]
        if len(text) < length:
            raise ValueError("it ends too early")
        self._at += length
        return text.rstrip(b"\0").decode("utf-8")

    def _number(self, most: int = 2**32 - 1) -> int:
        (value,) = self._unpack("<I")
        if value > most:
            raise ValueError(f"it announces {value} entries")
        return int(value)

    def _unpack(self, form: str) -> tuple[Any, ...]:
        size = struct.calcsize(form)
        values = struct.unpack(form, self._content[self._at : self._at + size])
        self._at += size
        return values
