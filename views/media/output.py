"""What all media files that are made have in common."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import av
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.stream import Stream

from lipstream.views.media.part_file import PartFile

if TYPE_CHECKING:
    from av.container.core import Chapter

Encoded = Iterator["tuple[int, list[Packet[Any]]]"]
"""Packets of one track, each with a session time (us) before which no later ones begin, more or less."""
# The index in front: a browser can then play what it has only begun to fetch. Starts of tracks are kept in ticks of the
# whole file, of which there would be 1000 a second.
_MP4_OPTIONS = {"movflags": "+faststart", "movie_timescale": "90000"}
_KEPT = ("title", "artist", "album", "comment", "description", "copyright", "genre", "date", "creation_time")
"""What a file says about itself that still holds for one that is made of it."""
_KEPT_OF_STREAMS = ("language", "title")
_LATEST = 1 << 62


@contextlib.contextmanager
def opened_output(target: PartFile, name: str) -> Iterator[OutputContainer]:
    """A container that is written into a file; whole on leaving.

    Args:
        target: an open file.
        name: FFmpeg's name of the format.
    """
    options = {} if name == "matroska" else _MP4_OPTIONS
    output = av.open(target, "w", format=name, container_options=options, metadata_errors="replace")
    try:
        yield output
    except BaseException:
        # The first error counts, not those that follow from it.
        with contextlib.suppress(OSError, ValueError, av.FFmpegError):
            output.close()
        raise
    output.close()


def add_metadata(output: OutputContainer, source: InputContainer, origin: int) -> None:
    """Take over what a source says about itself and what still holds, and its chapters.

    Args:
        output: a container that has not begun.
        source: the recording.
        origin: the source's time that is time zero of the output, microseconds.
    """
    output.metadata.update({key: value for key in _KEPT if (value := source.metadata.get(key))})
    moved = [_moved(chapter, origin) for chapter in source.chapters()]
    # A damaged file may claim anything.
    output.set_chapters([chapter for chapter in moved if chapter["start"] < chapter["end"] < _LATEST])


def _moved(chapter: Chapter, origin: int) -> Chapter:
    tick = chapter["time_base"] or Fraction(1, 1_000_000)
    ticks = round(Fraction(origin, 1_000_000) / tick)
    return {**chapter, "start": max(0, chapter["start"] - ticks), "end": max(0, chapter["end"] - ticks)}


def add_stream_metadata(stream: Stream, source: Stream) -> None:
    """Take over language and title of a track."""
    stream.metadata.update({key: value for key in _KEPT_OF_STREAMS if (value := source.metadata.get(key))})
