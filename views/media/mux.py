"""A recording with its captions as a subtitle track, everything else copied as it is."""

from __future__ import annotations

import contextlib
import heapq
from collections.abc import Callable, Iterator
from operator import itemgetter
from pathlib import Path
from typing import Any, cast

import av
from av.container import InputContainer, OutputContainer
from av.container.core import Flags
from av.packet import Packet
from av.stream import Disposition, Stream

from lipstream.config.schema import LimitsConfig
from lipstream.pipeline import micros
from lipstream.pipeline.errors import UserError
from lipstream.stages.media.opening import opened
from lipstream.stages.media.tracks import origin_of
from lipstream.stages.sinks.subtitles.cue import Cue
from lipstream.views.media.copied_track import CopiedTrack
from lipstream.views.media.output import add_metadata, add_stream_metadata, opened_output
from lipstream.views.media.part_file import PartFile
from lipstream.views.media.rereading import readable_packets
from lipstream.views.media.subtitle_track import SubtitleTrack

MATROSKA = "matroska"
FORMATS = {".mkv": MATROSKA, ".mp4": "mp4", ".m4v": "mp4", ".mov": "mov"}
"""FFmpeg's format by the ending of the name."""
_COVER, _ATTACHMENT = "the cover", "an attachment"
_NOUNS = {"video": "picture", "audio": "sound", "subtitle": "subtitles", "attachment": _ATTACHMENT}


class Muxer:
    """Copies one recording with captions added.

    Args:
        source: the recording.
        target: an open file; its ending says the format.
        cues: the captions, in order; without any there is no track of them.
        limits: what the recording may ask for.
        stopping: looked at all the time; once it is true, what there is by then is made whole.
        progress: told the time that has been copied, seconds.
        language: short code of the language the captions are in; None where that is not known.

    Attributes:
        left_out: what the format cannot hold and the file is without, in plain words.
    """

    def __init__(
        self,
        source: Path,
        target: PartFile,
        cues: list[Cue],
        limits: LimitsConfig,
        stopping: Callable[[], bool] = lambda: False,
        progress: Callable[[float], None] = lambda time: None,
        language: str | None = None,
    ) -> None:
        self._language = language
        self.left_out: list[str] = []
        self._source = source
        self._target = target
        self._format = FORMATS[target.path.suffix.lower()]
        self._cues = cues
        self._limits = limits
        self._stopping = stopping
        self._progress = progress
        self._reached = 0

    def mux(self) -> float:
        """Copy into the file, which is whole then, though not yet in its place.

        Returns:
            Seconds that were copied; 0 if it was stopped before there were any.

        Raises:
            UserError: the recording cannot be read, its sound or picture does not fit the format, or the file cannot
                be written.
        """
        with opened(self._source, self._limits) as source, self._target.explained():
            # AVI has no times of presentation.
            source.flags |= cast(int, Flags.gen_pts.value)
            origin = origin_of(source)
            try:
                with opened_output(self._target, self._format) as output:
                    self._copy(source, origin, output)
            except (ValueError, av.FFmpegError) as error:
                # What the disk does is no error of FFmpeg's.
                raise self._refusal("sound and picture", "as they are") from error
        return self._reached / 1e6

    def _copy(self, source: InputContainer, origin: int, output: OutputContainer) -> None:
        copies = self._copies(source, origin, output)
        add_metadata(output, source, origin)
        parts: list[Iterator[tuple[int, Packet[Any]]]] = [self._packets(source, copies)]
        if self._cues:
            others = [stream for stream in source.streams if stream.type == "subtitle" and stream.index in copies]
            preferred = not any(stream.disposition & Disposition.default for stream in others)
            parts.append(SubtitleTrack(output, self._format, preferred, self._language).packets(self._due_cues()))
        output.start_encoding()
        for time, packet in heapq.merge(*parts, key=itemgetter(0)):
            # A damaged packet is left out where it cannot even be stored.
            with contextlib.suppress(av.InvalidDataError):
                output.mux(packet)
            self._reached = max(self._reached, time)
            self._progress(self._reached / 1e6)

    def _due_cues(self) -> Iterator[Cue]:
        for cue in self._cues:
            if self._ending():
                return
            yield cue

    def _copies(self, source: InputContainer, origin: int, output: OutputContainer) -> dict[int, CopiedTrack]:
        """The tracks of the output, by the number of the stream they are copies of."""
        copies: dict[int, CopiedTrack] = {}
        for stream in source.streams:
            if stream.type not in _NOUNS:
                continue
            if stream.disposition & Disposition.attached_pic and self._format == MATROSKA:
                # It would become a second video there.
                self.left_out.append(_COVER)
                continue
            if stream.type == "attachment" and self._format != MATROSKA:
                self.left_out.append(_ATTACHMENT)
                continue
            try:
                copy = output.add_stream_from_template(stream, opaque=True)
            except ValueError as error:
                self._miss(stream, error)
                continue
            copy.disposition = stream.disposition
            add_stream_metadata(copy, stream)
            if self._format != MATROSKA and stream.codec_context is not None and stream.codec_context.name == "hevc":
                # Of the two names this codec has in an MP4, the one that every player knows.
                copy.codec_context.codec_tag = "hvc1"
            copies[stream.index] = CopiedTrack(origin, stream, copy, self._format == MATROSKA)
        return copies

    def _miss(self, stream: Stream, error: ValueError) -> None:
        codec = "an unknown codec" if stream.codec_context is None else stream.codec_context.name
        if stream.disposition & Disposition.attached_pic:
            self.left_out.append(_COVER)
        elif stream.type in ("video", "audio"):
            raise self._refusal(_NOUNS[stream.type], f"({codec})") from error
        else:
            self.left_out.append(f"{_NOUNS[stream.type]} ({codec})")

    def _packets(self, source: InputContainer, copies: dict[int, CopiedTrack]) -> Iterator[tuple[int, Packet[Any]]]:
        wanted = [stream for stream in source.streams if stream.index in copies]
        for packet in readable_packets(source, wanted, self._ending):
            track = copies[packet.stream_index]
            time = track.move(packet)
            if track.broken:
                raise self._refusal("gaps in the sound", "without compression")
            if time is not None:
                yield time, packet

    def _refusal(self, what: str, detail: str) -> UserError:
        advice = "use --render, which encodes them anew" if self._format == MATROSKA else "name a file ending in .mkv"
        return UserError(f"{self._format} cannot hold the {what} of '{self._source}' {detail}; {advice}")

    def _ending(self) -> bool:
        return self._stopping() or self._reached >= micros(self._limits.max_duration)
