"""Which face in view says a window of speech, and which do not."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lipstream.pipeline import micros, seconds
from lipstream.stages.payloads import EncodedSpeech, Float32, Mouth
from lipstream.stages.speech.on_camera import speaker_of, voiced

OWN = 0.4
"""Mean probability that the mouth looked at is the voice, from which on it is."""
NOT_OWN = 0.15
"""The same under which it is not."""
_LEAST_FRAMES = 8
_TALKS = 0.5
"""Share of the time in which another face must move its lips to be taken for the one heard."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What faces say of a window.

    Attributes:
        face: the one that speaks; None if none is seen to.
        silent: those in view that do not.
    """

    face: int | None
    silent: frozenset[int]


NOTHING = Seen(None, frozenset())


def seen_to_say(speech: EncodedSpeech, mouths: Sequence[Mouth], visible: frozenset[int], start: int, end: int) -> Seen:
    """Judge a time of a segment.

    One mouth at a time is looked at closely. If it is the voice, no other face is; if it is not, and one other face
    alone moves its lips, that one is taken for it.

    Args:
        speech: the segment, with `active_speaker` if that was judged.
        mouths: those known.
        visible: faces in view.
        start: session time in microseconds.
        end: likewise.
    """
    known = [mouth for mouth in mouths if start <= mouth.time < end and mouth.face is not None]
    if not known:
        return NOTHING
    if speech.active_speaker is None:
        return _without_network(speech, mouths, visible, start, end)
    own = _own_voice(speech, speech.active_speaker, known)
    for face, probability in own.items():
        if probability >= OWN:
            return Seen(face, visible - {face})
    silent = frozenset(face for face, probability in own.items() if probability < NOT_OWN)
    if not silent or len(silent) < len(own):
        return Seen(None, silent)
    talking = [
        face for face in visible - silent if sum(face in mouth.talking for mouth in known) >= _TALKS * len(known)
    ]
    return Seen(talking[0], visible - set(talking)) if len(talking) == 1 else Seen(None, silent)


def _own_voice(speech: EncodedSpeech, active: Float32, known: Sequence[Mouth]) -> dict[int, float]:
    """Mean probability of each mouth that was looked at, for long enough, over its voiced frames."""
    rate = speech.encoding.frame_rate
    times = [seconds(mouth.time - speech.start) for mouth in known]
    places = np.clip(np.floor(np.array(times) * rate).astype(np.intp), 0, max(0, len(active) - 1))
    if not len(active):
        return {}
    judged = active[places]
    heard = voiced(speech.samples, times) & np.isfinite(judged)
    faces = np.array([mouth.face for mouth in known])
    return {
        int(face): float(judged[rows].mean())
        for face in dict.fromkeys(faces.tolist())
        if (rows := heard & (faces == face)).sum() >= _LEAST_FRAMES
    }


def _without_network(
    speech: EncodedSpeech, mouths: Sequence[Mouth], visible: frozenset[int], start: int, end: int
) -> Seen:
    """By what mouths do alone."""
    judged = speaker_of(dataclasses.replace(speech, speech_start=start, speech_end=end), mouths)
    if judged.face is not None:
        # A mouth that moves is not always the voice: nothing is said of the others.
        return Seen(judged.face, frozenset())
    return Seen(None, visible if judged.off_camera else frozenset())


def middle_of(start: int, end: int, length: float) -> tuple[int, int]:
    """The middle of a time, at most so many seconds of it; microseconds."""
    half = micros(length / 2)
    return max(start, (start + end) // 2 - half), min(end, (start + end) // 2 + half)
