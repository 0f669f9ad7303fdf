"""The configuration, as typed models. Every key has its default, unit and allowed values here."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictInt,
    StrictStr,
    model_validator,
)

from lipstream.config.environment import emotion_forbidden
from lipstream.config.subtitles import SubtitlesConfig
from lipstream.plugins import ENGINES, STAGES

Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
PositiveSeconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Fraction = Annotated[float, Field(ge=0, le=1)]
# Strict, or `true` would be device number 1.
Device = StrictInt | StrictStr


class Pace(StrEnum):
    """How fast a file is read."""

    MAX = "max"
    REALTIME = "realtime"


class Partials(StrEnum):
    """When the open segment is decoded before it ends."""

    AUTO = "auto"
    ON = "on"
    OFF = "off"


class Quality(StrEnum):
    """How good the words are to be, for how much work."""

    AUTO = "auto"
    FAST = "fast"
    BALANCED = "balanced"
    BEST = "best"


def _language_code(code: str) -> str:
    short = code.strip().lower().replace("_", "-").partition("-")[0]
    if short != "auto" and not (short.isascii() and short.isalpha() and 2 <= len(short) <= 3):
        raise ValueError(f"{code!r} is no code of a language, expected auto or one of ISO 639-1 such as en, de or fr")
    return short


def _track(value: object) -> object:
    text = str(value).strip().lower()
    if text.isdecimal() and int(text) > 0:
        return int(text)
    if isinstance(value, bool) or not (text in ("auto", "all", "each") or re.fullmatch(r"[a-z]{2,3}([-_]\w+)*", text)):
        raise ValueError(
            f"{value!r} names no track, expected auto, all, each, a number from 1, or a code of a language such as en "
            "or eng"
        )
    return text


def _on_off(value: object) -> object:
    # YAML reads a bare `on` as true.
    return {True: Partials.ON, False: Partials.OFF}[value] if isinstance(value, bool) else value


def _on_off_auto(value: object) -> object:
    # The same.
    return ("on" if value else "off") if isinstance(value, bool) else value


def _off(value: object) -> object:
    # YAML reads a bare `off` as false.
    return "off" if value is False else value


def _none_is_empty(value: object) -> object:
    # A mapping whose keys are all commented out is null in YAML.
    return {} if value is None else value


Options = Annotated[dict[str, Any], BeforeValidator(_none_is_empty)]
"""What a plug-in is told; it says itself which keys and values it takes."""


def _known_engine(name: str) -> str:
    if name == "auto" or ENGINES.knows(name):
        return name
    known = dict.fromkeys(["auto", *ENGINES.built_in, *(plugin.name for plugin in ENGINES.installed())])
    raise ValueError(f"{name!r} is not allowed, expected {' or '.join(map(repr, known))}")


def _unless_forbidden(enabled: bool) -> bool:
    return enabled and not emotion_forbidden()


class _Section(BaseModel):
    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class AudioConfig(_Section):
    """Sound: where it comes from."""

    enabled: bool = True
    """Whether sound is used at all."""
    microphone: Device | None = None
    """Live: index or part of the name of the input device; null for the system's default."""
    source: Literal["microphone", "system", "both"] = "microphone"
    """Live: whose sound is captioned: the microphone's, what this machine plays (calls, videos), or both, each as a
    voice with a name of its own."""
    system: Device | None = None
    """Live: index or part of the name of the output that is captioned; null for the system's default."""
    block: Annotated[float, Field(ge=0.005, le=0.5)] = 0.02
    """Live: seconds of sound per device block."""
    buffer: Annotated[float, Field(ge=1, le=600)] = 60.0
    """Live: seconds of sound held while recognition catches up; what does not fit is lost and counted."""
    reopen_after: PositiveSeconds = 1.0
    """Live: seconds without a block after which the device counts as gone and is opened again."""
    report_rate: Annotated[float, Field(ge=0, le=30)] = 0.0
    """SoundLevel events a second; 0 for none."""
    track: Annotated[int | str, BeforeValidator(_track)] = "auto"
    """File: the sound track that is used: its number among them, from 1; the code of its language; all, mixed; each, a
    speaker of its own; or auto: that of `speech.language`, if there is one, and of several the first in which somebody
    speaks."""


class SoundsConfig(_Section):
    """Sounds that are no speech: applause, laughter, music, alarms and the like."""

    enabled: bool = False
    """Whether they are told of, as SoundEvent; the network is fetched once (32 MB)."""
    without_network: Annotated[Literal["auto", "on", "off"], BeforeValidator(_on_off_auto)] = "auto"
    """Where that is not enabled: whether what is loud and no speech is told of by a rule, as music where its tones are
    steady, else as loud sound; auto: where somebody waits (live, and files at real-time pace)."""


