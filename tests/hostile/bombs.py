"""Small files that ask for far more than they hold."""

from __future__ import annotations

import struct
import zlib
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio.frame import AudioFrame

from tests.media_factory import Picture, Sound, moving, tone, write_media

SIDE = 30_000
"""Width and height, in pixels, of pictures that are too large."""


def png(path: Path) -> Path:
    """A whole PNG of 30000x30000 pixels in a few hundred bytes of header and 110 kB of zeros, well compressed."""
    packer = zlib.compressobj(9)
    rows = packer.compress(bytes((SIDE // 8 + 1) * SIDE)) + packer.flush()
    header = struct.pack(">IIBBBBB", SIDE, SIDE, 1, 0, 0, 0, 0)
    chunks = [_png_chunk(b"IHDR", header), _png_chunk(b"IDAT", rows), _png_chunk(b"IEND", b"")]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunks))
    return path


def _png_chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def gif(path: Path) -> Path:
    """An animation of two pixels on a canvas of 60000x60000."""
    pixel = b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00"
    header = b"GIF89a" + struct.pack("<HHBBB", 60_000, 60_000, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    path.write_bytes(header + b"\x21\xf9\x04\0\x0a\0\0\0" + pixel + b"\x21\xf9\x04\0\x0a\0\0\0" + pixel + b"\x3b")
    return path


def jpegs(path: Path, declared: bool, sound: bool = False) -> Path:
    """Motion JPEG whose pictures say they are 30000x30000; with `declared` the container says so as well."""
    track = Sound(tone(1.0, 16_000), 16_000, codec="pcm_s16le") if sound else None
    write_media(path, track, Picture(moving(5), codec="mjpeg", options={}))
    data = bytearray(path.read_bytes())
    size = struct.pack(">HH", 64, 96)
    for marker in (b"\xff\xc0\x00\x11\x08", b"\xff\xc4"):
        del marker
    at = data.find(b"\xff\xc0\x00\x11\x08")
    while at >= 0:
        assert data[at + 5 : at + 9] == size
        data[at + 5 : at + 9] = struct.pack(">HH", SIDE, SIDE)
        at = data.find(b"\xff\xc0\x00\x11\x08", at + 9)
    if declared:
        # AVI: the width and height of BITMAPINFOHEADER, behind its own size.
        at = data.index(struct.pack("<Iii", 40, 96, 64))
        data[at + 4 : at + 12] = struct.pack("<ii", SIDE, SIDE)
    path.write_bytes(data)
    return path


def wav(path: Path, channels: int = 1, rate: int = 16_000, data: int = 32_000) -> Path:
    """A WAV file of so many bytes of quiet noise."""
    block = channels * 2
    size = data // block * block
    form = struct.pack("<HHIIHH", 1, channels, rate, rate * block & 0xFFFFFFFF, block & 0xFFFF, 16)
    samples = np.random.default_rng(0).integers(-3000, 3000, size // 2, dtype=np.int16).tobytes()
    path.write_bytes(
        b"RIFF"
        + struct.pack("<I", 36 + size)
        + b"WAVEfmt "
        + struct.pack("<I", 16)
        + form
        + b"data"
        + struct.pack("<I", size)
        + samples
    )
    return path


def many_tracks(path: Path, count: int) -> Path:
    """A file with so many sound tracks."""
    with av.open(str(path), "w") as container:
        streams = [container.add_stream("pcm_s16le", rate=8000, layout="mono") for _ in range(count)]
        for stream in streams:
            frame = AudioFrame.from_ndarray(np.zeros((1, 160), np.int16), format="s16", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = 8000, 0, Fraction(1, 8000)
            for packet in stream.encode(frame):
                container.mux(packet)
    return path


def long_claim(path: Path, seconds: float) -> Path:
    """A second of Matroska that claims to last `seconds`."""
    write_media(path, Sound(tone(1.0, 16_000), 16_000, codec="pcm_s16le"))
    data = bytearray(path.read_bytes())
    # The element Duration (0x4489), a float of 8 bytes in milliseconds.
    at = data.index(b"\x44\x89\x88") + 3
    data[at : at + 8] = struct.pack(">d", seconds * 1000)
    path.write_bytes(data)
    return path


def far_apart(path: Path, pieces: int, step: float) -> Path:
    """So many blips of sound, `step` seconds from one to the next."""
    blip = tone(0.05, 16_000)
    return write_media(
        path, Sound(rate=16_000, codec="pcm_s16le", pieces=[(number * step, blip) for number in range(pieces)])
    )
