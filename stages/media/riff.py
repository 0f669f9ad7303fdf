"""What the header of a WAV or AVI file says of its length, which is not always so."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO, Final

_STREAMED: Final = 0x7FFF0000
"""A size at or beyond this means "not known when the header was written": the writer could not seek back."""
_UNKNOWN: Final = (0, 0xFFFFFFFF)
_LEAST_BEHIND: Final = 1 << 14
"""Bytes: less behind the end is some program's note."""
_MOST_CHUNKS: Final = 1000


def cut_short(path: Path) -> bool:
    """Whether a file is shorter than its own header says; FFmpeg silently goes by the file's size."""
    with path.open("rb") as file:
        header = file.read(12)
    if len(header) < 12 or header[:4] != b"RIFF" or header[8:] not in (b"WAVE", b"AVI "):
        return False
    declared = int.from_bytes(header[4:8], "little")
    return 0 < declared < _STREAMED and declared + 8 > path.stat().st_size


def goes_on(path: Path) -> bool:
    """Whether the sound of a WAV file goes on behind the end that its header gives, where FFmpeg stops.

    So it is if a recorder has crashed, which writes the length at times only, or if there are more than 4 GB, which
    the header cannot tell. Where there are chunks behind the sound it ends there.
    """
    length = path.stat().st_size
    with path.open("rb") as file:
        header = file.read(12)
        if header[:4] != b"RIFF" or header[8:] != b"WAVE":
            return False
        at = 12
        for _ in range(_MOST_CHUNKS):
            name, size = _chunk(file, at)
            if name == b"data":
                end = at + 8 + size
                behind = (_chunk(file, each) for each in (end, end + size % 2))
                return (
                    size not in _UNKNOWN
                    and length - end >= _LEAST_BEHIND
                    and not any(
                        chunk.isascii() and chunk.decode().isprintable() and extent <= length - end
                        for chunk, extent in behind
                    )
                )
            if len(name) < 4:
                return False
            at += 8 + size + size % 2
    return False


def _chunk(file: BinaryIO, at: int) -> tuple[bytes, int]:
    """Name and size of the chunk at a place."""
    file.seek(at)
    head = file.read(8)
    return head[:4], int.from_bytes(head[4:], "little")