class VideoConfig(_Section):
    """Picture: where it comes from."""

    enabled: bool = True
    """Whether the picture is used at all."""
    camera: Device = 0
    """Live: index, device path or URL of the camera."""
    width: Annotated[int, Field(ge=64, le=7680)] = 640
    """Live: width asked of the camera, in pixels; it may give another."""
    height: Annotated[int, Field(ge=64, le=4320)] = 480
    """Live: height asked of the camera, in pixels."""
    fps: Annotated[float, Field(gt=0, le=240)] = 30.0
    """Live: frame rate asked of the camera, in Hz."""
    track: Literal["auto"] | Annotated[StrictInt, Field(ge=1)] = "auto"
    """File: the picture that is used: its number among the video tracks, cover art not counted, from 1; or auto: the
    first that shows something, the one the file prefers before others."""
    hardware: Annotated[Literal["auto", "off"], BeforeValidator(_off)] = "off"
    """File: who decodes pictures larger than full HD: auto takes a graphics card where one can; what it makes
    of a picture may differ in the last bit."""
    max_side: Annotated[int, Field(ge=64, le=7680)] = 640
    """Frames are scaled down to this longer side, in pixels, before anything looks at them."""
    freeze_after: PositiveSeconds = 1.0
    """Live: seconds of identical or missing frames after which the camera counts as frozen."""


LONGEST_ONSET = 0.3
"""Seconds within which, beyond `vad.min_speech`, the voice that begins a segment must have been heard."""


class VadConfig(_Section):
    """Voice activity and how speech is cut into segments."""

    threshold: Annotated[float, Field(gt=0, lt=1)] = 0.5
    """Speech probability at which a segment begins; it ends below this less 0.15."""
    pre_roll: Seconds = 0.3
    """Seconds of sound before the first voiced moment that belong to the segment."""
    hang_over: Annotated[float, Field(ge=0.05, le=5)] = 0.4
    """Seconds of silence that end a segment."""
    min_speech: Seconds = 0.1
    """Seconds of voice needed before a segment begins; anything shorter is no speech."""
    max_segment: Annotated[float, Field(ge=3, le=30)] = 14.0
    """Seconds after which a segment is cut at the best pause even if speech goes on."""
    soft_segment: Annotated[float, Field(ge=1, le=30)] = 8.0
    """Seconds after which ever shorter pauses end a segment."""
    cut_lookback: Annotated[float, Field(ge=0.2, le=5)] = 2.0
    """Where the best pause is sought: this many seconds before max_segment."""
    lips: bool = True
    """Whether a mouth in view helps to tell where speech ends."""
    lip_shut_factor: Annotated[float, Field(ge=0.2, le=1)] = 0.625
    """Share of hang_over that ends a segment while the mouth that moved in it is shut and still."""
    lip_moving_factor: Annotated[float, Field(ge=1, le=5)] = 1.0
    """How many times hang_over a segment is held while the mouth in view is open and moving."""

    @model_validator(mode="after")
    def _ordered(self) -> VadConfig:
        if self.soft_segment > self.max_segment - self.cut_lookback:
            raise ValueError(
                f"soft_segment ({self.soft_segment}) must not exceed max_segment - cut_lookback "
                f"({self.max_segment} - {self.cut_lookback})"
            )
        # Else the end of a segment would be held back, and cut, before it has well begun.
        if self.pre_roll + self.min_speech + LONGEST_ONSET > self.max_segment - self.cut_lookback:
            raise ValueError(
                f"pre_roll ({self.pre_roll}) + min_speech ({self.min_speech}) + {LONGEST_ONSET} must not exceed "
                f"max_segment - cut_lookback ({self.max_segment} - {self.cut_lookback})"
            )
        return self


def _to_be_replaced(shown: dict[str, str]) -> dict[str, str]:
    known: dict[str, str] = {}
    for heard in shown:
        if not any(letter.isalnum() for letter in heard):
            raise ValueError(f"{heard!r} has no word to be replaced")
        folded = unicodedata.normalize("NFC", heard).replace("’", "'").casefold()
        if (before := known.setdefault(" ".join(folded.split()), heard)) != heard:
            raise ValueError(f"{heard!r} and {before!r} are the same words, expected one of them")
    return shown


