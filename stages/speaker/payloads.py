"""What flows between the stages that tell who speaks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from lipstream.models.voice.diarization import Heard
from lipstream.stages.payloads import Float32


@dataclass(frozen=True, slots=True, eq=False)
class VoicePrint:
    """The voice of a window of speech. The packet's timestamp is the end of the sound that was heard by then.

    Attributes:
        segment: number of the segment.
        start: session time of the window, microseconds.
        end: likewise.
        voice: (D,) float32 of length 1.
    """

    segment: int
    start: int
    end: int
    voice: Float32


@dataclass(frozen=True, slots=True, eq=False)
class SegmentHeard:
    """A finished segment, for those who look back on the whole run.

    Attributes:
        segment: its number.
        windows: its voices and faces, in order of time; empty for speech too short to tell.
        speakers: who was told to speak in each.
        apart: pairs of faces that were in one picture by then, those of all the run.
        revised: by number, segments of which now something else is known than was told: who speaks in each window.
    """

    segment: int
    windows: tuple[Heard, ...]
    speakers: tuple[int, ...]
    apart: frozenset[frozenset[int]]
    revised: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
