"""Events: everything a run tells the outside, as frozen dataclasses that serialise to JSON.

All times are seconds from session start. A field added later gets a default, so that old readers go on working.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lipstream.pipeline.events import Degraded, End, Error, Event, Recovered, Stats

__all__ = [
    "Degraded",
    "EmotionChanged",
    "EmotionUpdate",
    "End",
    "Error",
    "Event",
    "FaceFeatures",
    "FaceFound",
    "FaceLost",
    "FaceSeen",
    "FacesLooked",
    "LipActivity",
    "Recording",
    "Recovered",
    "Remark",
    "Revision",
    "SoundEvent",
    "SoundLevel",
    "SpeakerChanged",
    "SpeakerNamed",
    "SpeakingProbability",
    "SpeechEnded",
    "SpeechStarted",
    "SpeechUnclear",
    "Stats",
    "TranscriptCorrected",
    "TranscriptFinal",
    "TranscriptPartial",
    "Word",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """One transcribed word.

    Attributes:
        word: the word with its punctuation.
        start: seconds.
        end: seconds, >= start.
        confidence: in [0, 1].
        lip_gate: how much the lips moved the word, in [0, 1]; 0 when no face was used.
        speaker: number of the person who says it, as in `TranscriptFinal`; None where that is not known.
    """

    word: str
    start: float
    end: float
    confidence: float
    lip_gate: float = 0.0
    speaker: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """Words that stood in a partial, and what the final has in their place.

    Attributes:
        was: as they were shown.
        now: as they are; empty where they are left out.
    """

    was: str
    now: str


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
class SpeechUnclear(Event):
    """A segment in which speech was heard, and nothing could be read.

    Live, what follows it may tell what was said there: then its `TranscriptFinal` comes later, just before that of the
    next segment.

    Attributes:
        segment: number of the segment.
        start: first voiced moment, seconds.
        end: last voiced moment, seconds.
    """

    segment: int
    start: float
    end: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundEvent(Event):
    """Something other than speech is heard. It comes twice: when it is recognised, and when it is over.

    Attributes:
        label: what it is, in lower case and in English: "music", "applause".
        start: first moment, seconds.
        end: last moment, seconds; None as long as it goes on.
        confidence: in [0, 1].
    """

    label: str
    start: float
    end: float | None
    confidence: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscriptPartial(Event):
    """The open segment's text so far.

    Stable and unstable both empty take back all that was shown of the segment: once it turns out that it was no speech,
    or, with `speech.only_on_camera`, that the voice is of nobody in view, or before finals that are parts of it and
    have numbers of their own (`audio.track=each`).

    Attributes:
        segment: number of the segment.
        start: start of the segment, seconds.
        end: end of the audio this text was decoded from, seconds.
        stable: text that stands; it grows from partial to partial. The final, which is read from all of the speech, may
            correct it once, and then says so (`TranscriptFinal.revised`).
        unstable: the rest of the present guess; follows `stable` directly, so it begins with a space where a new word
            begins.
        speaker: number of the person who says the newest words, as far as can be told by now; None where it cannot.
        speaker_name: that person's name, None where it has none.
    """

    ephemeral: ClassVar[bool] = True

    segment: int
    start: float
    end: float
    stable: str
    unstable: str
    speaker: int | None = None
    speaker_name: str | None = None

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
        language: code of the language of the text (ISO 639-1); None where it is not known.
        revised: what it changes of the stable text of the partials before it; empty if nothing, or none was shown.
        joint: the sign behind the last word of the final before it, where that was left open because what comes next
            decides it; empty where none belongs there, or none was left open.
        speaker: number of the person who says most of it, from 1, the same in the whole run; None where that is not
            known. Its words tell where somebody else takes over. `SpeakerChanged` may correct it, once.
        speaker_name: that person's name, None where it has none; `SpeakerNamed` may give it one later.
        overlaps: somebody else in view speaks at the same time, and is captioned too: another final of this segment,
            with another `face`.
    """

    segment: int
    start: float
    end: float
    text: str
    words: tuple[Word, ...]
    lip_gate: float = 0.0
    face: int | None = None
    off_camera: bool = False
    language: str | None = None
    revised: tuple[Revision, ...] = ()
    joint: str = ""
    speaker: int | None = None
    speaker_name: str | None = None
    overlaps: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscriptCorrected(Event):
    """The text of a finished segment, read once more together with what was said after it.

    Live only. It comes at most once for a final, some time after it, and only where the text changes. Text and words
    take the place of those of the final; the rest of it stands.

    Attributes:
        segment: number of the segment, whose `TranscriptFinal` has come before.
        start: start of its first word, seconds.
        end: end of its last word, seconds.
        previous: `TranscriptFinal.text` as it was told.
        text: what it is; never empty. A sign at its end is the right one, whatever a `joint` has told of it.
        words: its words with times, confidence and speaker.
        revised: what changes, word by word.
        speaker: number of the person who says most of it, as in `TranscriptFinal`.
        speaker_name: likewise.
        language: likewise.
        face: `TranscriptFinal.face`, which tells two finals of one segment apart.
    """

    segment: int
    start: float
    end: float
    previous: str
    text: str
    words: tuple[Word, ...]
    revised: tuple[Revision, ...] = ()
    speaker: int | None = None
    speaker_name: str | None = None
    language: str | None = None
    face: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeakerChanged(Event):
    """Who said a finished segment, corrected: once more is heard, voices can be told apart better than as they came.

    Attributes:
        segment: number of the segment, whose `TranscriptFinal` has come before.
        start: start of its first word, seconds.
        end: end of its last word, seconds.
        previous: `TranscriptFinal.speaker` as it was told.
        speaker: what it is.
        words: the speaker of each of its words.
        speaker_name: as in `TranscriptFinal`.
        face: `TranscriptFinal.face`, which tells two finals of one segment apart.
    """

    segment: int
    start: float
    end: float
    previous: int | None
    speaker: int | None
    words: tuple[int | None, ...]
    speaker_name: str | None = None
    face: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeakerNamed(Event):
    """A speaker has a name: somebody gave it, or the voice is of a person whom the user had added.

    It holds for all that this speaker has said, and says from now on.

    Attributes:
        speaker: number of the speaker.
        name: the name; None where it was taken back.
    """

    speaker: int
    name: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark(Event):
    """Something about a recording that is good to know and no trouble.

    Attributes:
        modality: "audio" or "video".
        kind: "track" (which of several tracks is used), "channels" (channels that cancel out are not mixed), "level"
            (quiet sound is raised, or an offset is taken out), "length" (the header is wrong about it), "no_speech"
            (no speech was heard) or "silence" (there was no sound at all).
        text: one plain-language line.
    """

    modality: str
    kind: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording(Event):
    """Sound and picture begin to be kept, or are kept no more. Whoever shows a run tells the people in it.

    Attributes:
        on: whether they are kept from now on.
        file: name of the file, without its folder.
    """

    on: bool
    file: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceFound(Event):
    """A face came into view.

    Attributes:
        face: number of the person, from 1. Who comes back has the same one; with `face.identity: false` a new one.
        time: seconds.
        box: left, top, right, bottom as fractions of the frame's width and height.
    """

    face: int
    time: float
    box: tuple[float, float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceLost(Event):
    """A face is gone, or its number was given up for that of someone who was there before.

    Attributes:
        face: number of the person.
        start: when it came into view, seconds.
        time: when it was last seen, seconds.
    """

    face: int
    start: float
    time: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceSeen(Event):
    """Where a tracked face is in the picture, for those who draw; only with `face.report_rate`.

    Attributes:
        face: number of the person.
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
class FacesLooked(Event):
    """How often pictures of a recording were looked at for faces; only with `face.looks` set to need.

    Stretches follow each other without gap, told as they end.

    Attributes:
        start: seconds.
        end: seconds, > start.
        rate: looks a second at the least, but for pictures that are further apart.
        reason: "speech" (a voice, and a face), "several" (a voice, and several mouths that move), "doubt" (a voice has
            just begun, or a face has just come or gone, and no mouth is seen to speak), "quiet" (no voice) or "nobody"
            (no face).
    """

    start: float
    end: float
    rate: float
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceFeatures(Event):
    """What a face does in a picture, for those who study faces; only with `face.features_rate`.

    Angles and axes are the camera's: x to the right of the picture, y down, z away from the camera.

    Attributes:
        face: number of the person.
        time: timestamp of the picture, seconds.
        box: left, top, right, bottom in parts of the picture's width and height; a face at the border may reach out.
        confidence: probability that this is a face, in [0, 1]; with the backend mediapipe `face.min_confidence`.
        speaker: this face is the one chosen as the speaker's.
        talking: its lips move as they do in speech.
        pose: pitch, yaw and roll of the head in degrees; positive is down, to the left of the picture, clockwise on
            screen.
        gaze: (x, y, z) of unit length along which the eye on the left of the picture looks, and that on the right.
        gaze_angle: their mean as horizontal and vertical angle in radians; 0 along the camera's axis, positive to the
            right and down.
        aperture: opening of the inner lips in distances between the outer corners of the eyes.
        motion: how fast the aperture has changed over the last 0.4 s, in the same unit a second.
        blendshapes: 52 coefficients in [0, 1] by ARKit's names.
        landmarks: with `face.landmarks` x, y and z of 478 points, x and z in parts of the picture's width, y of its
            height; else empty.
    """

    ephemeral: ClassVar[bool] = True

    face: int
    time: float
    box: tuple[float, float, float, float]
    confidence: float
    speaker: bool
    talking: bool
    pose: tuple[float, float, float]
    gaze: tuple[tuple[float, float, float], ...]
    gaze_angle: tuple[float, float]
    aperture: float
    motion: float
    blendshapes: dict[str, float]
    landmarks: tuple[tuple[float, float, float], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeakingProbability(Event):
    """How likely the speaker's mouth is the voice that is heard; only with `face.features_rate`, after each segment.

    Attributes:
        segment: number of the segment.
        start: the middle of the first moment that was judged, seconds.
        step: from one to the next, seconds.
        own_voice: probability at each moment, in [0, 1]; None where no mouth was seen.
    """

    segment: int
    start: float
    step: float
    own_voice: tuple[float | None, ...]


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
        label: the emotion with the largest of `probabilities`; "unclear" where none leads by enough, or has just begun
            to; "unknown" without evidence.
        probabilities: by emotion, calibrated, averaged over the last seconds. While there is no evidence those that
            were last shown, and once the label is unknown all the same.
        valence: in [-1, 1], from the probabilities; 0 while the label is unknown.
        arousal: in [-1, 1], likewise.
        weights: share of "face" and "voice" in the probabilities; they sum to 1, or are both 0 without evidence.
        speaker: number of the person whose face or voice it is, as in `TranscriptFinal`; None where that is not known,
            such as before a face has spoken.
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
    speaker: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EmotionChanged(Event):
    """The smoothed label of a face, or of a voice without a face, became another one.

    Attributes:
        face: as in `EmotionUpdate`.
        time: seconds.
        previous: the label before, "unknown" at first.
        label: the label from now on, "unclear" when no emotion leads by enough, "unknown" when the face has gone, there
            is no evidence any more, or emotion was switched off.
        probabilities: as in `EmotionUpdate`.
        valence: as in `EmotionUpdate`.
        arousal: as in `EmotionUpdate`.
        weights: as in `EmotionUpdate`.
        speaker: as in `EmotionUpdate`.
    """

    face: int | None
    time: float
    previous: str
    label: str
    probabilities: dict[str, float]
    valence: float
    arousal: float
    weights: dict[str, float]
    speaker: int | None = None