class SpeechConfig(_Section):
    """Transcription."""

    quality: Quality = Quality.AUTO
    """How good the words are to be: fast (Moonshine, English alone), balanced (Whisper base reads what is finished),
    best (Whisper small does, which has to be fetched), or auto: balanced for recordings, and where somebody waits if
    this machine is known to be fast enough (`lipstream doctor` tells), else fast."""
    engine: Annotated[str, AfterValidator(_known_engine)] = "auto"
    """Recogniser of finished speech: auto leaves it to the quality; moonshine; whisper; sherpa, which needs the extra
    of that name; or that of a plug-in."""
    model: str = ""
    """Model: for whisper a size, or the path of a local folder; for sherpa that of a folder; for a plug-in as it says;
    empty for the usual one."""
    first: Annotated[str, AfterValidator(_known_engine)] = "auto"
    """Recogniser of speech that goes on: auto takes Moonshine beside Whisper, and else the one of finished speech."""
    language: Annotated[str, AfterValidator(_language_code)] = "auto"
    """Language spoken, by its code of ISO 639-1 (en, de, fr, ...); auto finds out."""
    task: Literal["transcribe", "translate"] = "transcribe"
    """Write what is said, or, with whisper, translate it to English."""
    terms: tuple[str, ...] = ()
    """Words and phrases to be expected, such as names."""
    terms_file: Path | None = None
    """The same in a text file, one a line."""
    mark_unclear: bool = False
    """Whether speech in which nothing could be read is in the outputs, as [unclear]."""
    join: Annotated[float, Field(ge=0, le=28)] = 24.0
    """Seconds of sound up to which speech is read across its pauses by a recogniser that reads it better so; 0 for each
    segment by itself. Where somebody waits, each segment is read behind up to 8 of them."""
    options: Options = {}
    """What a plug-in's recogniser is told besides."""
    threads: Annotated[int, Field(ge=1, le=64)] = 1
    """Processor threads of the recogniser."""
    final_threads: Annotated[int, Field(ge=1, le=64)] | Literal["auto"] = "auto"
    """Likewise of who reads what is finished; auto: 2 for Whisper where somebody waits and there are as many cores."""
    partials: Annotated[Partials, BeforeValidator(_on_off)] = Partials.AUTO
    """Decode the open segment while it grows: on, off, or auto (live and real-time pace only)."""
    update_interval: Annotated[float, Field(ge=0.1, le=5)] = 0.4
    """Seconds between two partial transcripts of an open segment."""
    corrections: Annotated[Partials, BeforeValidator(_on_off)] = Partials.AUTO
    """Where the open segment is decoded while it grows: read what is finished once more with what comes next, and
    correct it: on, off, or auto (live and real-time pace only)."""
    only_on_camera: bool = False
    """Leave out speech that is not of a mouth in view; where no mouth is in view, nothing is left out."""
    numerals: Literal["as_heard", "digits", "words"] = "as_heard"
    """How numbers are written: as recognised, in digits or in words; the last two need the extra numerals."""
    fillers: Literal["keep", "drop"] = "keep"
    """Whether sounds of hesitation (um, uh, äh, euh) are shown."""
    replace: Annotated[dict[str, str], BeforeValidator(_none_is_empty), AfterValidator(_to_be_replaced)] = {}
    """What is shown in place of words or phrases that are heard: "***" covers, an empty text leaves out."""


class FaceConfig(_Section):
    """Face tracking."""

    backend: Literal["litert", "mediapipe"] = "litert"
    """Who runs the face networks: LiteRT, or MediaPipe's own Tasks API, which sends usage metrics to its maker."""
    threads: Annotated[int, Field(ge=1, le=64)] = 1
    """Processor threads of each face network; MediaPipe chooses its own."""
    max_fps: Annotated[float, Field(gt=0, le=120)] = 25.0
    """Most frames a second that are looked at; the others are skipped before any work."""
    looks: Literal["every", "need"] = "every"
    """File at full pace: whether every frame is looked at for faces, or as many as are needed, by what is heard and
    seen. With a profile it is always every frame."""
    speech_rate: Annotated[float, Field(ge=1, le=120)] = 12.5
    """With need: looks a second where a voice is heard and a face is in view; max_fps while it is not clear whose it
    is."""
    quiet_rate: Annotated[float, Field(ge=1, le=120)] = 6.25
    """With need: looks a second where no voice is heard, or no face is seen; below 1 / lips.max_gap lips have gaps."""
    max_faces: Annotated[int, Field(ge=1, le=16)] = 4
    """Most faces followed at once; with litert 50 looks a second are shared by them, the speaker's first."""
    range: Literal["near", "far", "auto"] = "auto"
    """Near finds faces of a tenth of the picture and more, far smaller ones too, auto those mostly while there is no
    other. The backend mediapipe has near alone."""
    min_confidence: Fraction = 0.5
    """Detection and presence confidence below which there is no face."""
    max_gap: Seconds = 0.5
    """Seconds a face may be missed before it counts as gone; where pictures are far apart, two and a half of them."""
    identity: bool = True
    """Whether people are told apart by their looks, so that who comes back, crosses or is cut to keeps the number."""
    report_rate: Annotated[float, Field(ge=0, le=120)] = 0.0
    """Most FaceSeen events a second for each face; 0 for none."""
    features_rate: Annotated[float, Field(ge=0, le=120)] = 0.0
    """Most FaceFeatures events a second for each face; 0 for none. The format features asks for every frame."""
    landmarks: bool = False
    """Whether FaceFeatures have all 478 landmarks."""


