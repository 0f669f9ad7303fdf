"""What charts show of a finished run: the record of it as spans and curves over one axis of time."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lipstream.events import EmotionUpdate, TranscriptFinal
from lipstream.models.emotion.classes import EMOTIONS, UNCLEAR, UNKNOWN
from lipstream.stages.failures import FAILED_SEGMENTS
from lipstream.stages.sinks.text import clean
from lipstream.views.recorded.record import FaceRecord, Flags, Floats, Recorder

Span = tuple[float, float]
"""Start and end, seconds."""

REPORT_RATES = {"audio.report_rate": 10.0, "face.report_rate": 10.0}
"""The settings of a run without which there is no sound level and no face to show."""
SPEAKER = "speaker"
"""Whose emotion a track is of, when it is of whoever is the speaker at the time."""

_MOST_POINTS = 8000
"""Longest curve: at 25 Hz the first five minutes are whole, and an hour has a point each 0.45 s."""
_MOST_EMOTIONS = 3600
_MOST_FACES = 8
_NOTABLE_LOSS = 0.05


@dataclass(frozen=True, slots=True)
class Curve:
    """A quantity over time.

    Attributes:
        times: (N,) growing, seconds.
        values: (N,).
        gap: two points further apart than this, in seconds, are not to be joined.
    """

    times: Floats
    values: Floats
    gap: float


@dataclass(frozen=True, slots=True)
class FaceLane:
    """One face over time.

    Attributes:
        face: id of the track.
        seen: when it was in view.
        talking: when its lips moved as they do in speech.
        speaker: when it was chosen as the speaker's.
    """

    face: int
    seen: Sequence[Span]
    talking: Sequence[Span]
    speaker: Sequence[Span]


@dataclass(frozen=True, slots=True)
class EmotionTrack:
    """Emotion over time.

    Attributes:
        whose: `SPEAKER`, the id of a face, or None for voices that are no face's in view.
        starts: (N,) seconds.
        ends: (N,) seconds.
        labels: N labels, of which each is the largest probability's, "unclear" or "unknown".
        probabilities: (N, 7) in the order of `EMOTIONS`.
        weights: (N, 2) shares of face and voice; both are 0 without evidence.
    """

    whose: str | int | None
    starts: Floats
    ends: Floats
    labels: Sequence[str]
    probabilities: Floats
    weights: Floats


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that was not as it should be.

    Attributes:
        text: one plain-language line.
        span: when; None for the run as a whole.
    """

    text: str
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Timeline:
    """All the tracks of a run.

    Attributes:
        duration: seconds, > 0.
        wall: seconds that the run took, 0 if it is not known.
        finals: the segments that have words.
        speech: stretches of speech.
        sound: level in dB of full scale.
        aperture: opening of the speaker's lips, as in `LipActivity`.
        faces: those longest in view, by id.
        more_faces: how many others there were.
        emotions: first the speaker's, then those of single faces and voices.
        troubles: what was missing or bad, and what else is good to know.
    """

    duration: float
    wall: float
    finals: Sequence[TranscriptFinal]
    speech: Sequence[Span]
    sound: Curve
    aperture: Curve
    faces: Sequence[FaceLane]
    more_faces: int
    emotions: Sequence[EmotionTrack]
    troubles: Sequence[Trouble]


def timeline(record: Recorder) -> Timeline:
    """Lay out what was recorded; long curves are thinned."""
    duration = max(_reached(record), 0.1)
    lanes = [_lane(face) for face in record.faces.values() if len(face)]
    shown = sorted(lanes, key=lambda lane: -_length(lane.seen))[:_MOST_FACES]
    return Timeline(
        duration=duration,
        wall=record.stats.wall if record.stats else 0.0,
        finals=[final for final in record.finals if final.words],
        speech=[(start, min(end, duration)) for start, end in record.speech],
        sound=_curve(record.sound.times, record.sound.levels),
        aperture=_curve(record.lips.times, record.lips.apertures),
        faces=sorted(shown, key=lambda lane: lane.face),
        more_faces=len(lanes) - len(shown),
        emotions=_emotion_tracks(record, {lane.face for lane in shown}),
        troubles=_troubles(record, duration),
    )


def _reached(record: Recorder) -> float:
    if record.duration > 0:
        return record.duration
    ends = [*(final.end for final in record.finals[-1:]), *(update.end for update in record.emotions[-1:])]
    for times in (record.sound.times, record.lips.times):
        ends.extend(times[-1:].tolist())
    return max(ends, default=0.0)


# Curves and spans.


def _curve(times: Floats, values: Floats) -> Curve:
    usual = float(np.median(np.diff(times))) if len(times) > 1 else 0.0
    # Of each group the largest stays: a loud moment and an open mouth must not be averaged away.
    group = math.ceil(len(times) / _MOST_POINTS) if len(times) else 1
    if group > 1:
        starts = np.arange(0, len(times), group)
        times, values = times[starts], np.maximum.reduceat(values, starts)
    return Curve(times, values, max(0.5, 4 * usual * group))


def _lane(face: FaceRecord) -> FaceLane:
    times = face.times
    everywhere = np.ones(len(times), np.bool_)
    seen, talking, speaker = (_spans(times, flags) for flags in (everywhere, face.talking, face.speaker))
    return FaceLane(face.face, seen, talking, speaker)


