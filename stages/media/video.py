"""The picture of a media file."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any, ClassVar, Literal, cast

from av.codec.context import CodecContext
from av.container import InputContainer
from av.stream import Stream
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame as DecodedFrame
from av.video.reformatter import Interpolation, VideoReformatter

from lipstream.config.schema import LimitsConfig, Pace
from lipstream.pipeline import Packet, Port, UserError
from lipstream.stages.media.deliveries import Deliveries
from lipstream.stages.media.limits import DEFAULT, decoder_options
from lipstream.stages.media.opening import open_with_hardware
from lipstream.stages.media.picture import scaled_size, upright
from lipstream.stages.media.probe import MediaInfo
from lipstream.stages.media.source import MediaSource
from lipstream.stages.media.time import without_strays
from lipstream.stages.media.tracks import ANY, Wanted, in_words
from lipstream.stages.payloads import UInt8, VideoFrame
from lipstream.stages.shedding import FrameShedder

_DEFAULT_FPS = 25.0
# What a decoder makes up for damaged parts depends on how its threads interleave, and the same file should always give
# the same result. One thread keeps up with the stages behind it up to full HD; beyond that speed matters more.
_LARGE_PIXELS = 1920 * 1088


class MediaVideo(MediaSource):
    """Emits a file's frames as upright RGB pictures at their presentation times.

    Frames that do not advance in time are dropped and counted as `video.frames_out_of_order`. Frames beyond `max_fps`
    are decoded, because later ones build on them, and left out; which ones depends on their timestamps only. A frame
    becomes a picture when somebody looks at it.

    Args:
        path: the file.
        pace: as fast as possible, or at the speed of the recording.
        max_side: pictures are scaled down to this longer side, in pixels, in the same pass that makes them RGB.
        max_fps: most frames a second that are emitted.
        limits: what the file may ask for.
        wanted: which of its tracks.
        deliveries: see `MediaSource`.
        hardware: let a graphics card decode pictures larger than full HD, if one is there.
    """

    outputs: ClassVar[Mapping[str, Port]] = {"video": Port(VideoFrame)}
    modality = "video"
    noun = "picture"

    def __init__(
        self,
        path: Path,
        pace: Pace = Pace.MAX,
        max_side: int = 640,
        max_fps: float = 25.0,
        limits: LimitsConfig = DEFAULT,
        wanted: Wanted = ANY,
        deliveries: Deliveries | None = None,
        hardware: Literal["auto", "off"] = "off",
    ) -> None:
        super().__init__(path, pace, limits, wanted, deliveries)
        self._hardware = hardware
        self._max_side = max_side
        self._max_fps = max_fps
        self._reformatter = VideoReformatter()
        self._converting = threading.Lock()

    def _open_container(self) -> InputContainer:
        container = super()._open_container()
        if self._hardware == "off" or not any(_is_large(stream.codec_context) for stream in container.streams.video):
            return container
        container.close()
        return open_with_hardware(self._path, self._limits)

    def _prepare(self, container: InputContainer, info: MediaInfo) -> Stream:
        if info.video is None:
            raise UserError(f"'{self._path}' has no video track; expected one, or switch the picture off (--no-video)")
        stream = container.streams[info.video.index]
        if info.video.count > 1:
            self.remark("track", f"{in_words(info.video)} is looked at; video.track chooses another")
        large = _is_large(stream.codec_context)
        stream.codec_context.options = decoder_options(self._limits)
        stream.codec_context.thread_type = "AUTO" if large else "NONE"
        self._interval = round(1e6 / (info.video.fps or _DEFAULT_FPS))
        self._aspect = stream.codec_context.sample_aspect_ratio or Fraction(1)
        return stream

    def _due(self, packet: Packet[Any]) -> int:
        return packet.timestamp

    def _make_packets(self) -> Iterator[Packet[Any]]:
        shedder = FrameShedder(self._max_fps)
        newest = -1
        expected: int | None = None
        for timed in without_strays(self._frames(lambda _: self._interval)):
            start = self._place(timed, expected)
            if start <= newest:
                if newest >= 0:
                    self.context.count("video.frames_out_of_order", 1)
                continue
            newest, expected = start, start + self._interval
            if shedder.keeps(start):
                yield Packet(start, self._convert(timed.frame), self._interval)

    def _convert(self, frame: DecodedFrame) -> VideoFrame:
        width, height = frame.width, frame.height
        turned = round(frame.rotation / 90) % 2 != 0
        return VideoFrame(lambda: self._picture(frame), (height, width) if turned else (width, height))

    def _picture(self, frame: DecodedFrame) -> UInt8:
        size = scaled_size(frame.width, frame.height, self._max_side, self._aspect)
        # One reformatter for all frames: `frame.reformat` sets up a new scaler each time, which takes ten times longer
        # than the scaling. It is used by one thread at a time.
        with self._converting:
            scaled = self._reformatter.reformat(
                frame, width=size[0], height=size[1], format="rgb24", interpolation=Interpolation.AREA
            )
        return upright(cast(UInt8, scaled.to_ndarray()), round(frame.rotation / 90))


def _is_large(codec: CodecContext | None) -> bool:
    return isinstance(codec, VideoCodecContext) and codec.width * codec.height > _LARGE_PIXELS
