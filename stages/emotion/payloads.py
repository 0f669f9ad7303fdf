"""What flows between the emotion stages. Apart from the other payloads, because these load the networks' library."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lipstream.models.emotion.branches import Evidence


@dataclass(frozen=True, slots=True)
class Expressions:
    """What the faces of one video frame express. The packet's timestamp is the frame's.

    Attributes:
        faces: evidence by face id, of the faces that were looked at; empty where there is no face.
        talker: id of the speaker's face if its lips move as they do in speech, else None.
    """

    faces: Mapping[int, Evidence]
    talker: int | None


@dataclass(frozen=True, slots=True)
class VoiceWindow:
    """What a window of speech sounds like. The packet's timestamp is that of the encoding it was taken from.

    Attributes:
        evidence: what the voice branch makes of it.
        start: its first moment, session time in microseconds.
        end: its last moment, likewise.
        speaker: number of who speaks, where that is known beforehand.
    """

    evidence: Evidence
    start: int
    end: int
    speaker: int | None = None
