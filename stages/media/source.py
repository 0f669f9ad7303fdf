"""What reading the sound and reading the picture of a media file have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, ClassVar, Literal

import av
from av.container import InputContainer
from av.packet import Packet as MediaPacket
from av.stream import Stream

from lipstream.config.schema import LimitsConfig, Pace
from lipstream.events import Remark
from lipstream.pipeline import Packet, Source, UserError, micros
from lipstream.stages.media.deliveries import Deliveries
from lipstream.stages.media.limits import DEFAULT
from lipstream.stages.media.opening import is_locked, open_container
from lipstream.stages.media.probe import KNOWS_DURATION, MediaInfo, describe
from lipstream.stages.media.riff import cut_short
from lipstream.stages.media.time import SessionTime, Timed
from lipstream.stages.media.tracks import ANY, Wanted, to_micros

# Formats that are read in pieces of a fixed size, so that the last piece is short in every healthy file.
_READ_IN_PIECES = {"wav", "w64", "aiff", "au", "caf"}
_SHORTFALL_US = 1_000_000
_CLEAN_US = 1_000_000
_MAX_READ_ERRORS = 10


class MediaSource(Source):
    """Reads one track of a media file; the container is opened anew for each track.

    Sound and picture have a reader each, so that a badly interleaved file cannot lock them against each other through
    bounded channels. Damage never ends the run: packets that cannot be decoded are counted and skipped, a file that
    ends early gives what could be read, and each is reported as a degraded modality. Only where none of the sources of
    a run gives anything that can be used, that is an error.

    Args:
        path: the file.
        pace: as fast as possible, or at the speed of the recording.
        limits: what the file may ask for.
        wanted: which of its tracks.
        deliveries: what the sources of a run know of each other; None for one that is alone.
    """

    modality: ClassVar[Literal["audio", "video"]]
    noun: ClassVar[str]
    least: ClassVar[int] = 1
    """Microseconds that there must be of it for anything to be found in it."""

    def __init__(
        self,
        path: Path,
        pace: Pace = Pace.MAX,
        limits: LimitsConfig = DEFAULT,
        wanted: Wanted = ANY,
        deliveries: Deliveries | None = None,
    ) -> None:
        self._path = path
        self._pace = pace
        self._limits = limits
        self._wanted = wanted
        self._deliveries = deliveries or Deliveries(1)
        self._remarks: list[Remark] = []
        self._given = 0
        self._decoded = 0
        self._locked = False
        self._container: InputContainer | None = None
        self._newest = 0
        self._placed = 0
        self._damaged_at: int | None = None
        self._suspect: str | None = None
        self._cut_off = False

    def open(self) -> None:
        """Open the file.

        Raises:
            UserError: it cannot be read, has no such track, or is beyond the limits.
        """
        self._container = self._open_container()
        self._info = describe(self._path, self._container, self._limits, self._wanted)
        self._stream = self._prepare(self._container, self._info)
        # Silence has to be listened through; a picture that stands still costs nothing.
        self._time = SessionTime(self._info.origin, micros(self._limits.max_gaps) if self.modality == "audio" else None)
        self._cut_off = cut_short(self._path)
        self._packets = self._make_packets()

    def close(self) -> None:
        """Close the file."""
        if self._container is not None:
            self._container.close()
            self._container = None

    def _open_container(self) -> InputContainer:
        return open_container(self._path, self._limits)

    @abstractmethod
    def _prepare(self, container: InputContainer, info: MediaInfo) -> Stream:
        """Choose the stream and set its decoder up."""

    @abstractmethod
    def _make_packets(self) -> Iterator[Packet[Any]]:
        """Everything to emit, in order, made as it is asked for."""

    @abstractmethod
    def _due(self, packet: Packet[Any]) -> int:
        """Earliest session time at which a packet may go out at real-time pace."""

    def produce(self) -> bool:
        """Emit the next packet.

        Raises:
            UserError: there is nothing that can be used, neither here nor in the other sources of the run.
        """
        self._make_remarks()
        packet = next(self._packets, None)
        if packet is None:
            self._report_end()
            return False
        if packet.timestamp >= micros(self._limits.max_duration):
            hours = f"{self._limits.max_duration / 3600:.1f} h"
            self.degrade(self.modality, f"the {self.noun} after {hours} is left out (limits.max_duration)")
            return False
        if self._pace is Pace.REALTIME:
            # Whoever joins this stream with another need not wait for what is known not to come.
            self.context.advance(packet.timestamp)
            self.context.clock.sleep(self._due(packet) - self.context.clock.now(), self.context.stopping)
            if self.context.stopping.is_set():
                return False
        self.context.emit(self.modality, packet)
        self._newest = packet.end
        self._given += packet.duration
        if self._damaged_at is not None and packet.end >= self._damaged_at + _CLEAN_US:
            self._damaged_at = None
            self.recover(self.modality)
        return True

    # Reading.

    def _frames(self, duration_of: Callable[[Any], int]) -> Iterator[Timed[Any]]:
        """Every frame that can be decoded, in the order of presentation."""
        time_base = self._stream.time_base or Fraction(1, 1_000_000)
        for packet in self._demux():
            if self._suspect is not None and packet is not None:
                self._report_damage(self._suspect)
                self._suspect = None
            for frame in self._decode(packet):
                time = None if frame.pts is None else to_micros(frame.pts, time_base)
                duration = duration_of(frame)
                self._decoded += duration
                yield Timed(frame, time, duration)

    def _decode(self, packet: MediaPacket[Any] | None) -> list[Any]:
        # None takes out what the decoder still holds. What is bad about the last packet is that the file ends in it,
        # so that damage is not reported before there is another one.
        if packet is not None and packet.is_corrupt and self._info.format not in _READ_IN_PIECES:
            self._suspect = "is damaged"
        if packet is not None and is_locked(packet):
            # A decoder may well make something of it.
            self._locked = True
            return self._undecodable("is encrypted")
        try:
            return list(self._stream.codec_context.decode(packet))
        except av.FFmpegError:
            return self._undecodable("cannot be decoded")

    def _undecodable(self, why: str) -> list[Any]:
        self.context.count(f"{self.modality}.packets_undecodable", 1)
        self._suspect = why
        return []

    def _demux(self) -> Iterator[MediaPacket[Any] | None]:
        """The track's packets, then None.

        The packets of the other tracks are read too, to see how far the file goes and to be able to stop in the midst.
        """
        assert self._container is not None
        reached, errors = 0, 0
        while errors < _MAX_READ_ERRORS:
            try:
                for packet in self._container.demux():
                    if self.context.stopping.is_set():
                        return
                    if packet.size == 0:
                        continue
                    reached = max(reached, _end(packet))
                    if packet.stream_index == self._stream.index:
                        yield packet
                break
            except av.FFmpegError:
                # Reading on after an error finds what comes behind the damage, if anything can.
                errors += 1
        self._cut_off = self._cut_off or errors == _MAX_READ_ERRORS or self._ends_early(reached)
        yield None

    def _ends_early(self, reached: int) -> bool:
        assert self._container is not None
        if self._container.duration is None or self._info.format not in KNOWS_DURATION:
            return False
        return reached < (self._container.start_time or 0) + self._container.duration - _SHORTFALL_US

    # Reporting.

    def _place(self, timed: Timed[Any], expected: int | None) -> int:
        """Session time of a frame, in microseconds; `expected` is where the one before ended."""
        resets = self._time.resets
        placed = self._time.place(timed.time, expected)
        if self._time.resets > resets:
            self._report_damage("has time stamps that jump")
        self._placed = max(self._placed, placed)
        return placed

    def _report_damage(self, what: str) -> None:
        # Of what is encrypted from the beginning on, the end tells.
        # Sound is read some seconds ahead of what is emitted.
        at = max(self._newest, self._placed)
        if self._damaged_at is None and not (self._locked and self._newest == 0):
            self.degrade(self.modality, f"the {self.noun} {what} at {at / 1e6:.1f} s")
        self._damaged_at = at

    def remark(self, kind: str, text: str) -> None:
        """Tell something about the recording that is no trouble, before the next packet."""
        self._remarks.append(Remark(modality=self.modality, kind=kind, text=text))

    def _make_remarks(self) -> None:
        remarks, self._remarks = self._remarks, []
        for each in remarks:
            self.publish(each)

    def _report_end(self) -> None:
        if self.context.stopping.is_set():
            return
        self._make_remarks()
        nothing = self._nothing()
        if self._deliveries.all_empty(self.modality, nothing):
            causes = self._deliveries.causes
            raise UserError(f"'{self._path}' cannot be used: {causes}; expected a recording that a player can play")
        if nothing is not None:
            self.degrade(self.modality, nothing)
        elif self._cut_off or self._suspect is not None:
            declared = "" if self._info.duration is None else f" (of {self._info.duration:.1f} s)"
            self.degrade(self.modality, f"the file is damaged after {self._newest / 1e6:.1f} s{declared}")

    def _nothing(self) -> str | None:
        """Why there is nothing of the track that can be used; None if there is something."""
        if self._given >= self.least:
            return None
        if self._locked:
            return f"the {self.noun} is encrypted"
        if self._decoded > 0:
            return f"the {self.noun} lasts {self._decoded / 1000:.1f} ms, too short for anything to be found in it"
        if self._cut_off:
            return f"the file ends before any {self.noun} that could be decoded"
        return f"the file declares a {self.noun} track, but nothing in it could be decoded"


def _end(packet: MediaPacket[Any]) -> int:
    time = packet.pts if packet.pts is not None else packet.dts
    if time is None or packet.time_base is None:
        return 0
    return to_micros(time + (packet.duration or 0), packet.time_base)
