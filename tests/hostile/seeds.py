"""Small valid files of many containers and codecs, to be damaged."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.video.frame import VideoFrame

SECONDS = 0.8
RATE = 48_000
_RATES = {"pcm_s16le": 16_000, "alac": 16_000, "libmp3lame": 44_100, "wmav2": 44_100}
_STEREO = {"vorbis", "wmav2"}
FPS = 25
WIDTH, HEIGHT = 80, 64


@dataclass(frozen=True)
class Recipe:
    """How a file is made; its extension chooses the container.

    Attributes:
        name: name of the file.
        video: encoder of the picture, None for none.
        audio: encoder of the sound, None for none.
        pixels: pixel format the encoder takes.
        options: options of the container.
        video_options: options of the picture's encoder.
    """

    name: str
    video: str | None = None
    audio: str | None = None
    pixels: str = "yuv420p"
    options: dict[str, str] = field(default_factory=dict, hash=False)
    video_options: dict[str, str] = field(default_factory=dict, hash=False)

    @property
    def label(self) -> str:
        """`mp4 libx264+aac`."""
        return f"{self.name.rsplit('.')[-1]} {'+'.join(codec for codec in (self.video, self.audio) if codec)}"


RECIPES = (
    Recipe("a.mp4", "libx264", "aac", video_options={"preset": "ultrafast", "g": "10"}),
    Recipe("b.mp4", "libx264", "aac", options={"movflags": "frag_keyframe+empty_moov"}),
    Recipe("c.mov", "mjpeg", "pcm_s16le", pixels="yuvj420p"),
    Recipe("d.mkv", "libvpx-vp9", "libopus", video_options={"deadline": "realtime", "cpu-used": "8"}),
    Recipe("e.webm", "libvpx", "vorbis", options={"cluster_time_limit": "200"}),
    Recipe("f.avi", "mpeg4", "libmp3lame"),
    Recipe("g.ts", "mpeg2video", "mp2"),
    Recipe("h.flv", "flv", "libmp3lame"),
    Recipe("i.ogg", "libvpx", "libopus"),
    Recipe("j.wmv", "wmv2", "wmav2"),
    Recipe("k.mkv", "ffv1", "ac3"),
    Recipe("l.wav", None, "pcm_s16le"),
    Recipe("m.flac", None, "flac"),
    Recipe("n.mp3", None, "libmp3lame"),
    Recipe("o.m4a", None, "alac"),
    Recipe("p.gif", "gif", None, pixels="rgb8"),
)


def make_seeds(folder: Path, recipes: tuple[Recipe, ...] = RECIPES) -> dict[Recipe, bytes]:
    """The content of a valid file for each recipe."""
    return {recipe: write_seed(folder, recipe).read_bytes() for recipe in recipes}


def write_seed(folder: Path, recipe: Recipe) -> Path:
    """Write one file: a moving picture and a warble with a pause in it."""
    path = folder / recipe.name
    with av.open(str(path), "w", options=recipe.options) as container:
        container.metadata["title"] = "=cmd|'/C calc'!A0 \x1b]0;owned\x07 <b> --> 'quoted'"
        packets = []
        if recipe.video:
            packets += list(_encode_video(container, recipe))
        if recipe.audio:
            packets += list(_encode_audio(container, recipe))
        for packet in sorted(packets, key=lambda packet: packet.dts * packet.time_base):
            container.mux(packet)
    return path


def _encode_video(container: Any, recipe: Recipe) -> Iterator[Any]:
    stream = container.add_stream(recipe.video, rate=FPS, options=dict(recipe.video_options))
    stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, recipe.pixels
    stream.codec_context.time_base = Fraction(1, FPS)
    ramp = np.arange(WIDTH)[None, :] * 2 + np.arange(HEIGHT)[:, None]
    for number in range(round(SECONDS * FPS)):
        image = np.repeat(((ramp + 9 * number) % 256).astype(np.uint8)[:, :, None], 3, axis=2)
        frame = VideoFrame.from_ndarray(image, format="rgb24").reformat(format=recipe.pixels)
        frame.pts, frame.time_base = number, Fraction(1, FPS)
        yield from stream.encode(frame)
    yield from stream.encode(None)


def _encode_audio(container: Any, recipe: Recipe) -> Iterator[Any]:
    rate = _RATES.get(recipe.audio, RATE)
    # FFmpeg's own Vorbis encoder is marked experimental.
    stream = container.add_stream(
        recipe.audio, rate=rate, layout="stereo" if recipe.audio in _STEREO else "mono", options={"strict": "-2"}
    )
    context = stream.codec_context
    context.bit_rate = 64_000
    context.format = context.codec.audio_formats[0]
    context.open()
    time = np.arange(round(SECONDS * rate)) / rate
    voice = 0.4 * np.sin(2 * np.pi * (300 + 100 * np.sin(9 * time)) * time) * ((time < 0.35) | (time > 0.6))
    whole = AudioFrame.from_ndarray(voice[None].astype(np.float32), format="flt", layout="mono")
    whole.sample_rate, whole.pts, whole.time_base = rate, 0, Fraction(1, rate)
    resampler = AudioResampler(context.format, context.layout, rate, frame_size=context.frame_size or 1024)
    for piece in [*resampler.resample(whole), *resampler.resample(None)]:
        yield from stream.encode(piece)
    yield from stream.encode(None)
