"""What flows between the stages: the payload classes of the captions graph.

Arrays are shared, never copied, between stages and must not be written to.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum

import numpy as np
import numpy.typing as npt

from lipstream.models.face.lip_features import LipFeatures
from lipstream.models.face.pose import HeadPose
from lipstream.models.face.tracking import TrackedFace
from lipstream.models.speech.engine import Encoding
from lipstream.models.speech.fusion import VoicePart
from lipstream.pipeline import seconds

Float32 = npt.NDArray[np.float32]
UInt8 = npt.NDArray[np.uint8]
Bool = npt.NDArray[np.bool_]

SAMPLE_RATE = 16_000
"""Sample rate of all sound after the sources, in Hz."""
UNCLEAR = "[unclear]"
"""What stands in a transcript for speech in which nothing could be read."""


@dataclass(frozen=True, slots=True)
class AudioBlock:
    """A stretch of sound. The packet's timestamp is that of the first sample.

    Blocks of a stream follow each other without gap or overlap: sources fill gaps with silence. The timestamp may
    differ by some microseconds from the end of the block before, where the device's clock drifts.

    Attributes:
        samples: (N,) float32, mono, 16 kHz, in [-1, 1].
        filled: how many of the samples are silence put in for lost sound.
        speech: probability in [0, 1] that it is speech, where it is a window and has been listened to; else None.
    """

    samples: Float32
    filled: int = 0
    speech: float | None = None


class VideoFrame:
    """A picture. The packet's timestamp is its presentation or capture time.

    The picture of a file is made when it is first asked for, so that one nobody looks at costs no conversion.

    Args:
        image: the picture, or what makes it, called once at most.
        source_size: width and height in pixels before scaling.
    """

    __slots__ = ("_image", "_lock", "_make", "source_size")

    def __init__(self, image: UInt8 | Callable[[], UInt8], source_size: tuple[int, int]) -> None:
        self.source_size = source_size
        self._lock = threading.Lock()
        self._make: Callable[[], UInt8] | None = image if callable(image) else None
        self._image: UInt8 | None = None if callable(image) else image

    @property
    def image(self) -> UInt8:
        """(H, W, 3) uint8 RGB, C-contiguous, upright, scaled down to `video.max_side`. From any thread."""
        with self._lock:
            if self._image is None:
                assert self._make is not None
                # What it is made of is let go.
                self._image, self._make = self._make(), None
            return self._image


@dataclass(frozen=True, slots=True)
class VoiceHeard:
    """From here on there is a voice in the sound, or none. The packet's timestamp may be earlier than that.

    Attributes:
        time: session time, microseconds.
        voiced: whether there is one.
    """

    time: int
    voiced: bool


@dataclass(frozen=True, slots=True)
class SpeechChunk:
    """A piece of a speech segment, as voice activity cuts it. The packet's timestamp is that of its first sample.

    Attributes:
        segment: number of the segment, from 1.
        samples: (N,) float32, 16 kHz; the chunks of a segment follow each other without gap.
        first: this chunk begins the segment (its pre-roll included).
        last: this chunk ends the segment; it may be empty.
        speech_start: first voiced moment of the segment, session time in microseconds.
        speech_end: last voiced moment so far, session time in microseconds.
        silence: seconds of silence at the end of the segment so far; 0 in the middle of speech, and where a segment
            was cut without a pause.
        pause: seconds of silence that would end the segment now.
    """

    segment: int
    samples: Float32
    first: bool
    last: bool
    speech_start: int
    speech_end: int
    silence: float = 0.0
    pause: float = math.inf


@dataclass(frozen=True, slots=True)
class FaceFrame:
    """All tracked faces of one video frame.

    Attributes:
        faces: tracked faces, coordinates in pixels of the scaled frame.
        speaker: id of the face chosen as the speaker's, None without a face.
        width: width of the scaled frame in pixels.
        height: height of the scaled frame in pixels.
        lips: lip features of the speaker's face, None without a face.
        talking: ids of the faces whose lips move as they do in speech.
        other_lips: lip features of the other faces among them, if they are wanted.
    """

    faces: tuple[TrackedFace, ...]
    speaker: int | None
    width: int
    height: int
    lips: LipFeatures | None
    talking: frozenset[int] = frozenset()
    other_lips: tuple[LipFeatures, ...] = ()


@dataclass(frozen=True, slots=True)
class FaceView:
    """A video frame and the tracked faces in it, for those who look at more of a face than its lips.

    Attributes:
        image: (H, W, 3) uint8 RGB, that of the `VideoFrame`.
        faces: tracked faces, coordinates in pixels of the image.
        speaker: id of the face chosen as the speaker's, None without a face.
        talking: ids of the faces whose lips move as they do in speech.
        poses: how the head of each face lies, by id; empty where that is not known.
        apertures: opening of the inner lips of each face in distances between the outer corners of the eyes, by id.
    """

    image: UInt8
    faces: tuple[TrackedFace, ...]
    speaker: int | None
    talking: frozenset[int]
    poses: Mapping[int, HeadPose] = field(default_factory=dict)
    apertures: Mapping[int, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LipFrame:
    """One frame of the lip stream, on a regular grid.

    Attributes:
        lips: the features; None where the mask is off: no face, or no picture for too long.
        talking: ids of all faces in view whose lips move as they do in speech.
        other_lips: features of the other faces among them, if they are wanted; those whose mask is off are not there.
    """

    lips: LipFeatures | None
    talking: frozenset[int] = frozenset()
    other_lips: tuple[LipFeatures, ...] = ()

    def of(self, face: int) -> LipFeatures | None:
        """The lips of a face, whether it is the speaker's or another's; None where they are not seen."""
        return next((lips for lips in (self.lips, *self.other_lips) if lips is not None and lips.face == face), None)

    @property
    def valid(self) -> bool:
        """The mask: whether there are lips to look at."""
        return self.lips is not None


class MouthState(Enum):
    """What a mouth has done of late."""

    UNSEEN = "unseen"
    SHUT = "shut"
    """Closed and still."""
    MOVING = "moving"
    """Open, and opening or closing."""
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Mouth:
    """The mouth that the lip stream shows, for those who do not look at it closely.

    The packet's timestamp is the moment from which on this counts as known, `MOUTH_DELAY` after `time`.

    Attributes:
        time: session time of the lip frame, microseconds.
        face: id of the face track; None where no mouth is seen, or the picture of it stands still.
        aperture: inner lip opening in distances between the outer corners of the eyes; 0 where no mouth is seen.
        state: what the mouth has done up to then.
        talking: ids of all faces in view whose lips move as they do in speech.
    """

    time: int
    face: int | None
    aperture: float
    state: MouthState
    talking: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class SpeakerTurn:
    """A time in which one person speaks.

    Attributes:
        start: session time, microseconds.
        end: likewise, > start.
        speaker: number of the person.
        name: of that person, None where it has none.
    """

    start: int
    end: int
    speaker: int
    name: str | None = None


@dataclass(frozen=True, slots=True)
class PeopleKnown:
    """Whose face is whose, and who was heard last.

    Attributes:
        faces: number of the speaker by face; faces that have not spoken are not there.
        voice: number of the speaker whose voice is heard without a face; None where there is none.
    """

    faces: Mapping[int, int]
    voice: int | None


@dataclass(frozen=True, slots=True, eq=False)
class VoiceOf:
    """What is heard of one of two visible people who speak at once.

    Attributes:
        face: id of their face.
        part: their sound, and what is known of it.
        speaker: number of the person; None where that is not known.
        name: of that person, None where it has none.
    """

    face: int
    part: VoicePart
    speaker: int | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class AtOnce:
    """Two visible people who speak at once in a segment.

    Attributes:
        voices: of the one whose lips were looked at for most of it, and of the other.
        both: (T,) bool, in which encoder frames both are heard.
    """

    voices: tuple[VoiceOf, VoiceOf]
    both: Bool


@dataclass(frozen=True, slots=True)
class EncodedSpeech:
    """The encoder's view of an open or finished segment. The packet's timestamp is the end of the sound heard so far.

    Attributes:
        segment: number of the segment.
        encoding: encoder frames of the whole segment so far, possibly refined by fusion.
        samples: (N,) float32, the sound that was encoded, with others' voices softened where fusion did that; its end
            may be made up (`speech.endpoint_prediction`).
        start: session time of the first encoded sample, microseconds.
        speech_start: first voiced moment, microseconds.
        speech_end: last voiced moment so far, microseconds.
        end: session time up to which the sound was heard, microseconds; what is encoded may reach further.
        last: the segment is finished; this is its final encoding.
        lip_gate: (T,) how far fusion let the lips move each frame, in [0, 1]; None if they moved none.
        active_speaker: (T,) probability that the visible mouth is the voice heard in each frame, NaN where no mouth is
            seen; None if that was not judged.
        tentative: shown like any update, but promises nothing: the segment as it will be if the pause it is in ends it,
            or an early look at its beginning.
        prediction: number of the endpoint prediction this is the encoding of, unique in a run; 0 for none. Where a
            segment ends as it was predicted, its last encoding has the number of the tentative one, and all that was
            made of that holds.
        failed: the segment has ended, and could not be encoded; there are no frames.
        turns: who speaks when, in order, together all of the segment; empty where that is not known.
        at_once: two people in view who speak at the same time in it, told apart; None where nobody does, where that was
            not looked for, and while the segment goes on.
    """

    segment: int
    encoding: Encoding
    samples: Float32
    start: int
    speech_start: int
    speech_end: int
    end: int
    last: bool
    lip_gate: Float32 | None = None
    active_speaker: Float32 | None = None
    tentative: bool = False
    prediction: int = 0
    failed: bool = False
    turns: tuple[SpeakerTurn, ...] = ()
    at_once: AtOnce | None = None

    @property
    def heard(self) -> float:
        """Seconds of sound that were heard."""
        return seconds(self.end - self.start)
