"""What an overlay shows of one moment, whoever made it: a live run, or the record of a finished one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

Point = tuple[float, float]
"""x and y as fractions of the picture's width and height."""
Box = tuple[float, float, float, float]
"""Left, top, right, bottom as fractions likewise; may reach out of the picture."""


@dataclass(frozen=True, slots=True)
class CaptionLine:
    """One line of the captions.

    Attributes:
        stable: text that stays.
        unstable: text behind it that may still change; begins with a space where a new word begins.
    """

    stable: str
    unstable: str = ""


@dataclass(frozen=True, slots=True)
class FaceMark:
    """A face in the picture.

    Attributes:
        face: id of the track.
        box: where it is.
        lips: outline of the outer lips, a closed polygon; empty if it is not known.
        speaker: whether it is the one chosen as the speaker's.
        talking: whether its lips talk.
    """

    face: int
    box: Box
    lips: tuple[Point, ...] = ()
    speaker: bool = False
    talking: bool = False


@dataclass(frozen=True, slots=True)
class EmotionMark:
    """An emotion, as in `EmotionUpdate`.

    Attributes:
        face: id of the face; None for a voice that is no face's in view.
        label: the emotion with the largest of the probabilities, "unclear" or "unknown".
        probabilities: by emotion.
        face_weight: share of the face in them.
        voice_weight: share of the voice; both are 0 without evidence.
    """

    face: int | None
    label: str
    probabilities: Mapping[str, float]
    face_weight: float
    voice_weight: float


@dataclass(frozen=True, slots=True)
class SoundMark:
    """The sound of the moment.

    Attributes:
        level: dB of full scale, in [-100, 0].
        speech: whether it is speech.
    """

    level: float
    speech: bool


@dataclass(frozen=True, slots=True)
class Scene:
    """All that is drawn over one picture. Whatever is None or empty is not drawn.

    Attributes:
        captions: at most two lines, the older first.
        faces: the faces in view.
        lips_count: in [0, 1], how much the speaker's lips count just now: their outline is drawn that much brighter.
        emotion: the emotion to show: the speaker's if there is one.
        sound: the level meter.
        warnings: plain-language lines about what is degraded.
        figures: name and value of small figures, such as frame rate and latency.
        switched_off: plain words for what the user has switched off, such as "muted".
        notes: passing remarks, such as what was saved.
    """

    captions: tuple[CaptionLine, ...] = ()
    faces: tuple[FaceMark, ...] = ()
    lips_count: float = 0.0
    emotion: EmotionMark | None = None
    sound: SoundMark | None = None
    warnings: tuple[str, ...] = ()
    figures: tuple[tuple[str, str], ...] = ()
    switched_off: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
