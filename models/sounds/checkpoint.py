"""Weights out of TensorFlow's checkpoints, without TensorFlow.

A checkpoint is two files. The index is a table as LevelDB writes it: blocks of sorted keys, of which each shares the
beginning of the one before, then the place of the index of the blocks in the last 48 bytes. A value is a message of
Protocol Buffers with type, shape, offset and size of a tensor in the data file
(tensorflow/core/protobuf/tensor_bundle.proto).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lipstream.models.errors import ModelError

Float32 = npt.NDArray[np.float32]

_FOOTER = 48
_MAGIC = 0xDB4775248B80FB57
_FLOAT = 1
_TYPE, _SHAPE, _OFFSET, _SIZE = 1, 2, 4, 5
"""Fields of a tensor's entry."""
_VARINT, _EIGHT_BYTES, _BYTES, _FOUR_BYTES = 0, 1, 2, 5


def read_checkpoint(index: Path, data: Path) -> dict[str, Float32]:
    """The float32 tensors of a checkpoint by their names; others are left out.

    Raises:
        ModelError: the files are something else.
    """
    try:
        entries = dict(_entries(index.read_bytes()))
        numbers = np.memmap(data, np.uint8, "r")
        return {name: _tensor(numbers, fields) for name, fields in entries.items() if fields[_TYPE] == [_FLOAT]}
    except (OSError, ValueError, LookupError, UnicodeDecodeError, struct.error) as error:
        raise ModelError(f"{index} is no checkpoint of TensorFlow that can be read ({error})") from error


def _tensor(numbers: npt.NDArray[np.uint8], fields: dict[int, list[int | bytes]]) -> Float32:
    shape = []
    for part in fields.get(_SHAPE, []):
        for dimension in _fields(_as_bytes(part)).get(2, []):
            (size,) = _fields(_as_bytes(dimension)).get(1, [0])
            shape.append(_as_number(size))
    (offset,), (size,) = fields.get(_OFFSET, [0]), fields[_SIZE]
    begin = _as_number(offset)
    raw = bytes(numbers[begin : begin + _as_number(size)])
    return np.frombuffer(raw, "<f4").reshape(shape).astype(np.float32)


def _entries(table: bytes) -> Iterator[tuple[str, dict[int, list[int | bytes]]]]:
    footer = table[-_FOOTER:]
    if struct.unpack("<Q", footer[-8:])[0] != _MAGIC:
        raise ValueError("it does not end as a table does")
    at = 0
    places = []
    for _ in range(4):
        value, at = _varint(footer, at)
        places.append(value)
    for _, place in _block(table, places[2], places[3]):
        begin, at = _varint(place, 0)
        size, _ = _varint(place, at)
        for key, message in _block(table, begin, size):
            fields = _fields(message)
            if _TYPE in fields and key:
                yield key.decode(), fields


def _block(table: bytes, begin: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    block = table[begin : begin + size]
    if table[begin + size] != 0:
        raise ValueError("it is compressed")
    restarts = struct.unpack("<I", block[-4:])[0]
    end = len(block) - 4 - 4 * restarts
    at, key = 0, b""
    while at < end:
        same, at = _varint(block, at)
        new, at = _varint(block, at)
        length, at = _varint(block, at)
        key = key[:same] + block[at : at + new]
        yield key, block[at + new : at + new + length]
        at += new + length


def _fields(message: bytes) -> dict[int, list[int | bytes]]:
    """The fields of a message by number."""
    found: dict[int, list[int | bytes]] = {}
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        value: int | bytes
        if tag & 7 == _VARINT:
            value, at = _varint(message, at)
        else:
            size = {_FOUR_BYTES: 4, _EIGHT_BYTES: 8}.get(tag & 7)
            if tag & 7 == _BYTES:
                size, at = _varint(message, at)
            if size is None:
                raise ValueError("a field is of no known kind")
            value, at = message[at : at + size], at + size
        found.setdefault(tag >> 3, []).append(value)
    return found


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def _as_number(value: int | bytes) -> int:
    if isinstance(value, bytes):
        raise ValueError("a number is expected")
    return value


def _as_bytes(value: int | bytes) -> bytes:
    if isinstance(value, int):
        raise ValueError("a message is expected")
    return value