class LipsConfig(_Section):
    """The lip stream."""

    rate: Annotated[float, Field(gt=0, le=100)] = 25.0
    """Lip frames a second after resampling, for LipActivity and own stages; what decides on the text always has 25."""
    max_gap: Seconds = 0.2
    """Gaps between camera frames up to this many seconds are bridged; longer ones are masked."""
    report_rate: Annotated[float, Field(ge=0, le=25)] = 12.5
    """LipActivity events a second; 0 for none."""


class FusionConfig(_Section):
    """Joining sound and lips."""

    skew_limit: Seconds = 0.2
    """Live: longest wait of the sound for its lip frames, in seconds; then it goes on without."""
    profile: str | None = None
    """Profile of an enrolled user, whose lips then help to tell words; null for none."""
    grow: str | None = None
    """Live: profile that grows from clean speech of this run, with its user's consent; null for none."""
    ask: bool = True
    """Whether page and window ask once if a profile may grow from use, on the user's own machine."""
    general: bool = True
    """Whether anybody's lips help to tell the own voice from others, with any recogniser, where there is a picture."""


class EmotionConfig(_Section):
    """Emotion from face and voice."""

    enabled: Annotated[bool, AfterValidator(_unless_forbidden), Field(validate_default=True)] = True
    """Whether emotions are judged at all; without, none of it is loaded. LIPSTREAM_NO_EMOTION makes it false always."""
    face_rate: Annotated[float, Field(gt=0, le=30)] = 10.0
    """Most looks a second at the expression of the speaker's face; the others are looked at half as often."""
    update_interval: Annotated[float, Field(ge=0.1, le=1)] = 0.5
    """Seconds between EmotionUpdate events of a face or a voice."""
    look_ahead: Annotated[float, Field(ge=0, le=2)] = 0.2
    """Live, and at real-time pace: seconds an update waits for what comes late; a file at full pace waits for all."""


def _count(value: object) -> object:
    return "auto" if isinstance(value, str) and value.strip().lower() == "auto" else value


class SpeakersConfig(_Section):
    """Who speaks: persons told apart by voice, face and lips."""

    enabled: bool = True
    """Whether speakers are told apart; without, no voice is looked at."""
    count: Annotated[Literal["auto"] | Annotated[int, Field(ge=1, le=50)], BeforeValidator(_count)] = "auto"
    """How many people speak, if that is known; auto finds out."""
    people: bool = True
    """Whether voices are compared with those of people whom the user has added (`lipstream people`)."""
    overlaps: bool = True
    """Whether two people in view who speak at once are both captioned; live while the processor keeps up."""


class LimitsConfig(_Section):
    """Recorded files: how much one may ask for before it is refused. Raise a limit for a file you trust."""

    max_pixels: Annotated[int, Field(ge=1)] = 36_000_000
    """Most pixels in a picture; 8K has 33 million."""
    max_duration: PositiveSeconds = 86_400.0
    """Longest recording, in seconds; what comes later in a file that does not tell its length is left out."""
    max_gaps: Seconds = 7_200.0
    """Most seconds of gaps in the sound, in all, that are filled with silence; further ones are closed up."""
    max_tracks: Annotated[int, Field(ge=1)] = 128
    """Most tracks in a file, used or not: sound, picture, subtitles, attachments."""
    max_channels: Annotated[int, Field(ge=1, le=64)] = 32
    """Most channels of sound."""
    min_sample_rate: Annotated[int, Field(ge=1)] = 2_000
    """Lowest sample rate, in Hz: at 1 Hz a kilobyte would be a quarter of an hour."""
    max_sample_rate: Annotated[int, Field(ge=16_000)] = 768_000
    """Highest sample rate, in Hz."""
    max_bytes: Annotated[int, Field(ge=1)] = 16_000_000_000
    """Most bytes that are taken from a pipe or an address."""


