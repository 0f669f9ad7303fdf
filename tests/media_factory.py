"""Makes small media files for tests: good ones, odd ones and bad ones."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.video.frame import VideoFrame

WIDTH, HEIGHT = 96, 64

# Sample formats the encoders take.
_FORMATS = {
    "aac": "fltp",
    "libmp3lame": "fltp",
    "libopus": "flt",
    "flac": "s16",
    "pcm_s16le": "s16",
    "pcm_f32le": "flt",
}
_CHUNK = 960


@dataclass(frozen=True)
class Sound:
    """A sound track.

    Attributes:
        samples: (C, N) float32.
        rate: samples a second.
        layout: FFmpeg's name of the channel layout.
        codec: encoder.
        start: seconds at which it begins.
        pieces: instead of `samples`: (start in seconds, samples) of pieces, a packet each with an uncompressed codec.
        tags: what the track says of itself, such as its language.
        preferred: whether the track is marked as the one to play.
    """

    samples: np.ndarray | None = None
    rate: int = 48_000
    layout: str = "mono"
    codec: str = "aac"
    start: float = 0.0
    pieces: Sequence[tuple[float, np.ndarray]] = ()
    tags: dict[str, str] = field(default_factory=dict)
    preferred: bool = False


@dataclass(frozen=True)
class Picture:
    """A video track.

    Attributes:
        images: (H, W, 3) uint8 frames.
        times: seconds at which each is shown; 25 a second by default.
        codec: encoder.
        aspect: width of a pixel over its height.
        options: options of the encoder.
    """

    images: Sequence[np.ndarray]
    times: Sequence[float] = ()
    codec: str = "libx264"
    aspect: Fraction = Fraction(1)
    options: dict[str, str] = field(default_factory=lambda: {"preset": "ultrafast", "g": "10"})


def tone(seconds: float, rate: int = 48_000, frequency: float = 440.0, channels: int = 1) -> np.ndarray:
    """(C, N) float32: a sine of amplitude 0.3 on every channel."""
    time = np.arange(round(seconds * rate)) / rate
    return np.tile(0.3 * np.sin(2 * np.pi * frequency * time).astype(np.float32), (channels, 1))


def moving(count: int, width: int = WIDTH, height: int = HEIGHT) -> list[np.ndarray]:
    """`count` frames, each of which differs from the others."""
    ramp = np.arange(width, dtype=np.int64) * 2 + np.arange(height)[:, None]
    return [np.repeat(((ramp + 5 * i) % 256).astype(np.uint8)[:, :, None], 3, axis=2) for i in range(count)]


def flashes(count: int, white: Sequence[int]) -> list[np.ndarray]:
    """`count` black frames but for the white ones."""
    return [np.full((HEIGHT, WIDTH, 3), 255 if i in white else 0, np.uint8) for i in range(count)]


def beeps(seconds: float, at: Sequence[float], rate: int = 48_000, length: float = 0.04) -> np.ndarray:
    """(1, N) float32: silence but for beeps of 1 kHz at the given times."""
    samples = np.zeros((1, round(seconds * rate)), np.float32)
    for start in at:
        beep = tone(length, rate, 1000.0)
        first = round(start * rate)
        samples[:, first : first + beep.shape[1]] = beep * 2
    return samples


def write_media(
    path: Path,
    sound: Sound | None = None,
    picture: Picture | None = None,
    cover: np.ndarray | None = None,
    container_options: dict[str, str] | None = None,
    more: Sequence[Sound | Picture] = (),
) -> Path:
    """Write a media file; the container follows from the file's name. Packets are interleaved by time.

    Further tracks are `more`.
    """
    with av.open(str(path), "w", options=container_options or {}) as container:
        tracks = []
        if picture is not None:
            tracks.append(_encode_picture(container, picture))
        if sound is not None:
            tracks.append(_encode_sound(container, sound))
        tracks += [(_encode_sound if isinstance(each, Sound) else _encode_picture)(container, each) for each in more]
        if cover is not None:
            tracks.append(_encode_cover(container, cover))
        # Encoders are fed before the header is written, so that their packets can be sorted.
        for packet in sorted(itertools.chain(*tracks), key=lambda packet: packet.dts * packet.time_base):
            container.mux(packet)
    return path


def _encode_picture(container, picture):
    height, width = picture.images[0].shape[:2] if picture.images else (HEIGHT, WIDTH)
    stream = container.add_stream(picture.codec, rate=25, options=dict(picture.options))
    stream.width, stream.height = width, height
    stream.pix_fmt = "yuvj420p" if picture.codec == "mjpeg" else "yuv420p"
    stream.codec_context.sample_aspect_ratio = picture.aspect
    step = Fraction(1, 1000) if picture.times else Fraction(1, 25)
    stream.codec_context.time_base = step
    packets = []
    for image, time in zip(picture.images, picture.times or [i / 25 for i in range(len(picture.images))], strict=True):
        frame = VideoFrame.from_ndarray(image, format="rgb24")
        frame.pts, frame.time_base = round(time / step), step
        packets += stream.encode(frame)
    return packets + stream.encode(None)


def _encode_sound(container, sound):
    stream = container.add_stream(sound.codec, rate=sound.rate, layout=sound.layout)
    stream.metadata.update(sound.tags)
    if sound.preferred:
        stream.disposition = av.stream.Disposition.default
    context = stream.codec_context
    context.format = _FORMATS.get(sound.codec, "s16")
    context.open()
    packets = []
    pieces = sound.pieces or [(sound.start, sound.samples)]
    for start, samples in pieces:
        chunk = context.frame_size or (samples.shape[1] if sound.pieces else _CHUNK)
        for first in range(0, samples.shape[1], chunk):
            frame = _audio_frame(samples[:, first : first + chunk], context.format.name, sound)
            frame.pts, frame.time_base = round(start * sound.rate) + first, Fraction(1, sound.rate)
            packets += stream.encode(frame)
    return packets + stream.encode(None)


def _audio_frame(samples, name, sound):
    if not name.startswith("flt"):
        samples = np.round(np.clip(samples, -1, 1) * 32767).astype(np.int16)
    if not name.endswith("p"):
        samples = samples.T.reshape(1, -1)
    frame = AudioFrame.from_ndarray(np.ascontiguousarray(samples), format=name, layout=sound.layout)
    frame.sample_rate = sound.rate
    return frame


def _encode_cover(container, cover):
    stream = container.add_stream("mjpeg", rate=1)
    stream.width, stream.height, stream.pix_fmt = cover.shape[1], cover.shape[0], "yuvj420p"
    stream.disposition = av.stream.Disposition.attached_pic
    frame = VideoFrame.from_ndarray(cover, format="rgb24")
    frame.pts, frame.time_base = 0, Fraction(1, 1)
    return stream.encode(frame) + stream.encode(None)


def beginning(path: Path, to: Path, seconds: float) -> Path:
    """The beginning of a file, as it is."""
    with av.open(str(path)) as source, av.open(str(to), "w") as target:
        tracks = {track.index: target.add_stream_from_template(track) for track in source.streams}
        for packet in source.demux():
            if packet.dts is not None and packet.pts * packet.time_base < seconds:
                packet.stream = tracks[packet.stream.index]
                target.mux(packet)
    return to


def truncated(path: Path, to: Path, fraction: float) -> Path:
    """Copy only the first part of a file."""
    data = path.read_bytes()
    to.write_bytes(data[: int(len(data) * fraction)])
    return to


def scribbled(path: Path, to: Path, at: float, length: int) -> Path:
    """Copy a file with `length` bytes from the fraction `at` on replaced by noise."""
    data = bytearray(path.read_bytes())
    first = int(len(data) * at)
    data[first : first + length] = np.random.default_rng(7).bytes(length)
    to.write_bytes(data)
    return to


def joined(parts: Sequence[Path], to: Path) -> Path:
    """Put files one behind the other, byte for byte."""
    to.write_bytes(b"".join(part.read_bytes() for part in parts))
    return to


def turned(path: Path, clockwise: int) -> Path:
    """Write into an mp4 of one video track that players must turn it by so many times 90 degrees."""
    cosine, sine = [(1, 0), (0, 1), (-1, 0), (0, -1)][clockwise % 4]
    matrix = (cosine, sine, 0, -sine, cosine, 0, 0, 0, 1 << 14)
    data = bytearray(path.read_bytes())
    first = data.index(b"tkhd") + 4 + 40  # ISO 14496-12, 8.3.2: the fields of version 0 before the matrix
    for i, value in enumerate(matrix):
        data[first + 4 * i : first + 4 * i + 4] = (value << 16 & 0xFFFFFFFF).to_bytes(4, "big")
    path.write_bytes(data)
    return path
