"""Seeded damage to files."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence

_EXTREMES = (0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x7FFFFFFFFFFFFFFF, (1 << 64) - 1)
_TAG = re.compile(rb"[A-Za-z][A-Za-z0-9 _]{3}")
_MOST_BYTES = 1 << 20


def mutate(data: bytes, others: Sequence[bytes], rng: random.Random) -> bytes:
    """One to four kinds of damage, one after the other.

    Args:
        data: a valid file.
        others: files from which pieces may be taken.
        rng: decides everything.
    """
    damaged = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 4))):
        rng.choice(_KINDS)(damaged, others, rng)
    return bytes(damaged[:_MOST_BYTES])


def _flip_bits(data: bytearray, _: Sequence[bytes], rng: random.Random) -> None:
    for _ in range(rng.choice((1, 2, 8, 64))):
        if data:
            data[_place(data, rng)] ^= 1 << rng.randrange(8)


def _fill_run(data: bytearray, _: Sequence[bytes], rng: random.Random) -> None:
    first = _place(data, rng)
    last = min(len(data), first + rng.choice((2, 16, 128, 1024)))
    data[first:last] = bytes([rng.choice((0, 0, 0xFF))]) * (last - first)


def _truncate(data: bytearray, _: Sequence[bytes], rng: random.Random) -> None:
    del data[_place(data, rng) :]


def _splice(data: bytearray, others: Sequence[bytes], rng: random.Random) -> None:
    other = rng.choice(others)
    first = rng.randrange(len(other))
    piece = other[first : first + rng.choice((4, 64, 1024, 8192))]
    at = _place(data, rng)
    # Put in, or written over: the one moves all that follows, the other keeps every offset right.
    data[at : at + rng.choice((0, len(piece)))] = piece


def _duplicate(data: bytearray, _: Sequence[bytes], rng: random.Random) -> None:
    first = _place(data, rng)
    piece = bytes(data[first : first + rng.choice((8, 188, 1024, 8192))])
    data[first:first] = piece * rng.choice((1, 1, 2, 16))


def _delete(data: bytearray, _: Sequence[bytes], rng: random.Random) -> None:
    first = _place(data, rng)
    del data[first : first + rng.choice((1, 4, 188, 1024))]


def _extreme_field(data: bytearray, _: Sequence[bytes], rng: random.Random) -> None:
    """A number beside the name of a chunk, or anywhere, becomes as small or as large as it can be."""
    at = _place(data, rng)
    tags = [match.start() for match in _TAG.finditer(data)]
    if tags and rng.random() < 0.7:
        # Sizes stand before the name in MP4 and after it in RIFF; the counts of an MP4 table follow the name.
        at = max(0, rng.choice(tags) + rng.choice((-4, 4, 8, 12, 16, 20, 24)))
    size = rng.choice((1, 2, 4, 4, 4, 8))
    value = rng.choice(_EXTREMES) & ((1 << 8 * size) - 1)
    data[at : at + size] = value.to_bytes(size, rng.choice(("big", "little")))


def _place(data: bytearray, rng: random.Random) -> int:
    """An offset, half of the time near one end, where headers and indices are."""
    if not data:
        return 0
    near = min(len(data), 512)
    return rng.choice((rng.randrange(near), len(data) - 1 - rng.randrange(near), *[rng.randrange(len(data))] * 2))


_KINDS: tuple[Callable[[bytearray, Sequence[bytes], random.Random], None], ...] = (
    _flip_bits,
    _flip_bits,
    _fill_run,
    _truncate,
    _splice,
    _duplicate,
    _delete,
    _extreme_field,
    _extreme_field,
)
