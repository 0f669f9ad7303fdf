"""A browser's camera."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, cast

import numpy as np
from av.video.frame import VideoFrame as DecodedFrame
from av.video.reformatter import Interpolation, VideoReformatter

from lipstream.config import VideoConfig
from lipstream.pipeline import Port, micros
from lipstream.stages.media.picture import scaled_size
from lipstream.stages.payloads import UInt8, VideoFrame
from lipstream.stages.shedding import FACE_RATE, FACE_SHARE, FrameShedder
from lipstream.web.rtc.peer_source import POLL_SECONDS, Invitation, PeerSource

# As for cameras: see stages/capture/camera.py.
_SAMPLING = 8
_FLAT = 2
# The first picture needs a whole key frame, which a slow connection takes some time for.
_PATIENCE_US = 5_000_000


@dataclass(frozen=True, slots=True)
class Seen:
    """A decoded picture and where it belongs.

    Attributes:
        frame: as decoded.
        time: session time, microseconds.
    """

    frame: DecodedFrame
    time: int


class PeerPicture(PeerSource):
    """Emits the newest picture of a browser's camera as RGB, at no more than `max_fps`.

    A browser that sends no picture for `freeze_after`, or nothing but one flat colour, as it does when the camera is
    covered or switched off, is reported; the stream's time goes on meanwhile, so that nobody waits for it.

    Args:
        config: the size of the pictures, and after how long without one the camera counts as gone.
        max_fps: most frames a second that are converted; fewer while the processor cannot keep up.
        invitation: the session's.
    """

    outputs: ClassVar[Mapping[str, Port]] = {"video": Port(VideoFrame)}

    def __init__(self, config: VideoConfig, max_fps: float, invitation: Invitation) -> None:
        super().__init__(invitation)
        self._max_side = config.max_side
        self._patience = micros(config.freeze_after)
        self._max_fps = max_fps
        self._shedder = FrameShedder(max_fps)
        self._reformatter = VideoReformatter()
        self._arrived = threading.Condition()
        self._newest: Seen | None = None
        self._promised = -1
        self._alive: int | None = None
        self._flat_since: int | None = None
        self._masked = False

    def offer(self, seen: Seen) -> None:
        """Hand over the next picture; never waits. One that nobody took yet gives way."""
        if not self._shedder.keeps(seen.time):
            return
        with self._arrived:
            self._newest = seen
            self._arrived.notify_all()

    def produce(self) -> bool:
        """Emit the newest picture, or keep the stream's time going without one."""
        if not self._invitation.picture:
            return False
        shed = self.context.sheds(FACE_RATE.name)
        self._shedder.thin_to(self._max_fps * FACE_SHARE if shed else self._max_fps)
        with self._arrived:
            if self._newest is None:
                self._arrived.wait(POLL_SECONDS)
            seen, self._newest = self._newest, None
        now = self.now()
        if seen is not None:
            self._alive = now
            self._show(seen)
        elif now - (self._alive or 0) >= self._longest_pause:
            self._mask("the browser sends no picture, waiting for it")
        elif self._alive is None and now >= self._patience:
            # Not worth a word yet, but nobody has to wait for it.
            self._masked = True
        if self._masked and now > self._promised:
            self._promised = now
            self.context.advance(now)
        return True

    @property
    def _longest_pause(self) -> int:
        # A browser whose camera is off may send a black picture now and then: that is no news each time.
        return _PATIENCE_US if self._alive is None or "video" in self.degraded else self._patience

    def _show(self, seen: Seen) -> None:
        if seen.time <= self._promised or self._is_flat(seen):
            return
        self._masked = False
        self.recover("video")
        self._promised = seen.time
        frame = seen.frame
        size = scaled_size(frame.width, frame.height, self._max_side)
        # One reformatter for all frames: a new scaler for each takes ten times longer than the scaling.
        scaled = self._reformatter.reformat(
            frame, width=size[0], height=size[1], format="rgb24", interpolation=Interpolation.AREA
        )
        image = np.ascontiguousarray(cast(UInt8, scaled.to_ndarray()))
        self.emit("video", VideoFrame(image, (frame.width, frame.height)), seen.time)

    def _is_flat(self, seen: Seen) -> bool:
        """Whether the picture has been of one colour for a while."""
        brightness = np.asarray(seen.frame.planes[0]).reshape(seen.frame.planes[0].height, -1)
        look = brightness[::_SAMPLING, : seen.frame.width : _SAMPLING]
        if int(look.max()) - int(look.min()) > _FLAT:
            self._flat_since = None
            return False
        if self._flat_since is None:
            self._flat_since = seen.time
        if seen.time - self._flat_since < self._patience:
            return self._masked
        self._mask("the browser's camera shows nothing but one colour: is it covered, or switched off?")
        return True

    def _mask(self, reason: str) -> None:
        self._masked = True
        self.degrade("video", reason)
