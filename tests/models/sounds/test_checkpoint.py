"""Checkpoints of TensorFlow that are none, or are broken."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lipstream.models.errors import ModelError
from lipstream.models.sounds.checkpoint import read_checkpoint


def varint(value: int) -> bytes:
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    return bytes([*found, value])


def field(number: int, value: int | bytes) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def block(*entries: tuple[bytes, bytes]) -> bytes:
    """With the beginning of each key taken from the one before, and one restart."""
    body, before = b"", b""
    for key, value in entries:
        same = next(
            (n for n, (a, b) in enumerate(zip(key, before, strict=False)) if a != b), min(len(key), len(before))
        )
        body += varint(same) + varint(len(key) - same) + varint(len(value)) + key[same:] + value
        before = key
    return body + bytes(4) + (1).to_bytes(4, "little")


def checkpoint(folder: Path, **tensors: np.ndarray) -> tuple[Path, Path]:
    data, entries = b"", [(b"", field(1, 1))]
    for name, values in tensors.items():
        shape = b"".join(field(2, field(1, size)) for size in values.shape)
        entry = field(1, 1) + field(2, shape) + field(4, len(data)) + field(5, 4 * values.size)
        entries.append((name.encode(), entry))
        data += values.astype("<f4").tobytes()
    first = block(*entries)
    table = first + bytes(5)
    index = block((b"z", varint(0) + varint(len(first))))
    places = varint(0) + varint(0) + varint(len(table)) + varint(len(index))
    table += index + bytes(5) + places.ljust(40, b"\0") + (0xDB4775248B80FB57).to_bytes(8, "little")
    (folder / "w.index").write_bytes(table)
    (folder / "w.data").write_bytes(data)
    return folder / "w.index", folder / "w.data"


def test_tensors_come_by_their_names_in_their_shapes(tmp_path: Path):
    one, other = np.arange(6.0).reshape(2, 3), np.full(300, 7.0)
    found = read_checkpoint(*checkpoint(tmp_path, layer_one=one, layer_other=other))
    assert sorted(found) == ["layer_one", "layer_other"]
    assert (found["layer_one"] == one).all() and (found["layer_other"] == other).all()


@pytest.mark.parametrize("length", [0, 10, 47, 60])
def test_what_is_cut_off_or_something_else_is_said_so(tmp_path: Path, length: int):
    index, data = checkpoint(tmp_path, one=np.ones(4))
    index.write_bytes(index.read_bytes()[:length])
    with pytest.raises(ModelError, match="no checkpoint of TensorFlow"):
        read_checkpoint(index, data)


def test_data_that_is_too_short_is_said_so(tmp_path: Path):
    index, data = checkpoint(tmp_path, one=np.ones(400))
    data.write_bytes(data.read_bytes()[:100])
    with pytest.raises(ModelError, match="no checkpoint of TensorFlow"):
        read_checkpoint(index, data)
