"""The recording inside its report: put into the page if it is small, else beside it."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal, cast
from urllib.parse import quote

import av
import cv2
from av.container import InputContainer
from av.video.stream import VideoStream

from lipstream.config import LimitsConfig
from lipstream.pipeline import UserError
from lipstream.stages.media import limits as media_limits
from lipstream.stages.media.opening import opened
from lipstream.stages.media.picture import scaled_size, upright
from lipstream.stages.media.probe import MediaInfo, describe
from lipstream.stages.payloads import UInt8

EMBED_LIMIT = 24 << 20
"""Bytes of the largest recording that is put into the page itself."""
_POSTER_SIDE = 640
_POSTER_QUALITY = 80
_CHUNK = 3 << 16
"""Bytes encoded at a time, a multiple of three."""

_MP4_SOUND = {"aac", "mp3", "opus", "flac"}
_WEBM_SOUND = {"opus", "vorbis"}
_VIDEO = {
    "mov,mp4,m4a,3gp,3g2,mj2": ("video/mp4", {"h264", "av1", "vp9"}, _MP4_SOUND),
    "matroska,webm": ("video/webm", {"vp8", "vp9", "av1"}, _WEBM_SOUND),
}
_AUDIO = {
    "mp3": ("audio/mpeg", {"mp3", "mp3float"}),
    "wav": ("audio/wav", {"pcm_s16le", "pcm_u8", "pcm_s24le", "pcm_f32le"}),
    "flac": ("audio/flac", {"flac"}),
    "ogg": ("audio/ogg", {"opus", "vorbis", "flac"}),
    "mov,mp4,m4a,3gp,3g2,mj2": ("audio/mp4", _MP4_SOUND),
    "matroska,webm": ("audio/webm", _WEBM_SOUND),
}
_PIXELS = {"yuv420p", "yuvj420p"}
"""What every browser decodes; 10 bits and 4:4:4 are for some."""


@dataclass(frozen=True, slots=True)
class PageMedia:
    """How a page plays its recording.

    Attributes:
        kind: the element that plays it.
        mime: its type; empty for one that browsers are not known to play, which is worth a try.
        url: where it is; empty if it is put into the page.
        poster: a JPEG to show until it plays; empty for none.
        origin: the recording's own time, in seconds, at which the times of the captions begin.
    """

    kind: Literal["video", "audio"]
    mime: str
    url: str
    poster: bytes = b""
    origin: float = 0.0


def page_media(
    source: Path, out: Path, url: str | None = None, limits: LimitsConfig = media_limits.DEFAULT
) -> PageMedia:
    """Decide how the page at `out` plays a recording.

    Args:
        source: the recording.
        out: the page.
        url: where the recording is for whoever reads the page; None puts it into the page if it is small and of a type
            that browsers play, and links it otherwise, relative to the page.
        limits: what the recording may ask for.

    Raises:
        UserError: the recording cannot be read any more.
    """
    with opened(source, limits) as container:
        info = describe(source, container, limits)
        kind: Literal["video", "audio"] = "video" if info.has_video else "audio"
        mime = _mime(container, info)
        origin = max(0, info.origin) / 1e6
        if url is None and mime and source.stat().st_size <= EMBED_LIMIT:
            return PageMedia(kind, mime, "", origin=origin)
        poster = _poster(container, info)
    return PageMedia(kind, mime, _relative(source, out) if url is None else url, poster, origin)


def data_uri(source: Path, mime: str) -> Iterator[bytes]:
    """The recording as a `data:` address, in pieces.

    Raises:
        UserError: it cannot be read any more.
    """
    yield f"data:{mime};base64,".encode()
    try:
        with source.open("rb") as file:
            while chunk := file.read(_CHUNK):
                yield base64.b64encode(chunk)
    except OSError as error:
        raise UserError(f"'{source}' cannot be read any more: {error.strerror}") from error


def _mime(container: InputContainer, info: MediaInfo) -> str:
    sound = container.streams[info.audio.index].codec_context.name if info.audio else None
    if info.video is not None:
        mime, pictures, sounds = _VIDEO.get(info.format, ("", set(), set()))
        codec = container.streams[info.video.index].codec_context
        # Decoders may be called otherwise than what they decode, such as libdav1d.
        name = codec.codec.canonical_name if hasattr(codec.codec, "canonical_name") else codec.name
        fits = name in pictures and codec.pix_fmt in _PIXELS and (sound is None or sound in sounds)
    else:
        mime, sounds = _AUDIO.get(info.format, ("", set()))
        fits = sound in sounds
    return mime if fits else ""


def _relative(source: Path, out: Path) -> str:
    try:
        path = os.path.relpath(source.resolve(), out.resolve().parent)
    except ValueError:  # another drive of Windows
        return source.resolve().as_uri()
    # Quoted, no name is more than a path: the colon of "12:30.mp4" makes no protocol, and "?" and "#" end nothing.
    address = quote(path.replace(os.sep, "/").encode("utf-8", "surrogateescape"))
    return address if address.startswith("../") else f"./{address}"


def _poster(container: InputContainer, info: MediaInfo) -> bytes:
    """The first picture as a JPEG; empty if there is none that can be decoded."""
    if info.video is None:
        return b""
    stream = cast(VideoStream, container.streams[info.video.index])
    try:
        frame = next(iter(container.decode(stream)), None)
        if frame is None:
            return b""
        aspect = stream.codec_context.sample_aspect_ratio or Fraction(1)
        width, height = scaled_size(frame.width, frame.height, _POSTER_SIDE, aspect)
        image = cast(UInt8, frame.reformat(width=width, height=height, format="bgr24").to_ndarray())
    except (av.FFmpegError, OSError, ValueError):
        # The run has said what is damaged; a page without a poster is still a page.
        return b""
    turned = upright(image, round(frame.rotation / 90))
    done, data = cv2.imencode(".jpg", turned, [cv2.IMWRITE_JPEG_QUALITY, _POSTER_QUALITY])
    return data.tobytes() if done else b""
