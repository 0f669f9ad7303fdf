"""The picture of a rendered video: every frame decoded, drawn on and encoded again."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import chain
from typing import Any, Protocol, cast

import av
import cv2
import numpy as np
from av.container import OutputContainer
from av.packet import Packet
from av.stream import Stream
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, ColorTrc, Interpolation, VideoReformatter
from av.video.stream import VideoStream

from lipstream.stages.media.picture import upright
from lipstream.stages.media.time import Timed, without_strays
from lipstream.stages.payloads import UInt8
from lipstream.views.drawing.scene import Scene
from lipstream.views.media.output import Encoded
from lipstream.views.media.rereading import Placement, Stopping, Track
from lipstream.views.media.tone_map import tone_mapped

CODEC = "libx264"
OPTIONS = {"preset": "veryfast", "crf": "20"}
"""At this quality the difference to the source is hard to see; the presets below it save little time."""
PLAIN_SIZE = (1280, 720)
PLAIN_FPS = 25
PLAIN_COLOUR = (18, 20, 26)
"""The picture of a recording that has none, red, green, blue."""
SMALL = 360
READABLE = 480
"""Pixels of the shorter side: smaller pictures are enlarged to `READABLE` or a bit more, so that text can be read."""
_LARGEST_FACTOR = 4
_WIDEST = 4
_DEFAULT_FPS = 25.0
_STILL_US = 100_000
"""A picture that stands for longer than this, in microseconds, is shown again with each change of the captions."""
_LONGEST_LAST = 10
"""Seconds; a track that claims to go on for longer than this after its last frame is taken to be cut off."""
_BT709 = 1
_HDR = {ColorTrc.SMPTE2084, ColorTrc.ARIB_STD_B67}
# ITU-T H.273, table 4: those for which there are coefficients.
_MATRICES = {1, 4, 5, 6, 7, 9}
_UNKNOWN = 2

Scenes = Callable[[float], Scene]
"""The scene at a moment, seconds."""


class Painter(Protocol):
    """Draws a scene over a picture."""

    def draw(self, image: UInt8, scene: Scene) -> None:
        """Draw in place.

        Args:
            image: (H, W, 3) RGB, contiguous.
            scene: what to show.
        """


class SourcePictures:
    """The source's frames in its full resolution (or more, where text could not be read), upright, at its own times.

    Frames that do not advance in time are left out, as in the run. Pixels that are no squares become squares, or
    letters would be as wide as they are. HDR becomes SDR (`tone_map`), because overlays have no place in its
    brightness; the encoder has 8 bits. A picture that stands still, or is the last while the sound goes on, is shown
    again whenever the captions over it change.

    Args:
        track: the video track.
        stopping: ends it.
    """

    def __init__(self, track: Track, stopping: Stopping) -> None:
        video = track.info.video
        assert video is not None
        self.track = track
        self._stopping = stopping
        track.stream.codec_context.thread_type = "AUTO"
        fps = video.fps or _DEFAULT_FPS
        self._interval = round(1e6 / fps)
        self._placement = Placement(track.origin, track.time_base, fine=self._interval > _STILL_US)
        self._frames = without_strays(track.frames(lambda _: self._interval, stopping))
        self._first: Timed[VideoFrame] | None = next(self._frames, None)
        self._aspect = _aspect(track.stream)
        self._changes: Sequence[int] = ()
        self._until = 0
        self._fps = Fraction(fps).limit_denominator(1001) or Fraction(1)

    @property
    def found(self) -> bool:
        """Whether there is a frame at all."""
        return self._first is not None

    def add_to(self, output: OutputContainer) -> VideoStream:
        """Add the stream that will hold them."""
        assert self._first is not None
        frame = self._first.frame
        turned = _turns(frame) % 2 == 1
        width, height = _size(frame, self._aspect)
        size = (height, width) if turned else (width, height)
        stream = _add_stream(output, size, self._fps, self._placement.time_base)
        context = stream.codec_context
        context.sample_aspect_ratio = Fraction(1)
        colours = _Colours(frame)
        context.colorspace, context.color_range = colours.space, ColorRange.MPEG
        context.color_primaries, context.color_trc = colours.primaries, colours.trc
        return stream

    def repeat_at(self, changes: Sequence[int], until: int) -> None:
        """Say when a picture that stands still is to be shown again.

        Args:
            changes: session times at which captions come and go, growing, microseconds.
            until: session time at which the recording ends, microseconds.
        """
        self._changes, self._until = changes, until

    def rendered(self, stream: VideoStream, scenes: Scenes, painter: Painter) -> Encoded:
        """Encode all of them with what is drawn over them."""
        assert self._first is not None
        canvas = _Canvas(stream, self._first.frame, self._aspect)
        newest, expected, last = -1, None, None
        held: VideoFrame | None = None

        def again(before: int) -> Encoded:
            """The newest picture with every change of the captions until then."""
            if held is None or before - newest <= _STILL_US:
                return
            first, behind = bisect_right(self._changes, newest), bisect_left(self._changes, before)
            for time in self._changes[first:behind]:
                ticks = self._placement.ticks(time)
                if canvas.newest < ticks < self._placement.ticks(before) and not self._stopping():
                    image = canvas.image(held)
                    painter.draw(image, scenes(time / 1e6))
                    yield time, canvas.encode(image, ticks)

        for timed in chain([self._first], self._frames):
            # Without a time of its own a stray's timestamp is not to be believed either.
            pts = None if timed.time is None else timed.frame.pts
            start, ticks = self._placement.place(pts, expected)
            if start <= newest:
                continue
            yield from again(start)
            newest, expected = start, start + self._interval
            try:
                image = canvas.image(timed.frame)
            except av.FFmpegError:
                # A damaged frame may be in a format that nothing can be made of.
                continue
            held = timed.frame
            painter.draw(image, scenes(start / 1e6))
            yield start, canvas.encode(image, ticks)
            last = pts
        end = canvas.newest + self._left(last)
        for newest, packets in again(self._until):
            end = max(end, self._placement.ticks(self._until))
            yield newest, packets
        yield newest, canvas.finish(max(1, end - canvas.newest))

    def _left(self, pts: int | None) -> int:
        """How long the last frame stays, in ticks of the output."""
        stream = self.track.stream
        if pts is not None and stream.duration and not self._stopping():
            left = ((stream.start_time or 0) + stream.duration - pts) * self.track.time_base
            if 0 < left <= _LONGEST_LAST:
                return round(left / self._placement.time_base)
        return self._placement.ticks(self._interval)


class PlainPictures:
    """A plain dark picture for a recording that has none.

    Args:
        duration: seconds.
        stopping: ends it.
    """

    track = None

    def __init__(self, duration: float, stopping: Stopping) -> None:
        self._count = max(1, round(duration * PLAIN_FPS))
        self._stopping = stopping

    def add_to(self, output: OutputContainer) -> VideoStream:
        """Add the stream that will hold it."""
        return _add_stream(output, PLAIN_SIZE, Fraction(PLAIN_FPS), Fraction(1, PLAIN_FPS))

    def rendered(self, stream: VideoStream, scenes: Scenes, painter: Painter) -> Encoded:
        """Encode it with what is drawn over it."""
        width, height = PLAIN_SIZE
        blank: UInt8 = np.full((height, width, 3), PLAIN_COLOUR, np.uint8)
        image = blank.copy()
        canvas = _Canvas(stream, VideoFrame.from_numpy_buffer(image, format="rgb24"))
        for index in range(self._count):
            if self._stopping():
                break
            np.copyto(image, blank)
            painter.draw(image, scenes(index / PLAIN_FPS))
            yield index * 1_000_000 // PLAIN_FPS, canvas.encode(image, index)
        yield self._count * 1_000_000 // PLAIN_FPS, canvas.finish(1)


class _Colours:
    """How colours are coded in the output, as numbers of ITU-T H.273."""

    def __init__(self, frame: VideoFrame) -> None:
        self.transfer = frame.color_trc
        self.hdr = self.transfer in _HDR
        self.space = _BT709 if self.hdr else frame.colorspace
        self.primaries = _BT709 if self.hdr else frame.color_primaries
        self.trc = _BT709 if self.hdr else self.transfer
        if self.space not in _MATRICES:
            # The source was RGB, or is damaged.
            self.space = _UNKNOWN


class _Canvas:
    """Makes RGB pictures of decoded frames, and packets of those pictures.

    Attributes:
        newest: timestamp of the picture that was encoded last, in ticks of the stream's time base.
    """

    def __init__(self, stream: VideoStream, first: VideoFrame, aspect: Fraction = Fraction(1)) -> None:
        self._stream = stream
        self._size = _size(first, aspect)
        self._turns = _turns(first)
        self._colours = _Colours(first)
        # One reformatter for each way: `frame.reformat` sets up a new scaler each time.
        self._reader, self._writer = VideoReformatter(), VideoReformatter()
        self.newest = 0
        self._durations: dict[int, int] = {}

    def image(self, frame: VideoFrame) -> UInt8:
        """(H, W, 3) upright RGB that may be drawn on; frames of another size than the first are scaled to it."""
        width, height = self._size
        # Not left to PyAV: version 17 only writes down what colours should be, and 18 cuts off what is bright.
        converted = self._reader.reformat(
            frame,
            width=width,
            height=height,
            format="rgb48le" if self._colours.hdr else "rgb24",
            interpolation=Interpolation.BICUBIC,
        )
        pixels: Any = converted.to_ndarray()
        plain: UInt8 = tone_mapped(pixels, self._colours.transfer) if self._colours.hdr else pixels
        image = upright(plain, self._turns)
        # A frame that was RGB already is the decoder's own, which builds later ones on it.
        return image.copy() if converted is frame else image

    def encode(self, image: UInt8, pts: int) -> list[Packet[Any]]:
        """Encode a picture; `pts` is in ticks of the stream's time base."""
        frame = VideoFrame.from_numpy_buffer(_even(image), format="rgb24")
        frame.colorspace, frame.color_range = self._colours.space, ColorRange.JPEG
        frame = self._writer.reformat(frame, format="yuv420p", dst_color_range=ColorRange.MPEG)
        frame.pts, frame.time_base = pts, self._stream.codec_context.time_base
        self._durations[self.newest] = pts - self.newest
        self.newest = pts
        return self._told(self._stream.encode(frame))

    def finish(self, duration: int) -> list[Packet[Any]]:
        """What the encoder still holds; `duration` is how long the last picture stays."""
        self._durations[self.newest] = duration
        return self._told(self._stream.encode(None))

    def _told(self, packets: list[Packet[Any]]) -> list[Packet[Any]]:
        # The encoder does not know how long pictures stay, and of the last one nothing else tells.
        for packet in packets:
            if packet.pts is not None:
                packet.duration = self._durations.pop(packet.pts, packet.duration)
        return packets


