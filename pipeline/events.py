"""Events: everything a run tells the outside, as frozen dataclasses that serialise to JSON.

All times are seconds from session start. A field added later gets a default, so that old readers go on working.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Base of all events; a hook on this class receives every event.

    Attributes:
        emitted: when the event was published, seconds on the session clock. In a file run at full speed, where wall
            time says nothing, it is the media time that had been read when the event could be known.
    """

    ephemeral: ClassVar[bool] = False
    """True for events a later one supersedes; these are dropped first when a slow hook falls behind."""

    emitted: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """The event as JSON-ready data: `{"event": class name, "emitted": seconds, ...fields}`."""
        return {"event": type(self).__name__, "emitted": self.emitted} | dataclasses.asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """One transcribed word.

    Attributes:
        word: the word with its punctuation.
        start: seconds.
        end: seconds, >= start.
        confidence: in [0, 1].
        lip_gate: how much the lips moved the word, in [0, 1]; 0 when no face was used.
    """

    word: str
    start: float
    end: float
    confidence: float
    lip_gate: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechStarted(Event):
    """Voice activity began a segment.

    Attributes:
        segment: number of the segment, from 1.
        start: first voiced moment, seconds.
    """

    segment: int
    start: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechEnded(Event):
    """Voice activity ended a segment.

    Attributes:
        segment: number of the segment.
        start: first voiced moment, seconds.
        end: last voiced moment, seconds.
        reason: "pause", "max_segment" (cut because it grew too long) or "end_of_stream".
    """

    segment: int
    start: float
    end: float
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscriptPartial(Event):
    """The open segment's text so far.

    Stable and unstable both empty take back all that was shown of the segment: with `speech.only_on_camera`, once it
    turns out that the voice is of nobody in view. That alone takes stable text back.

    Attributes:
        segment: number of the segment.
        start: start of the segment, seconds.
        end: end of the audio this text was decoded from, seconds.
        stable: text that will not be taken back, but for the above; grows from partial to partial and begins the final.
        unstable: the rest of the present guess; follows `stable` directly, so it begins with a space where a new word
            begins.
    """

    ephemeral: ClassVar[bool] = True

    segment: int
    start: float
    end: float
    stable: str
    unstable: str

    @property
    def text(self) -> str:
        """Stable and unstable text together."""
        return self.stable + self.unstable


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscriptFinal(Event):
    """A finished segment.

    The first word may begin a little before `SpeechStarted.start`: voice activity is sure only some moments into it.

    Attributes:
        segment: number of the segment.
        start: start of the first word, seconds.
        end: end of the last word, seconds.
        text: the transcript.
        words: its words with times and confidence.
        lip_gate: how much the lips moved the result, in [0, 1]; 0 when no face was used.
        face: id of the face whose mouth was the voice for most of it; None when none was seen, or it was none of them.
        off_camera: a mouth was in view, and it was not the voice. False where no mouth was seen for most of it.
    """

    segment: int
    start: float
    end: float
    text: str
    words: tuple[Word, ...]
    lip_gate: float = 0.0
    face: int | None = None
    off_camera: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceFound(Event):
    """A face track began.

    Attributes:
        face: id of the track, from 1, never used again.
        time: seconds.
        box: left, top, right, bottom as fractions of the frame's width and height.
    """

    face: int
    time: float
    box: tuple[float, float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceLost(Event):
    """A face track ended.

    Attributes:
        face: id of the track.
        start: when it was first seen, seconds.
        time: when it was last seen, seconds.
    """

    face: int
    start: float
    time: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceSeen(Event):
    """Where a tracked face is in the picture, for those who draw; only with `face.report_rate`.

    Attributes:
        face: id of the track.
        time: timestamp of the picture, seconds.
        box: left, top, right, bottom as fractions of the frame's width and height; a face at the border may reach out.
        lips: outline of the outer lips, a closed polygon of (x, y), fractions likewise.
        speaker: this face is the one chosen as the speaker's.
        talking: its lips move as they do in speech.
    """

    ephemeral: ClassVar[bool] = True

    face: int
    time: float
    box: tuple[float, float, float, float]
    lips: tuple[tuple[float, float], ...]
    speaker: bool
    talking: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LipActivity(Event):
    """The state of the speaker's lips.

    Attributes:
        face: id of the face track chosen as the speaker's.
        time: seconds.
        aperture: opening of the inner lips in distances between the outer corners of the eyes; 0 is shut, 0.05 to 0.2
            in speech.
        motion: how much the aperture has moved of late, same unit.
    """

    ephemeral: ClassVar[bool] = True

    face: int
    time: float
    aperture: float
    motion: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundLevel(Event):
    """How loud the sound is and whether it is speech, for those who draw; only with `audio.report_rate`.

    Attributes:
        time: end of the stretch of sound that was measured, seconds.
        level: root mean square since the event before, in dB of full scale; -100 at the lowest, and for silence.
        speech: whether voice activity is within a segment of speech.
    """

    ephemeral: ClassVar[bool] = True

    time: float
    level: float
    speech: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class EmotionUpdate(Event):
    """How somebody looks and sounds, on a regular grid of time.

    Attributes:
        face: id of the face track; None for a voice that is no face's in view, and where there is no evidence at all.
        start: seconds.
        end: seconds, > start.
        label: the emotion, smoothed over time so that it does not flicker; "unknown" without evidence.
        probabilities: by emotion, calibrated, those of this moment. While there is no evidence those that were last
            shown, and once the label is unknown all the same.
        valence: in [-1, 1], from the probabilities; 0 while the label is unknown.
        arousal: in [-1, 1], likewise.
        weights: share of "face" and "voice" in the probabilities; they sum to 1, or are both 0 without evidence.
    """

    ephemeral: ClassVar[bool] = True

    face: int | None
    start: float
    end: float
    label: str
    probabilities: dict[str, float]
    valence: float
    arousal: float
    weights: dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class EmotionChanged(Event):
    """The smoothed label of a face, or of a voice without a face, became another one.

    Attributes:
        face: as in `EmotionUpdate`.
        time: seconds.
        previous: the label before, "unknown" at first.
        label: the label from now on, "unknown" when the face has gone or there is no evidence any more.
        probabilities: as in `EmotionUpdate`.
        valence: as in `EmotionUpdate`.
        arousal: as in `EmotionUpdate`.
        weights: as in `EmotionUpdate`.
    """

    face: int | None
    time: float
    previous: str
    label: str
    probabilities: dict[str, float]
    valence: float
    arousal: float
    weights: dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Degraded(Event):
    """A modality is missing or bad; the run goes on with the other.

    Attributes:
        modality: "audio" or "video".
        stage: name of the component that noticed; "load: " and what is left out, where the processor cannot keep up.
        reason: one plain-language line.
    """

    modality: str
    stage: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered(Event):
    """A degraded modality is back.

    Attributes:
        modality: "audio" or "video".
        stage: that of the `Degraded` event.
        reason: one plain-language line; empty where there is no more to say than that the modality is back.
    """

    modality: str
    stage: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats(Event):
    """A snapshot of the run's metrics, on an interval and once at the end.

    Attributes:
        wall: wall-clock seconds since the start.
        stages: per component: packets in and out, busy seconds, service and latency percentiles in milliseconds.
        channels: per channel: packets put, taken and dropped, depth and peak depth.
        counters: named totals. Of the sound, in seconds: "audio.captured_seconds" came from the source and
            "audio.lost_seconds" are silence in place of what did not; together they are "audio.processed_seconds", but
            for what is still on its way. "audio.speech_seconds" of it are speech, and "audio.recognised_seconds" of
            those went through recognition to the end, of which "audio.off_camera_seconds" were left out with
            `speech.only_on_camera`. "load.level" is how many kinds of work are left out just now.
        consumers: per event sink and hook: events in and dropped, busy seconds, service percentiles in milliseconds.
    """

    ephemeral: ClassVar[bool] = True

    wall: float
    stages: dict[str, dict[str, float]]
    channels: dict[str, dict[str, float]]
    counters: dict[str, float]
    consumers: dict[str, dict[str, float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Error(Event):
    """Something failed.

    Attributes:
        stage: name of the component.
        message: one line.
        recoverable: False when the run ends because of it.
    """

    stage: str
    message: str
    recoverable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class End(Event):
    """The run is over. Delivered exactly once, last.

    Attributes:
        reason: "finished", "stopped" or "failed".
        duration: session time covered, seconds: the end of the last input, or of the session when live.
    """

    reason: str
    duration: float
