"""Packets of a track on their way, as they are, into another file."""

from __future__ import annotations

from typing import Any

from av.packet import Packet
from av.stream import Disposition, Stream

from lipstream.stages.media.audio import TOLERANCE_US
from lipstream.views.media.rereading import Placement


class CopiedTrack:
    """Moves the packets of one stream to the output and onto the session's clock.

    Args:
        origin: the container's time that is session time zero, microseconds.
        source: the stream.
        copy: the stream of the output.
        timed: whether the output gives every packet a time, also where sound is not compressed; an MP4 does not.

    Attributes:
        broken: whether there was a gap that the output cannot keep.
    """

    def __init__(self, origin: int, source: Stream, copy: Stream, timed: bool) -> None:
        self.broken = False
        self._copy = copy
        self._cover = bool(source.disposition & Disposition.attached_pic)
        context = source.codec_context
        self._gapless = not timed and context is not None and context.name.startswith("pcm")
        self._expected: int | None = None
        self._newest: int | None = None
        # Attachments have no packets, and no clock.
        if source.time_base is not None:
            self._tick = source.time_base
            self._placement = Placement(origin, source.time_base)
            self._ratio = source.time_base / self._placement.time_base

    def move(self, packet: Packet[Any]) -> int | None:
        """Set a packet up for the output.

        Returns:
            Its session time in microseconds; None for one that has no time, which is to be left out.
        """
        known = packet.dts if packet.dts is not None else packet.pts
        if known is None:
            if not self._cover:
                return None
            known = 0
        time, ticks = self._placement.place(known, self._expected)
        self.broken = self._gapless and self._expected is not None and time - self._expected > TOLERANCE_US
        duration = packet.duration or 0
        self._expected = time + int(duration * self._tick * 1_000_000)
        # Containers want times of decoding that grow, and none of presentation before them.
        dts = ticks if self._newest is None else max(ticks, self._newest + 1)
        pts = ticks if packet.pts is None else ticks + int((packet.pts - known) * self._ratio)
        self._newest = dts
        packet.stream, packet.time_base = self._copy, self._placement.time_base
        packet.dts, packet.pts = dts, max(pts, dts)
        packet.duration = int(duration * self._ratio)
        return time
