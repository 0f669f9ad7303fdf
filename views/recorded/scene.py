"""The scene at any moment of a finished run, with hindsight: every caption is final, and on time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from lipstream.config.subtitles import SubtitlesConfig
from lipstream.events import EmotionUpdate, FaceSeen
from lipstream.stages.sinks.subtitles.cutter import shown
from lipstream.views.drawing.scene import CaptionLine, EmotionMark, FaceMark, Point, Scene, SoundMark
from lipstream.views.live.live_scene import TALKING_COUNTS
from lipstream.views.recorded.record import FaceRecord, Recorder, at, within

BRIDGED = 0.5
"""A face that was missing for longer than this, in seconds, was gone meanwhile."""
HELD = 0.12
"""Seconds a face stays after it was last seen: reports come less often than pictures."""
SHOWN = 6.0
"""Seconds a warning is shown about what never came back."""
PLAIN = SubtitlesConfig()
_LATE = 0.5
_FROM_THE_START = 0.1
_AT_ONCE = 4
"""Cues, of two people at most, of which those are that are shown at a moment."""


class RecordedScenes:
    """Looks up what an overlay shows of each moment of a record.

    Args:
        record: of a run that is over.
        rules: how captions are cut, as in the run's subtitles.
    """

    def __init__(self, record: Recorder, rules: SubtitlesConfig = PLAIN) -> None:
        finals = record.finals
        self._cues = shown(finals, rules, record.sounds.values(), record.speakers.names)
        self._cue_starts = [cue.start / 1000 for cue in self._cues]
        self._cue_ends = [cue.end / 1000 for cue in self._cues]
        self._segments = sorted(finals, key=lambda final: final.start)
        self._segment_starts = [final.start for final in self._segments]
        self._segment_ends = [final.end for final in self._segments]
        self._faces = [_Face(record.faces[face]) for face in sorted(record.faces)]
        self._emotions = _Emotions(record.emotions)
        self._sound_times = record.sound.times.tolist()
        self._sound = (record.sound.levels, record.sound.speech)
        self._warnings = [
            (each.start, each.start + SHOWN if each.end is None else each.end, each.reason)
            for each in record.degradations
            # What was missing all the way is plain to see, and no news at any moment.
            if each.end is not None or each.start > _FROM_THE_START
        ]

    @property
    def changes(self) -> list[int]:
        """The times at which captions come and go, growing, in microseconds."""
        return sorted({time * 1000 for cue in self._cues for time in (cue.start, cue.end)})

    def at(self, time: float) -> Scene:
        """What there is to show at a moment of the media, in seconds from session start."""
        faces = tuple(mark for face in self._faces if (mark := face.at(time)) is not None)
        speaker = next((mark.face for mark in faces if mark.speaker), None)
        return Scene(
            captions=self._captions(time),
            faces=faces,
            lips_count=self._lips_count(time, faces),
            emotion=self._emotions.at(time, speaker, [mark.face for mark in faces]),
            sound=self._sound_at(time),
            warnings=tuple(text for start, end, text in self._warnings if start <= time < end),
        )

    def _captions(self, time: float) -> tuple[CaptionLine, ...]:
        newest = at(self._cue_starts, time) + 1
        # Cues of two who speak at once are there together.
        near = range(max(0, newest - _AT_ONCE), newest)
        return tuple(
            CaptionLine(line) for each in near if time < self._cue_ends[each] for line in self._cues[each].lines
        )

    def _lips_count(self, time: float, faces: Sequence[FaceMark]) -> float:
        """How much the lips moved the words of the moment; where they did not, whether they talk, as in live scenes."""
        index = within(self._segment_starts, self._segment_ends, time)
        gate = 0.0 if index is None else self._segments[index].lip_gate
        return gate or max((TALKING_COUNTS for face in faces if face.speaker and face.talking), default=0.0)

    def _sound_at(self, time: float) -> SoundMark | None:
        # Each level is stamped with the end of what it measures.
        index = at(self._sound_times, time) + 1
        if index >= len(self._sound_times) or self._sound_times[index] - time > _LATE:
            return None
        levels, speech = self._sound
        return SoundMark(float(levels[index]), bool(speech[index]))


class _Face:
    def __init__(self, record: FaceRecord) -> None:
        self._record = record
        self._times: list[float] = record.times.tolist()

    def at(self, time: float) -> FaceMark | None:
        index = at(self._times, time)
        if index < 0:
            return None
        row = self._record.row(index)
        if index + 1 < len(self._times) and self._times[index + 1] - row.time <= BRIDGED:
            following = self._record.row(index + 1)
            return _between(row, following, (time - row.time) / (following.time - row.time))
        return _between(row, row, 0.0) if time - row.time <= HELD else None


def _between(one: FaceSeen, other: FaceSeen, share: float) -> FaceMark:
    left, top, right, bottom = (a + share * (b - a) for a, b in zip(one.box, other.box, strict=True))
    same = len(one.lips) == len(other.lips)
    lips = tuple(_mixed(a, b, share) for a, b in zip(one.lips, other.lips, strict=True)) if same else one.lips
    nearest = one if share < 0.5 else other
    return FaceMark(one.face, (left, top, right, bottom), lips, nearest.speaker, nearest.talking)


def _mixed(one: Point, other: Point, share: float) -> Point:
    return one[0] + share * (other[0] - one[0]), one[1] + share * (other[1] - one[1])


class _Emotions:
    """The updates of each face, to look up the one to show."""

    def __init__(self, updates: Iterable[EmotionUpdate]) -> None:
        self._updates: dict[int | None, list[EmotionUpdate]] = {}
        for update in updates:
            self._updates.setdefault(update.face, []).append(update)
        # Each holds until the next, unless that is long in coming.
        self._starts = {face: [each.start for each in those] for face, those in self._updates.items()}
        self._ends = {face: _ends(those) for face, those in self._updates.items()}

    def at(self, time: float, speaker: int | None, faces: Sequence[int]) -> EmotionMark | None:
        """That of the speaker, else of a voice that is no face's in view, else of the first face in view."""
        for face in dict.fromkeys([speaker, None, *faces]):
            index = within(self._starts.get(face, ()), self._ends.get(face, ()), time)
            if index is not None:
                return _mark(self._updates[face][index])
        return None


def _ends(updates: Sequence[EmotionUpdate]) -> list[float]:
    held = [min(one.end + _LATE, other.start) for one, other in pairwise(updates)]
    return [*held, updates[-1].end + _LATE] if updates else []


def _mark(update: EmotionUpdate) -> EmotionMark:
    weights = update.weights
    return EmotionMark(
        face=update.face,
        label=update.label,
        probabilities=update.probabilities,
        face_weight=weights.get("face", 0.0),
        voice_weight=weights.get("voice", 0.0),
    )
