"""What `-f json` writes, as typed models: the schema in docs/transcript.schema.json is made of them.

Fields that a reader can do without have defaults, so that what an older version wrote, or another program, can be read.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

VERSION = 1
"""Of the schema; another number means that fields have gone or mean something else. New ones may come at any time."""

Seconds = Annotated[float, Field(allow_inf_nan=False, ge=0)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Share = Annotated[float, Field(allow_inf_nan=False, ge=0, le=1)]


class _Record(BaseModel):
    model_config: ClassVar[ConfigDict] = ConfigDict(
        extra="ignore", frozen=True, use_attribute_docstrings=True, json_schema_serialization_defaults_required=True
    )


class WordRecord(_Record):
    """A word."""

    word: str
    """With its punctuation."""
    start: Seconds
    """Seconds from the beginning of the recording, like all times."""
    end: Seconds
    """Not before its start."""
    confidence: Share | None = 0.0
    """How sure the recogniser is; null where that cannot be told."""
    lip_gate: Share | None = 0.0
    """How much the lips moved the word; 0 where no face was used."""
    speaker: int | None = None
    """Number of the person who says it; null where that is not known."""


class SegmentRecord(_Record):
    """A stretch of speech."""

    start: Seconds
    """Start of its first word."""
    end: Seconds
    """End of its last word."""
    text: str
    """What is said."""
    face: int | None = None
    """Number of the face whose mouth was the voice; null where none was seen, or it was none of them."""
    off_camera: bool = False
    """Whether a mouth was in view and was not the voice."""
    language: str | None = None
    """Code of ISO 639-1; null where it is not known."""
    speaker: int | None = None
    """Number of the person who says most of it, from 1, the same in all of it; null where that is not known."""
    speaker_name: str | None = None
    """Name of that person; null where there is none."""
    overlaps: bool = False
    """Whether somebody else in view speaks at the same time: that is another segment, over the same time."""
    words: tuple[WordRecord, ...] = ()
    """Its words; together, with spaces where the language has them, they are the text."""


class FaceRecord(_Record):
    """A face, from where it was first seen to where it was last seen."""

    id: int
    """Number of its track, from 1."""
    start: Seconds
    """First seen."""
    end: Seconds
    """Last seen."""


class LipRecord(_Record):
    """The lips of the speaker at a moment."""

    time: Seconds
    """When."""
    face: int
    """Whose."""
    aperture: Finite | None
    """Opening of the inner lips in distances between the outer corners of the eyes."""


class EmotionRecord(_Record):
    """A time in which a face, or a voice without one, keeps its emotion."""

    start: Seconds
    """Begins."""
    end: Seconds
    """Ends."""
    label: str
    """The emotion with the largest probability, "unclear" where none leads by enough, or "unknown"."""
    probabilities: dict[str, Finite | None] = {}
    """Means, by emotion."""
    valence: Finite | None = 0.0
    """Mean, in [-1, 1]."""
    arousal: Finite | None = 0.0
    """Mean, in [-1, 1]."""
    weights: dict[str, Finite | None] = {}
    """Means of the shares of "face" and "voice"; both 0 without evidence."""
    face: int | None = None
    """Number of the face; null for a voice that is no face's in view."""
    speaker: int | None = None
    """Number of the person whose face or voice it is; null where that is not known."""


class SpeakerRecord(_Record):
    """Somebody who speaks."""

    id: int
    """Number of the person, as in segments and words."""
    name: str | None = None
    """Name; null where there is none."""
    seconds: Finite = 0.0
    """How long the words of this person last, together."""
    words: int = 0
    """How many there are."""
    faces: tuple[int, ...] = ()
    """Faces that were seen to say them."""


class SoundRecord(_Record):
    """A sound that is no speech."""

    label: Annotated[str, Field(min_length=1)]
    """What it is, in lower case and in English: "music", "applause"."""
    start: Seconds
    """Begins."""
    end: Seconds
    """Ends."""
    confidence: Share | None = 0.0
    """How sure it is."""


class RatesRecord(_Record):
    """How often things were looked at, at most, in times a second; null where they were not."""

    faces: Finite | None = None
    """Frames in which faces were sought."""
    lips: Finite | None = None
    """Entries of `lips`."""
    expressions: Finite | None = None
    """Looks at the expression of the speaker's face."""
    emotions: Finite | None = None
    """Judgements of the emotion of a face or a voice."""


class LooksRecord(_Record):
    """A stretch of the recording in which faces were looked for at one rate."""

    start: Seconds
    """Begins."""
    end: Seconds
    """Ends, where the next begins."""
    rate: Finite | None
    """Looks a second at the least, but for pictures that are further apart."""
    reason: str
    """"speech": a voice, and a face; "several": a voice, and several mouths that move; "doubt": a voice has just begun,
    or a face has just come or gone, and no mouth is seen to speak; "quiet": no voice; "nobody": no face."""


class RemarkRecord(_Record):
    """What is to be known of the recording."""

    modality: str
    """"audio" or "video"."""
    kind: str
    """Of what kind it is, for programs."""
    text: str
    """The same in words."""


class StatsRecord(_Record):
    """Figures of the run."""

    rtf: Finite | None = None
    """Seconds of work for a second of media; null without media."""
    wall_seconds: Finite | None = 0.0
    """How long the run took; null where that is not told."""
    stages: dict[str, dict[str, Finite | None]] = {}
    """Counters and times of each stage."""


class TranscriptRecord(_Record):
    """A run of Lipstream. No number is ever NaN or infinite."""

    lipstream: str = ""
    """Version of Lipstream."""
    schema_version: Annotated[int, Field(ge=1)] = VERSION
    """Version of this schema."""
    source: str = ""
    """The recording, as it was named."""
    duration: Seconds = 0.0
    """Seconds of media."""
    complete: bool = True
    """Whether the run came to its end; false in a file that a killed run has left."""
    language: str | None = None
    """That of most words."""
    segments: tuple[SegmentRecord, ...]
    """What was said, in order."""
    faces: tuple[FaceRecord, ...] = ()
    """Faces that were followed."""
    speakers: tuple[SpeakerRecord, ...] = ()
    """Those who speak, by number."""
    lips: tuple[LipRecord, ...] = ()
    """The lips over time."""
    emotions: tuple[EmotionRecord, ...] = ()
    """Emotions over time, in the order in which they end."""
    sounds: tuple[SoundRecord, ...] = ()
    """Sounds that are no speech, in order."""
    rates: RatesRecord = RatesRecord()
    """How often things were looked at."""
    looks: tuple[LooksRecord, ...] = ()
    """How often faces were looked for over time; empty where every picture was looked at, up to `rates.faces`."""
    settings: dict[str, Any] | None = None
    """The configuration, every key of it; null where it is not known."""
    models: dict[str, str] = {}
    """SHA-256 of each file of a network that the process had loaded, by its name."""
    remarks: tuple[RemarkRecord, ...] = ()
    """What is to be known of the recording, such as which track was used."""
    stats: StatsRecord = StatsRecord()
    """Figures of the run."""


def json_schema() -> dict[str, Any]:
    """The schema of what is written, JSON Schema 2020-12."""
    schema = TranscriptRecord.model_json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
