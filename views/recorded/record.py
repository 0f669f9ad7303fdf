"""The record of a run: what it told, kept compactly until somebody looks back over all of it."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from lipstream.events import (
    EmotionUpdate,
    FaceSeen,
    LipActivity,
    Remark,
    SoundEvent,
    SoundLevel,
    SpeechEnded,
    TranscriptFinal,
)
from lipstream.pipeline.component import EventSink
from lipstream.pipeline.events import Degraded, End, Event, Recovered, Stats
from lipstream.stages.sinks.speakers import SpeakerBook

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Integers = npt.NDArray[np.int64]

_UNIT = 1e-4
"""Events give coordinates to so much of the picture's side; 16 bits hold them a little more than three sides out."""
_LARGEST = 32767
_SPEAKER, _TALKING = 1, 2


@dataclass(frozen=True, slots=True)
class Degradation:
    """A stretch of time in which a modality was missing or bad.

    Attributes:
        modality: "audio" or "video".
        stage: name of the component that noticed.
        reason: one plain-language line.
        start: seconds of media that had been read when it was noticed.
        end: likewise when it was over; None if it never was.
    """

    modality: str
    stage: str
    reason: str
    start: float
    end: float | None = None


class FaceRecord:
    """Where one face was, row by row in the order of time.

    Args:
        face: id of the track.
    """

    def __init__(self, face: int) -> None:
        self.face = face
        self._times = array("d")
        self._flags = array("B")
        self._boxes = array("h")
        self._lips = array("h")
        self._ends = array("L", [0])

    def add(self, event: FaceSeen) -> None:
        """Take a report."""
        self._times.append(event.time)
        self._flags.append(_SPEAKER * event.speaker | _TALKING * event.talking)
        self._boxes.extend(map(_packed, event.box))
        for point in event.lips:
            self._lips.extend(map(_packed, point))
        self._ends.append(len(self._lips))

    def __len__(self) -> int:
        return len(self._times)

    @property
    def times(self) -> Floats:
        """(N,) seconds; a copy, like all of these."""
        return np.array(self._times)

    @property
    def boxes(self) -> Floats:
        """(N, 4) left, top, right, bottom as fractions of the picture's width and height."""
        return np.array(self._boxes).reshape(-1, 4) * _UNIT

    @property
    def speaker(self) -> Flags:
        """(N,) whether it was chosen as the speaker's."""
        return np.array(self._flags) & _SPEAKER > 0

    @property
    def talking(self) -> Flags:
        """(N,) whether its lips moved as they do in speech."""
        return np.array(self._flags) & _TALKING > 0

    def row(self, index: int) -> FaceSeen:
        """One report as it came, but for when it was published."""
        points = self._lips[self._ends[index] : self._ends[index + 1]]
        lips = tuple((x * _UNIT, y * _UNIT) for x, y in zip(points[::2], points[1::2], strict=True))
        left, top, right, bottom = (edge * _UNIT for edge in self._boxes[4 * index : 4 * index + 4])
        flags = self._flags[index]
        return FaceSeen(
            face=self.face,
            time=self._times[index],
            box=(left, top, right, bottom),
            lips=lips,
            speaker=bool(flags & _SPEAKER),
            talking=bool(flags & _TALKING),
        )


class SoundRecord:
    """How loud the sound was, row by row in the order of time."""

    def __init__(self) -> None:
        self._times = array("d")
        self._levels = array("f")
        self._speech = array("B")

    def add(self, event: SoundLevel) -> None:
        """Take a report."""
        self._times.append(event.time)
        self._levels.append(event.level)
        self._speech.append(event.speech)

    def __len__(self) -> int:
        return len(self._times)

    @property
    def times(self) -> Floats:
        """(N,) ends of the stretches that were measured, seconds; a copy, like all of these."""
        return np.array(self._times)

    @property
    def levels(self) -> Floats:
        """(N,) dB of full scale, in [-100, 0]."""
        return np.array(self._levels, np.float64)

    @property
    def speech(self) -> Flags:
        """(N,) whether it was speech."""
        return np.array(self._speech, np.bool_)


