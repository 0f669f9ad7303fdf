"""Putting the captions of a finished recording where they belong.

While a recording grows, a caption is written when its sentence is over, behind the sound it belongs to. Programs that
read a file from its beginning as they play it would show it too late. So once the run is over the file is copied, with
the captions in their places; sound and picture stay as they are.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from operator import itemgetter
from pathlib import Path
from typing import Any

from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream

from lipstream.stages.media.opening import opened
from lipstream.stages.sinks.subtitles.cue import Cue
from lipstream.views.media.copied_track import CopiedTrack
from lipstream.views.media.mux import MATROSKA
from lipstream.views.media.output import opened_output
from lipstream.views.media.part_file import PartFile
from lipstream.views.media.subtitle_track import SubtitleTrack

_KEPT = ("video", "audio")


def settle(
    path: Path, cues: Sequence[Cue], stopping: Callable[[], bool] = lambda: False, language: str | None = None
) -> bool:
    """Copy a recording with its captions in their places, and put the copy in its place.

    Args:
        path: the recording; it is as it was until the copy is whole.
        cues: all captions, in order; without any there is no track of them.
        stopping: looked at all the time; once it is true the recording stays as it is.
        language: short code of the language the captions are in; None where that is not known.

    Returns:
        Whether it was done.

    Raises:
        UserError: it cannot be read, or the copy cannot be written; the recording is as it was.
    """
    target = PartFile(path)
    target.open()
    try:
        with opened(path) as source, target.explained(), opened_output(target, MATROSKA) as output:
            kept = [stream for stream in source.streams if stream.type in _KEPT]
            copies = {stream.index: output.add_stream_from_template(stream, opaque=True) for stream in kept}
            # Session time is the file's own: nothing is moved.
            tracks = {each.index: CopiedTrack(0, each, copies[each.index], timed=True) for each in kept}
            parts: list[Iterator[tuple[int, Packet[Any]]]] = [_packets(source, kept, tracks)]
            if cues:
                parts.append(SubtitleTrack(output, MATROSKA, True, language).packets(ordered(cues)))
            output.start_encoding()
            for _, packet in heapq.merge(*parts, key=itemgetter(0)):
                if stopping():
                    return False
                output.mux(packet)
        target.commit()
    finally:
        target.discard()
    return True


def ordered(cues: Sequence[Cue]) -> list[Cue]:
    """Cues in order of time, no two of them beginning in the same millisecond: those of two voices may do either."""
    found: list[Cue] = []
    for cue in sorted(cues, key=lambda each: each.start):
        start = max(cue.start, found[-1].start + 1) if found else cue.start
        if start < cue.end:
            found.append(replace(cue, start=start))
    return found


def _packets(
    source: InputContainer, kept: Sequence[Stream], tracks: dict[int, CopiedTrack]
) -> Iterator[tuple[int, Packet[Any]]]:
    for packet in source.demux(*kept):
        time = tracks[packet.stream_index].move(packet)
        if time is not None:
            yield time, packet
