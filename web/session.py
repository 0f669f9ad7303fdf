"""One browser's session: its connection, its media, and the run that captions them."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError
from av.audio.frame import AudioFrame
from av.video.frame import VideoFrame

from lipstream import Pipeline
from lipstream.web.rtc.connection import Connection
from lipstream.web.rtc.peer_picture import PeerPicture, Seen
from lipstream.web.rtc.peer_sound import Heard, PeerSound
from lipstream.web.rtc.peer_source import Invitation
from lipstream.web.rtc.rtp_clock import PeerClock, StreamClock
from lipstream.web.run_session import RunSession
from lipstream.web.threads import on_thread

log = logging.getLogger(__name__)

CONNECT_SECONDS = 20.0
"""Longest time from an offer to its connection."""
SILENT_SECONDS = 10.0
"""A browser of which no packet has come for so long is gone; one that is muted still sends some."""
SOUND_RATE = 48_000
PICTURE_RATE = 90_000


@dataclass(frozen=True, slots=True)
class Prepared:
    """A run that is started and loads its networks, or has; it waits for a browser.

    Attributes:
        pipeline: the run.
        sound: its sound, or None.
        picture: its picture, or None.
        now: session time in microseconds; 0 before the session has begun.
        invitation: what its sources wait for.
        own: set where sound and picture come from microphone and camera of this machine's user, and not from a tab that
            is shared, or from elsewhere.
        outdated: whether what the run was made of has changed since, so that another one should be made; asked often,
            until the run has its browser.
    """

    pipeline: Pipeline
    sound: PeerSound | None
    picture: PeerPicture | None
    now: Callable[[], int]
    invitation: Invitation
    own: threading.Event = field(default_factory=threading.Event)
    outdated: Callable[[], bool] = lambda: False


class Session(RunSession):
    """One browser's session.

    Args:
        connection: the browser's, whose offer has been answered.
        prepared: the run.
        changed: called whenever `state` has changed.
    """

    kind = "browser"

    def __init__(self, connection: Connection, prepared: Prepared, changed: Callable[[], None]) -> None:
        super().__init__(changed)
        self._connection = connection
        self._prepared = prepared
        self._clock = PeerClock(StreamClock(SOUND_RATE, lag=SOUND_RATE // 50), StreamClock(PICTURE_RATE))
        connection.listen(self._clock, prepared.now)
        self._pumps = [
            asyncio.ensure_future(self._pump_sound(track) if track.kind == "audio" else self._pump_picture(track))
            for track in connection.tracks
        ]
        self._life = asyncio.ensure_future(self._live())

    @property
    def pipeline(self) -> Pipeline:
        """The run."""
        return self._prepared.pipeline

    def now(self) -> int:
        """Session time in microseconds; 0 before the session has begun."""
        return self._prepared.now()

    async def wait(self) -> None:
        """Wait until the session has ended and its run is over."""
        await self._life

    # Its life.

    async def _live(self) -> None:
        """See the session through: connect, watch, end."""
        try:
            await self._watch()
        finally:
            self._ending.set()
            await self._finish()

    async def _watch(self) -> None:
        kinds = {track.kind for track in self._connection.tracks}
        loop = asyncio.get_running_loop()
        begun = alive = loop.time()
        packets = 0
        accepted = False
        while not self.ending and not self._connection.over and not self._run_is_over():
            now = loop.time()
            if self._connection.connected and not accepted:
                accepted, alive = True, now
                self._prepared.invitation.accept("audio" in kinds, "video" in kinds)
            if not accepted and now - begun > CONNECT_SECONDS:
                log.info("a browser made an offer but did not connect")
                return
            if self._connection.packets != packets:
                packets, alive = self._connection.packets, now
            if accepted and now - alive > SILENT_SECONDS:
                log.info("a browser went away without a word")
                return
            if accepted and self.state == "loading" and self.pipeline.begun:
                self._become("running")
            await self._rest()

    async def _finish(self) -> None:
        await asyncio.gather(self._connection.close(), on_thread(self.pipeline.stop))
        for pump in self._pumps:
            pump.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)
        self._become("ended")

    # Its media.

    async def _pump_sound(self, track: MediaStreamTrack) -> None:
        clock, tap, sound = self._clock.sound, self._connection.tap(track), self._prepared.sound
        async for frame in _frames(track):
            if sound is None or not isinstance(frame, AudioFrame) or frame.pts is None or not clock.known:
                continue
            # Opus alone, which every browser sends, counts its time in samples of 48 kHz.
            if frame.sample_rate == SOUND_RATE:
                ticks = tap.ticks_of(frame.pts)
                end = ticks + frame.samples
                sound.offer(Heard(frame, ticks, clock.time_of(ticks), clock.time_of(end)))

    async def _pump_picture(self, track: MediaStreamTrack) -> None:
        clock, tap, picture = self._clock, self._connection.tap(track), self._prepared.picture
        async for frame in _frames(track):
            if picture is not None and isinstance(frame, VideoFrame) and frame.pts is not None and clock.picture.known:
                picture.offer(Seen(frame, clock.picture_time(tap.ticks_of(frame.pts))))


async def _frames(track: MediaStreamTrack) -> AsyncIterator[object]:
    """The frames of a track until it ends."""
    while True:
        try:
            yield await track.recv()
        except MediaStreamError:
            return