def _spans(times: Floats, flags: Flags) -> list[Span]:
    """When a flag is set: reports in a row make one span, each counting until the next one is due."""
    step = float(np.median(np.diff(times))) if len(times) > 1 else 0.1
    joined = max(0.5, 2.5 * step)
    spans: list[Span] = []
    before = False
    for time, flag in zip(times.tolist(), flags.tolist(), strict=True):
        if flag:
            if before and spans and time - spans[-1][1] < joined:
                spans[-1] = (spans[-1][0], time + step)
            else:
                spans.append((time, time + step))
        before = flag
    return spans


def _length(spans: Iterable[Span]) -> float:
    return sum(end - start for start, end in spans)


# Emotions.


def _emotion_tracks(record: Recorder, faces: set[int]) -> list[EmotionTrack]:
    updates = sorted(record.emotions, key=lambda update: update.start)
    if not any(any(update.weights.values()) for update in updates):
        return []
    tracks = [_track(SPEAKER, list(_of_speaker(updates, record)))]
    of: dict[int | None, list[EmotionUpdate]] = {}
    for update in updates:
        if update.face in faces or (update.face is None and any(update.weights.values())):
            of.setdefault(update.face, []).append(update)
    # One face alone is the speaker, and would be the same track twice.
    if len(of) > 1:
        tracks.extend(_track(face, of[face]) for face in sorted(of, key=lambda face: (face is None, face or 0)))
    return tracks


def _of_speaker(updates: Sequence[EmotionUpdate], record: Recorder) -> Iterable[EmotionUpdate]:
    """Of each moment the update of who is heard, else of the face chosen as the speaker's, else of the one before."""
    times, chosen = record.lips.times, record.lips.faces
    before: int | None = None
    for _, group in itertools.groupby(updates, key=lambda update: update.start):
        candidates = list(group)
        first, last = np.searchsorted(times, (candidates[0].start, candidates[0].end))
        present = Counter(chosen[first:last].tolist())
        best = max(
            candidates,
            key=lambda each: (each.weights["voice"], present[each.face or 0], each.face == before, -(each.face or 0)),
        )
        before = best.face
        yield best


def _track(whose: str | int | None, updates: Sequence[EmotionUpdate]) -> EmotionTrack:
    probabilities = np.array([[each.probabilities.get(name, 0.0) for name in EMOTIONS] for each in updates])
    weights = np.array([[each.weights["face"], each.weights["voice"]] for each in updates])
    starts, ends = (np.array([getattr(each, name) for each in updates]) for name in ("start", "end"))
    labels = [each.label for each in updates]
    group = math.ceil(len(updates) / _MOST_EMOTIONS)
    if group > 1:
        firsts = np.arange(0, len(updates), group)
        counts = np.diff(np.append(firsts, len(updates)))
        probabilities, weights = (_means(rows, firsts, counts) for rows in (probabilities, weights))
        most = [Counter(labels[first : first + group]).most_common(1)[0][0] for first in firsts]
        labels = [_agreed(label, row) for label, row in zip(most, probabilities, strict=True)]
        starts, ends = starts[firsts], ends[firsts + counts - 1]
    return EmotionTrack(whose, starts, ends, labels, probabilities, weights)


def _agreed(label: str, probabilities: Floats) -> str:
    """The label of several updates, unclear if their mean has another emotion in front."""
    return UNCLEAR if label in EMOTIONS and EMOTIONS[int(probabilities.argmax())] != label else label


def _means(rows: Floats, firsts: npt.NDArray[np.int64], counts: npt.NDArray[np.int64]) -> Floats:
    sums: Floats = np.add.reduceat(rows, firsts)
    return sums / counts[:, None]


def evident(track: EmotionTrack) -> Flags:
    """(N,) where there is something to judge by."""
    known: Flags = np.array([label != UNKNOWN for label in track.labels], np.bool_)
    weighed: Flags = track.weights.sum(axis=1) > 0
    return known & weighed


# Troubles.


def _troubles(record: Recorder, duration: float) -> list[Trouble]:
    troubles = []
    if record.end is None or record.end.reason == "stopped":
        troubles.append(Trouble("The run was stopped early: what comes after that is not here."))
    elif record.end.reason == "failed":
        troubles.append(Trouble("The run failed: what comes after that is not here."))
    counters = record.stats.counters if record.stats else {}
    if (lost := counters.get("audio.lost_seconds", 0.0)) >= _NOTABLE_LOSS:
        troubles.append(Trouble(f"{lost:.1f} s of sound were lost; silence stands in their place."))
    if off_camera := counters.get("audio.off_camera_seconds", 0.0):
        troubles.append(Trouble(f"{off_camera:.1f} s of speech off camera were left out, as asked."))
    if (failed := round(counters.get(FAILED_SEGMENTS, 0))) > 0:
        troubles.append(Trouble(f"Recognition failed on {failed} stretch{'es' if failed > 1 else ''} of speech."))
    kinds = {"audio": "Sound", "video": "Picture"}
    for each in record.degradations:
        end = duration if each.end is None else each.end
        span = (min(each.start, duration), min(max(end, each.start), duration))
        kind = kinds.get(each.modality, clean(each.modality))
        troubles.append(Trouble(f"{kind}: {clean(each.reason)}", span))
    for remark in record.remarks:
        kind = kinds.get(remark.modality, clean(remark.modality))
        troubles.append(Trouble(f"{kind}: {clean(remark.text)}"))
    return troubles
