"""Reading a recording a second time, on the clock of the run that was made of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import av
from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream

from lipstream.config.schema import LimitsConfig
from lipstream.stages.media.limits import decoder_options
from lipstream.stages.media.opening import open_container
from lipstream.stages.media.probe import describe
from lipstream.stages.media.time import SessionTime, Timed
from lipstream.stages.media.tracks import ANY, Wanted, to_micros

_MAX_READ_ERRORS = 10
_FINE = Fraction(1, 10_000)

Stopping = Callable[[], bool]
"""Whether reading is to end here."""


class Track:
    """One track of a file, opened for itself.

    Args:
        path: the file.
        kind: which track.
        limits: what the file may ask for.
        wanted: which of its tracks the run was made of.

    Attributes:
        container: the open file.
        info: what is in it.
        stream: the track.
        origin: the container's time that is session time zero, microseconds.
    """

    def __init__(self, path: Path, kind: Literal["audio", "video"], limits: LimitsConfig, wanted: Wanted = ANY) -> None:
        self.container: InputContainer = open_container(path, limits)
        self.info = describe(path, self.container, limits, wanted)
        track = self.info.audio if kind == "audio" else self.info.video
        assert track is not None
        self.stream: Stream = self.container.streams[track.index]
        if kind == "video":
            self.stream.codec_context.options = decoder_options(limits)
        self.origin = self.info.origin

    @property
    def time_base(self) -> Fraction:
        """Seconds a tick of the track's timestamps."""
        return self.stream.time_base or Fraction(1, 1_000_000)

    def close(self) -> None:
        """Close the file."""
        self.container.close()

    def packets(self, stopping: Stopping) -> Iterator[Packet[Any]]:
        """The track's packets; what cannot be read is passed over as in the run before."""
        return readable_packets(self.container, [self.stream], stopping)

    def frames(self, duration_of: Callable[[Any], int], stopping: Stopping) -> Iterator[Timed[Any]]:
        """Every frame that can be decoded, in the order of presentation.

        Args:
            duration_of: how much time a frame covers, microseconds.
            stopping: ends it.
        """
        with closing(self.packets(stopping)) as packets:  # type: ignore[type-var]
            for packet in packets:
                yield from self._decoded(packet, duration_of)
        if not stopping():
            yield from self._decoded(None, duration_of)

    def _decoded(self, packet: Packet[Any] | None, duration_of: Callable[[Any], int]) -> Iterator[Timed[Any]]:
        try:
            frames = self.stream.codec_context.decode(packet)
        except av.FFmpegError:
            return
        for frame in frames:
            time = None if frame.pts is None else to_micros(frame.pts, self.time_base)
            yield Timed(frame, time, duration_of(frame))


def readable_packets(container: InputContainer, streams: list[Stream], stopping: Stopping) -> Iterator[Packet[Any]]:
    """The packets of some streams of a file, as far as it can be read."""
    wanted = {stream.index for stream in streams}
    errors = 0
    while errors < _MAX_READ_ERRORS:
        try:
            for packet in container.demux():
                if stopping():
                    return
                if packet.size > 0 and packet.stream_index in wanted:
                    yield packet
            return
        except av.FFmpegError:
            # Reading on after an error finds what comes behind the damage, if anything can.
            errors += 1


class Placement:
    """Where timestamps of one track of the source lie in the output: session time, in ticks of a time base.

    The source's own ticks are kept, but for the same shift on all of them, unless its clock was reset in its midst.

    Args:
        origin: the container's time that is session time zero, microseconds.
        time_base: seconds a tick of the source.
        fine: there will be times between those of the source.
    """

    def __init__(self, origin: int, time_base: Fraction, *, fine: bool = False) -> None:
        self._session = SessionTime(origin)
        self._source = time_base
        # Where ticks are coarse, such as one a frame, the shift must not be rounded to them.
        exact = Fraction(origin, 1_000_000) % time_base < Fraction(1, 1_000_000)
        self.time_base = time_base if (exact and not fine) or time_base <= _FINE else time_base / 1000
        self._scale = time_base / self.time_base

    def place(self, pts: int | None, expected: int | None) -> tuple[int, int]:
        """Session time in microseconds, and timestamp in ticks of `time_base`.

        Args:
            pts: timestamp in the source, None if not known.
            expected: session time at which what came before ended, None for the first.
        """
        if pts is None:
            placed = self._session.place(None, expected)
            return placed, self.ticks(placed)
        time = to_micros(pts, self._source)
        placed = self._session.place(time, expected)
        return placed, int(pts * self._scale) + self.ticks(placed - time)

    def ticks(self, micros: int) -> int:
        """A span in ticks of `time_base`, rounded."""
        return round(Fraction(micros, 1_000_000) / self.time_base)