class LipRecord:
    """What the speaker's lips did, row by row in the order of time."""

    def __init__(self) -> None:
        self._faces = array("l")
        self._times = array("d")
        self._apertures = array("f")
        self._motions = array("f")

    def add(self, event: LipActivity) -> None:
        """Take a report."""
        self._faces.append(event.face)
        self._times.append(event.time)
        self._apertures.append(event.aperture)
        self._motions.append(event.motion)

    def __len__(self) -> int:
        return len(self._times)

    @property
    def faces(self) -> Integers:
        """(N,) ids of the faces; a copy, like all of these."""
        return np.array(self._faces, np.int64)

    @property
    def times(self) -> Floats:
        """(N,) seconds."""
        return np.array(self._times)

    @property
    def apertures(self) -> Floats:
        """(N,) opening of the lips, as in `LipActivity`."""
        return np.array(self._apertures, np.float64)

    @property
    def motions(self) -> Floats:
        """(N,) motion of the lips, as in `LipActivity`."""
        return np.array(self._motions, np.float64)


class Recorder(EventSink):
    """Keeps what a run told, for those who look back over it when it is over.

    What comes many times a second is kept in columns of numbers: an hour of a face at 25 Hz takes 10 MB. Look things
    up when the run is over; until then it grows on another thread.

    Attributes:
        emotions: the emotion updates, in the order they came.
        speech: (start, end) of every stretch of speech, seconds.
        faces: by id of the face track, where each face was.
        sound: how loud it was.
        sounds: by label and beginning, the sounds that are no words, as they were told last.
        lips: what the speaker's lips did.
        speakers: who is called how, and what else has become known of finals later.
        degradations: what was missing or bad, in order of its beginning.
        remarks: what is good to know of the recording.
        stats: the last metrics; None if none came.
        end: the end of the run; None if it never came.
    """

    def __init__(self) -> None:
        self._told: list[TranscriptFinal] = []
        self.speakers = SpeakerBook()
        self.emotions: list[EmotionUpdate] = []
        self.speech: list[tuple[float, float]] = []
        self.faces: dict[int, FaceRecord] = {}
        self.sound = SoundRecord()
        self.sounds: dict[tuple[str, float], SoundEvent] = {}
        self.lips = LipRecord()
        self.degradations: list[Degradation] = []
        self.remarks: list[Remark] = []
        self.stats: Stats | None = None
        self.end: End | None = None

    def handle(self, event: Event) -> None:
        """Keep what the event tells."""
        self.speakers.take(event)
        match event:
            case FaceSeen():
                self.faces.setdefault(event.face, FaceRecord(event.face)).add(event)
            case SoundLevel():
                self.sound.add(event)
            case SoundEvent():
                self.sounds[event.label, event.start] = event
            case LipActivity():
                self.lips.add(event)
            case EmotionUpdate():
                self.emotions.append(event)
            case TranscriptFinal():
                self._told.append(event)
            case SpeechEnded():
                self.speech.append((event.start, event.end))
            case Degraded():
                self._settle(event.modality, event.stage, event.emitted)
                start = event.emitted
                self.degradations.append(Degradation(event.modality, event.stage, event.reason, start))
            case Recovered():
                self._settle(event.modality, event.stage, event.emitted)
            case Remark():
                self.remarks.append(event)
            case Stats():
                self.stats = event
            case End():
                self.end = event

    @property
    def finals(self) -> list[TranscriptFinal]:
        """The finished segments, in order, by what is known now of texts and speakers; made anew each time."""
        return [self.speakers.amended(each) for each in self._told]

    @property
    def duration(self) -> float:
        """Seconds of media covered; 0 if the run never ended."""
        return 0.0 if self.end is None else self.end.duration

    def _settle(self, modality: str, stage: str, time: float) -> None:
        for index, each in enumerate(self.degradations):
            if each.end is None and (each.modality, each.stage) == (modality, stage):
                self.degradations[index] = replace(each, end=time)


def at(times: Sequence[float], time: float) -> int:
    """Index of the last of the growing times that is not after `time`; -1 if there is none."""
    return bisect_right(times, time) - 1


def within(starts: Sequence[float], ends: Sequence[float], time: float) -> int | None:
    """Index of the span that holds `time`, of spans in order that do not overlap; the end is not part of a span."""
    index = at(starts, time)
    return index if index >= 0 and time < ends[index] else None


def _packed(fraction: float) -> int:
    return max(-_LARGEST, min(_LARGEST, round(fraction / _UNIT)))
