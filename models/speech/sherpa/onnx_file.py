"""What is written at the edge of an ONNX file: its metadata, read without the network.

An ONNX file is one message of protocol buffers whose fields stand one behind the other; the network is one of them and
is stepped over, so that a file of 600 MB takes no longer than a small one. Format: onnx/onnx.proto (ModelProto).
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO, Final

from lipstream.models.errors import ModelError

_METADATA: Final = 14
"""Number of the field `metadata_props` of a ModelProto."""
_VARINT, _EIGHT_BYTES, _BYTES, _FOUR_BYTES = 0, 1, 2, 5
_MOST_METADATA: Final = 1 << 24
"""Bytes that an entry may have; what claims more is damaged."""


class _Damaged(Exception):
    """The bytes are no message."""


def metadata_of(path: Path) -> dict[str, str]:
    """The metadata of an ONNX file, by key.

    Raises:
        ModelError: the file cannot be read, is cut off, or is none.
    """
    found: dict[str, str] = {}
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            while file.tell() < size:
                entry = _next_field(file, size)
                if entry is not None:
                    key, value = _entry(entry)
                    found[key] = value
    except OSError as error:
        raise ModelError(f"cannot read {path}: {error.strerror}") from error
    except _Damaged as error:
        raise ModelError(f"{path} is damaged or no ONNX file; fetch and unpack the model again") from error
    if size == 0:
        raise ModelError(f"{path} is empty; fetch and unpack the model again")
    return found


def _next_field(file: BinaryIO, size: int) -> bytes | None:
    """Step over a field; give its bytes if it is an entry of the metadata."""
    number, wire = divmod(_varint(file), 8)
    if wire == _VARINT:
        _varint(file)
        return None
    length = {_EIGHT_BYTES: 8, _FOUR_BYTES: 4}.get(wire)
    if wire == _BYTES:
        length = _varint(file)
    if number == 0 or length is None or file.tell() + length > size:
        raise _Damaged
    if number == _METADATA and wire == _BYTES:
        if length > _MOST_METADATA:
            raise _Damaged
        return file.read(length)
    file.seek(length, 1)
    return None


def _varint(file: BinaryIO) -> int:
    """A number of seven bits a byte, the lowest first; the top bit says that there are more."""
    value = 0
    for shift in range(0, 70, 7):
        byte = file.read(1)
        if not byte:
            break
        value |= (byte[0] & 0x7F) << shift
        if byte[0] < 0x80:
            return value
    raise _Damaged


def _entry(data: bytes) -> tuple[str, str]:
    """Key and value of a StringStringEntryProto."""
    texts = {1: "", 2: ""}
    at = 0
    while at < len(data):
        tag, at = _varint_in(data, at)
        length, at = _varint_in(data, at)
        if tag % 8 != _BYTES or at + length > len(data):
            raise _Damaged
        texts[tag // 8] = data[at : at + length].decode("utf-8", "replace")
        at += length
    return texts[1], texts[2]


def _varint_in(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(data):
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
    raise _Damaged