def _add_stream(output: OutputContainer, size: tuple[int, int], fps: Fraction, time_base: Fraction) -> VideoStream:
    stream = output.add_stream(CODEC, rate=fps, options=dict(OPTIONS))
    assert isinstance(stream, VideoStream)
    # Colour is kept for blocks of two by two.
    stream.width, stream.height = size[0] + size[0] % 2, size[1] + size[1] % 2
    stream.pix_fmt = "yuv420p"
    stream.codec_context.time_base = time_base
    return stream


def _even(image: UInt8) -> UInt8:
    height, width = image.shape[:2]
    if height % 2 == 0 and width % 2 == 0:
        return image
    return cast(UInt8, cv2.copyMakeBorder(image, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE))


def _size(frame: VideoFrame, aspect: Fraction) -> tuple[int, int]:
    """Width and height of the picture, in square pixels, before it is turned upright.

    Args:
        frame: as it is stored.
        aspect: width of its pixels for their height; the shorter side of a pixel is stretched.
    """
    square = Fraction(1)
    width, height = round(frame.width * max(aspect, square)), round(frame.height / min(aspect, square))
    shorter = min(width, height)
    factor = min(_LARGEST_FACTOR, -(-READABLE // shorter)) if shorter < SMALL else 1
    return factor * width, factor * height


def _aspect(stream: Stream) -> Fraction:
    """How wide the pixels of a track are for their height; 1 where a damaged file tells what cannot be."""
    aspect = stream.codec_context.sample_aspect_ratio or Fraction(1)
    return aspect if 1 / _WIDEST <= aspect <= _WIDEST else Fraction(1)


def _turns(frame: VideoFrame) -> int:
    return round(frame.rotation / 90)
