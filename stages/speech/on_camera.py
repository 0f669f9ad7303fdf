"""Whether the speech of a segment is of a mouth in view, and whose (docs/off_camera.md)."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from lipstream.pipeline import Packet, micros, seconds
from lipstream.stages.face.mouth import MOUTH_DELAY
from lipstream.stages.payloads import SAMPLE_RATE, Bool, EncodedSpeech, Float32, Mouth

PIECE = 0.6
"""Seconds of voice that are judged together; with less of a mouth in view nothing is judged."""
MOSTLY_SEEN = 0.5
"""Share of the voiced frames in which a mouth must be in view."""
STILL_DEVIATION = 0.008
"""Standard deviation of the aperture over `PIECE` voiced frames under which the mouth does not speak."""
SHUT_APERTURE = 0.02
"""It does not speak either if nine in ten of its apertures are under this."""
MOSTLY_STILL = 0.6
"""Share of the pieces in which the mouth must be still."""
NOT_OWN = 0.03
"""Mean probability of own voice under which the voice is not that of the mouth, whatever the mouth does."""
OWN = 0.5
"""Mean probability of own voice from which on the voice is that of the mouth, however little it moves."""
OTHERS_TALK = 0.5
"""Share of the voiced frames from which on another face in view that moves its lips may be the one heard."""
_WINDOW = 640
_LOUDEST = 25.0
"""Decibels below the loud frames at which speech ends."""


def remember(mouths: deque[Mouth], packet: Packet[Mouth], history: int) -> None:
    """Add a mouth to those that speech is judged by, and let those go that are older than `history`, microseconds."""
    mouths.append(packet.payload)
    while mouths[0].time < packet.timestamp - history:
        mouths.popleft()


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who said a segment.

    Attributes:
        face: id of the face that spoke; None when none was seen or it was none of those in view.
        off_camera: a mouth was in view, and the voice was not its.
    """

    face: int | None
    off_camera: bool


UNKNOWN = Speaker(None, False)


def speaker_of(speech: EncodedSpeech, mouths: Sequence[Mouth]) -> Speaker:
    """Judge a segment, or as much of it as there is.

    Args:
        speech: with `active_speaker`, if that was judged.
        mouths: those known, in order of time, on a regular grid; others than the segment's do not matter.
    """
    known = [mouth for mouth in mouths if speech.speech_start <= mouth.time < speech.speech_end]
    if not known or len(mouths) < 2:
        return UNKNOWN
    period = mouths[1].time - mouths[0].time
    times = [*(mouth.time for mouth in known), *_missing(speech, mouths, period)]
    heard = voiced(speech.samples, [seconds(time - speech.start) for time in times])
    seen = [mouth for mouth, loud in zip(known, heard, strict=False) if loud and mouth.face is not None]
    if not seen or len(seen) < MOSTLY_SEEN * heard.sum():
        return UNKNOWN
    if not _is_another(speech, seen, max(2, round(micros(PIECE) / period))):
        return Speaker(_most(_speaking(mouth) for mouth in seen), False)
    others = [face for mouth in seen for face in mouth.talking if face != mouth.face]
    if sum(bool(mouth.talking - {mouth.face}) for mouth in seen) >= OTHERS_TALK * len(seen):
        return Speaker(_most(others), False)
    return Speaker(None, True)


def voiced(samples: Float32, times: Sequence[float]) -> Bool:
    """(T,) bool, at (T,) times in seconds, where the sound is loud enough to be speech in a segment of it."""
    energy = np.concatenate([[0.0], np.cumsum(np.square(samples, dtype=np.float64))])
    middle = np.round(np.asarray(times) * SAMPLE_RATE).astype(np.int64)
    first, last = (np.clip(middle + offset, 0, len(samples)) for offset in (-_WINDOW // 2, _WINDOW // 2))
    levels = 10 * np.log10((energy[last] - energy[first]) / np.maximum(1, last - first) + 1e-10)
    loud: Bool = levels > np.percentile(levels, 95) - _LOUDEST
    return loud


def _missing(speech: EncodedSpeech, mouths: Sequence[Mouth], period: int) -> list[int]:
    """Times of the speech without a mouth, since the picture begins later or ends sooner; not those yet to come."""
    arrived = speech.end - micros(MOUTH_DELAY)
    before = range(mouths[0].time - period, speech.speech_start - 1, -period)
    after = range(mouths[-1].time + period, speech.speech_end, period)
    return [time for time in (*before, *after) if speech.speech_start <= time < speech.speech_end and time <= arrived]


def _is_another(speech: EncodedSpeech, seen: Sequence[Mouth], piece: int) -> bool:
    """Whether the voice is not that of the mouth that was looked at."""
    if len(seen) < piece:
        return False
    own = _active_speaker(speech)
    if own is not None and own < NOT_OWN:
        return True
    return (own is None or own < OWN) and _is_still(seen, piece)


def _active_speaker(speech: EncodedSpeech) -> float | None:
    """Mean probability of own voice over the speech; None if it was not judged, or for too short a time."""
    if speech.active_speaker is None:
        return None
    rate = speech.encoding.frame_rate
    times = (np.arange(len(speech.active_speaker)) + 0.5) / rate
    first, last = (seconds(moment - speech.start) for moment in (speech.speech_start, speech.speech_end))
    judged = (times >= first) & (times < last) & np.isfinite(speech.active_speaker)
    if not judged.any():
        return None
    judged[judged] = voiced(speech.samples, times[judged].tolist())
    return float(speech.active_speaker[judged].mean()) if judged.sum() >= PIECE * rate else None


def _is_still(seen: Sequence[Mouth], length: int) -> bool:
    pieces = [
        np.array([mouth.aperture for mouth in same[at : at + length]])
        for _, group in groupby(seen, key=lambda mouth: mouth.face)
        for same in [list(group)]
        for at in range(0, len(same) - length + 1, length)
    ]
    still = [piece.std() < STILL_DEVIATION or np.percentile(piece, 90) < SHUT_APERTURE for piece in pieces]
    return bool(still) and float(np.mean(still)) >= MOSTLY_STILL


def _speaking(mouth: Mouth) -> int | None:
    """The face of a frame that is most likely the one heard: the speaker's, unless another alone moves its lips."""
    if mouth.face in mouth.talking or len(mouth.talking) != 1:
        return mouth.face
    return next(iter(mouth.talking))


def _most(faces: Iterable[int | None]) -> int | None:
    return max(Counter(faces).items(), key=lambda item: (item[1], -(item[0] or 0)))[0]
