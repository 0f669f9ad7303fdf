"""Captions as a subtitle track inside a media file."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

from av.container import OutputContainer
from av.packet import Packet
from av.stream import Disposition, Stream
from av.subtitles.stream import SubtitleStream

from lipstream.stages.media.languages import container_code
from lipstream.stages.sinks.subtitles.cue import Cue
from lipstream.stages.sinks.text import without_markup

TITLE = "Lipstream"
_MILLISECONDS = Fraction(1, 1000)
# FFmpeg makes the description of a timed text track (ISO/IEC 14496-17, 3GPP TS 26.245) of the head of an ASS script.
_STYLES = b"""[Script Info]
ScriptType: v4.00+
[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, \
StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding
Style: Default,Sans,16,&Hffffff,&Hffffff,&H0,&H80000000,0,0,0,0,100,100,0,0,3,1,0,2,10,10,10,1
[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
"""


class SubtitleTrack:
    """A track that a viewer can switch on and off.

    Args:
        output: a container that has not begun.
        name: FFmpeg's name of its format: "matroska", which gets SubRip, or of the MP4 family, which gets timed text.
        preferred: players show it unless told otherwise.
        language: short code of the language it is in; None where that is not known.
    """

    def __init__(self, output: OutputContainer, name: str, preferred: bool, language: str | None = None) -> None:
        self._timed_text = name != "matroska"
        self._stream: Stream
        if self._timed_text:
            stream = output.add_stream("mov_text")
            assert isinstance(stream, SubtitleStream)
            stream.codec_context.subtitle_header = _STYLES
            stream.codec_context.time_base = _MILLISECONDS
            self._stream = stream
        else:
            self._stream = output.add_mux_stream("subrip")
        self._stream.time_base = _MILLISECONDS
        self._stream.disposition = Disposition.default if preferred else Disposition(0)
        code = container_code(language, name)
        self._stream.metadata.update({"language": code, "title": TITLE})
        if self._timed_text:
            # Where the names of tracks are looked for in an MP4.
            self._stream.metadata["handler_name"] = TITLE

    def packets(self, cues: Iterable[Cue]) -> Iterator[tuple[int, Packet[Any]]]:
        """The cues as packets, each with its session time in microseconds."""
        for cue in flat(cues) if self._timed_text else cues:
            packet: Packet[Any] = Packet(self._payload(cue))
            packet.stream, packet.time_base = self._stream, _MILLISECONDS
            packet.pts = packet.dts = cue.start
            packet.duration = cue.end - cue.start
            packet.is_keyframe = True
            yield cue.start * 1000, packet

    def _payload(self, cue: Cue) -> bytes:
        if self._timed_text:
            text = "\n".join(cue.lines).encode()
            return struct.pack(">H", len(text)) + text
        return "\n".join(map(without_markup, cue.lines)).encode()


def flat(cues: Iterable[Cue]) -> Iterator[Cue]:
    """No two at once, for timed text shows one at a time: where there were two, one has the lines of both.

    Args:
        cues: in order of their beginnings.
    """
    together: list[Cue] = []
    for cue in cues:
        if together and cue.start >= max(each.end for each in together):
            yield from _sliced(together)
            together = []
        together.append(cue)
    yield from _sliced(together)


def _sliced(cues: Sequence[Cue]) -> Iterator[Cue]:
    if len(cues) == 1:
        yield cues[0]
        return
    for start, end in pairwise(sorted({time for cue in cues for time in (cue.start, cue.end)})):
        lines = [line for cue in cues if cue.start <= start and end <= cue.end for line in cue.lines]
        if lines:
            yield Cue(start, end, tuple(lines))