class OutputsConfig(_Section):
    """The files that a run leaves."""

    name_language: bool = False
    """Whether files of text (txt, srt, vtt, tsv) have the language in their names, as in talk.de.srt."""


class EventsConfig(_Section):
    """Hooks and statistics."""

    hook_limit: Annotated[int, Field(ge=1)] = 1000
    """Most events that wait for a slow hook; beyond that events are dropped and counted."""
    stats_interval: Seconds = 10.0
    """Seconds between Stats events; 0 for one at the end only."""
    lsl: bool = False
    """Whether words, emotions and features go out by Lab Streaming Layer; needs the extra lsl."""


class AddedStageConfig(_Section):
    """A plug-in's stage that is added to the graph."""

    stage: str
    """Name of the plug-in's stage; by default the key under which this stands."""
    enabled: bool = True
    """Whether it is added."""
    into: str | None = None
    """Stream that is led through it, such as audio.audio; null leaves it to the plug-in."""
    taps: Annotated[dict[str, str], BeforeValidator(_none_is_empty)] = {}
    """Streams it listens to, by its input ports, in place of those the plug-in names."""
    options: Options = {}
    """What the plug-in is told."""

    @model_validator(mode="after")
    def _known(self) -> AddedStageConfig:
        if self.enabled and not STAGES.knows(self.stage):
            raise ValueError(f"there is no stage {STAGES.unknown(self.stage)}")
        return self


def _named_by_key(value: object) -> object:
    if not isinstance(value, Mapping):
        return _none_is_empty(value)
    filled = {name: _none_is_empty(stage) for name, stage in value.items()}
    return {name: {"stage": name, **stage} if isinstance(stage, Mapping) else stage for name, stage in filled.items()}


class Config(_Section):
    """A whole configuration."""

    mode: Literal["live", "file"] = "live"
    """Where media comes from: devices or a recorded file."""
    input: Path | None = None
    """File mode: the media file."""
    pace: Pace = Pace.MAX
    """File mode: as fast as possible, or at the speed of the recording."""
    audio: AudioConfig = AudioConfig()
    sounds: SoundsConfig = SoundsConfig()
    video: VideoConfig = VideoConfig()
    vad: VadConfig = VadConfig()
    speech: SpeechConfig = SpeechConfig()
    face: FaceConfig = FaceConfig()
    lips: LipsConfig = LipsConfig()
    fusion: FusionConfig = FusionConfig()
    emotion: EmotionConfig = Field(default_factory=EmotionConfig)
    speakers: SpeakersConfig = SpeakersConfig()
    subtitles: SubtitlesConfig = SubtitlesConfig()
    limits: LimitsConfig = LimitsConfig()
    outputs: OutputsConfig = OutputsConfig()
    events: EventsConfig = EventsConfig()
    stages: Annotated[dict[str, AddedStageConfig], BeforeValidator(_named_by_key)] = {}
    """Stages of plug-ins that are added to the graph, by their names in it."""

    @model_validator(mode="after")
    def _something_enabled(self) -> Config:
        if not self.audio.enabled and not self.video.enabled:
            raise ValueError(
                "audio.enabled and video.enabled are both false: nothing is left to caption; leave out --no-audio or "
                "--no-video, or name a camera or a microphone"
            )
        return self

    @property
    def lossless(self) -> bool:
        """True for file runs: nothing may be dropped or skipped."""
        return self.mode == "file"

    @property
    def real_time(self) -> bool:
        """Whether somebody waits for what the run tells: it is live, or reads a file at the speed of the recording."""
        return self.mode == "live" or self.pace is Pace.REALTIME

    @property
    def media_time(self) -> bool:
        """True for file runs at full speed: time is that of the media, whatever the clock says."""
        return not self.real_time

    @property
    def tells_loud_sounds(self) -> bool:
        """Whether loud sound that is no speech is told of by a rule, as no network tells kinds of sound."""
        wanted = self.sounds.without_network
        return not self.sounds.enabled and (wanted == "on" or (wanted == "auto" and self.real_time))

    @property
    def partials(self) -> bool:
        """Whether open segments are decoded while they grow."""
        if self.speech.partials is Partials.AUTO:
            return self.real_time
        return self.speech.partials is Partials.ON

    @property
    def corrections(self) -> bool:
        """Whether finals are read once more with what comes next."""
        wanted = self.speech.corrections
        return self.partials and (self.real_time if wanted is Partials.AUTO else wanted is Partials.ON)
