"""Pictures that a program hands over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

from lipstream.config import VideoConfig
from lipstream.pipeline import Port, Source, micros
from lipstream.pipeline.component import Context
from lipstream.stages.payloads import VideoFrame
from lipstream.stages.push.formats import Order, Picture, rgb
from lipstream.stages.push.handover import Handover
from lipstream.stages.push.sound import LONGEST_GAP_US, ORDER_US, POLL_SECONDS, Reached
from lipstream.stages.push.timeline import Timeline
from lipstream.stages.shedding import FACE_RATE, FACE_SHARE, FrameShedder

# The first picture may take a while to come.
_PATIENCE_US: Final = 5_000_000
# Pictures come late, but neither early nor the older after the newer: by more than this it is another clock.
_JUMP_US: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Seen:
    """A picture.

    Attributes:
        picture: in any form.
        order: of the colours in an array.
        time: the program's, microseconds; None where it is known by its arrival alone.
        arrival: session time at which it came, microseconds.
    """

    picture: Picture
    order: Order
    time: int | None
    arrival: int


class PushedPicture(Source):
    """Emits the pictures that a program hands over as RGB, at no more than `max_fps`.

    Live, the newest one is taken; where none comes for `freeze_after`, or only such as are older than what was shown,
    that is reported, and the stream's time goes on, so that nobody waits for it. Where the program's clock is set, the
    next picture is placed where it came. Where nothing may be skipped, each is taken, but for those beyond `max_fps`,
    which ones depends on their times alone.

    Args:
        config: the size of the pictures, and after how long without one, live, they count as gone.
        max_fps: most frames a second that are converted; live, fewer while the processor cannot keep up.
        max_pixels: most pixels of one.
        handover: where they come from.
        sound: session time by the sound's times.
        own: session time by the pictures' own times, for as long as there is no sound.
    """

    outputs: ClassVar[Mapping[str, Port]] = {"video": Port(VideoFrame)}

    def __init__(
        self,
        config: VideoConfig,
        max_fps: float,
        max_pixels: int,
        handover: Handover[Seen | Reached],
        sound: Timeline,
        own: Timeline,
    ) -> None:
        self._max_side = config.max_side
        self._patience = micros(config.freeze_after)
        self._max_fps = max_fps
        self._max_pixels = max_pixels
        self._handover = handover
        self._timeline = sound
        self._own = own
        self._shedder = FrameShedder(max_fps)
        self._promised = -1
        self._alive: int | None = None
        self._refused: int | None = None
        self._last: int | None = None
        self._masked = False

    def attach(self, context: Context) -> None:
        """Take up the surroundings; what comes from now on is timed by the run's clock."""
        super().attach(context)
        self._handover.attach(context.clock)

    def produce(self) -> bool:
        """Emit the next picture, or live, keep the stream's time going without one."""
        item = self._handover.get(POLL_SECONDS)
        if isinstance(item, Reached):
            self._promise(self._timeline.time_of(item.time) - ORDER_US)
        elif isinstance(item, Seen):
            self._count(item, self._take(item))
        elif self._handover.over:
            return False
        if not self.context.lossless:
            self._look(isinstance(item, Seen))
        return True

    def close(self) -> None:
        """Take nothing any more."""
        self._handover.close()

    def _look(self, came: bool) -> None:
        shed = self.context.sheds(FACE_RATE.name)
        self._shedder.thin_to(self._max_fps * FACE_SHARE if shed else self._max_fps)
        now = self.context.clock.now()
        if came:
            self._alive, self._masked = now, False
            return
        first = self._alive is None
        if now - (self._alive or 0) >= (_PATIENCE_US if first else self._patience):
            self._masked, self._refused = True, None
            self.degrade("video", "no picture is handed over, waiting for one")
        elif first and now >= self._patience:
            # Not worth a word yet, but nobody has to wait for it.
            self._masked = True
        if self._masked:
            self._promise(now)

    def _count(self, seen: Seen, taken: bool) -> None:
        """Live, notice pictures of which none can be taken: others would wait for them."""
        if taken:
            self._refused = None
        elif self._refused is None:
            self._refused = seen.arrival
        if self._refused is not None and not self.context.lossless and seen.arrival - self._refused >= self._patience:
            self.degrade("video", "pictures come with times that are over already: left out")
            # No further: one that is merely late finds its place again.
            self._promise(seen.arrival - self._patience)

    def _take(self, seen: Seen) -> bool:
        """Emit a picture; returns False if it is out of order."""
        time = self._time_of(seen)
        if time <= self._promised or time < 0:
            self.context.count("video.frames_out_of_order", 1)
            if self.context.lossless and self._promised >= 0:
                self.degrade("video", "pictures come later than the sound of their time by more than 2 s: left out")
            return False
        if not self._shedder.keeps(time):
            return True
        try:
            image, size = rgb(seen.picture, seen.order, self._max_side, self._max_pixels)
        except ValueError as error:
            self.context.count("video.packets_undecodable", 1)
            self.degrade("video", f"a picture that was handed over cannot be used: {error}")
            return True
        self.recover("video")
        self._promised = time
        self.emit("video", VideoFrame(image, size), time)
        return True

    def _time_of(self, seen: Seen) -> int:
        if seen.time is None:
            return seen.arrival
        if self._timeline.known:
            time = self._timeline.time_of(seen.time)
            # The clock was set, and the sound has yet to tell so.
            early = not self.context.lossless and time - seen.arrival > LONGEST_GAP_US - _JUMP_US
            return seen.arrival if early else time
        last, self._last = self._last, seen.time
        if not self.context.lossless and last is not None:
            ahead = self._own.time_of(seen.time) - seen.arrival
            if ahead > _JUMP_US or seen.time < last - _JUMP_US:
                self._own.restart(seen.time, seen.arrival)
        self._own.tie(seen.time, seen.arrival)
        return self._own.time_of(seen.time)

    def _promise(self, time: int) -> None:
        if time > self._promised:
            self._promised = time
            self.context.advance(time)
