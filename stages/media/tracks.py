"""Which of a file's tracks are used: by what the user wants and what is in them, never by the container alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from av.container import InputContainer
from av.stream import Disposition, Stream

from lipstream.config import Config, LimitsConfig, Quality
from lipstream.pipeline import UserError
from lipstream.stages.media.languages import language_code

if TYPE_CHECKING:
    from lipstream.stages.media.listening import Heard

T = TypeVar("T", "AudioTrack", "VideoTrack")

AUTO: Final = "auto"
ALL: Final = "all"
EACH: Final = "each"

# Encoder delay shows as a negative start; decoders cut it off again. Nothing real starts further back than this.
_PRIMING_US = 500_000
# Marks of tracks that are encrypted: in the sample entries of MP4 (ISO 14496-12, Apple, Audible) and in Matroska.
_LOCKED_TAGS = {"encv", "enca", "drms", "drmi", "drmt", "aavd"}
_LOCKED_KEYS = {"enc_key_id", "ENC_KEY_ID"}
_COMMENTS = Disposition.comment | Disposition.descriptions | Disposition.visual_impaired | Disposition.clean_effects
_LEAST_SPEECH = 0.25
"""Seconds of speech from which on somebody speaks in what was listened to."""
_SHARE_OF_MOST = 0.3
"""A track in which somebody speaks so much less than in another is a track of something else."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which tracks the user wants.

    Attributes:
        audio: `auto`, `all`, `each`, the number of a sound track from 1, or the code of a language; see `audio.track`.
        video: `auto`, or the number of a video track from 1.
        language: the code of the language that is spoken, None if not known.
    """

    audio: str | int = AUTO
    video: str | int = AUTO
    language: str | None = None


ANY: Final = Wanted()


def wanted_by(config: Config) -> Wanted:
    """What a configuration asks for."""
    speech, language = config.speech, config.speech.language
    if language == AUTO:
        fast = speech.engine == AUTO and speech.quality is Quality.FAST
        # Moonshine knows no other.
        english = fast or speech.engine == "moonshine" or config.fusion.profile is not None
        return Wanted(config.audio.track, config.video.track, "en" if english else None)
    return Wanted(config.audio.track, config.video.track, language)


@dataclass(frozen=True, slots=True)
class AudioTrack:
    """A sound track that is used.

    Attributes:
        index: number of the stream in the container.
        rate: samples a second as declared; the stream may change it.
        channels: number of channels as declared.
        start: first timestamp on the container's own clock, microseconds.
        number: which of the sound tracks it is, from 1.
        count: how many sound tracks there are.
        language: code of its language, None if the container does not tell.
        title: its name, empty if it has none.
        handler: who wrote it, by the container; in MP4 often its name, empty if there is none.
    """

    index: int
    rate: int
    channels: int
    start: int
    number: int = 1
    count: int = 1
    language: str | None = None
    title: str = ""
    handler: str = ""


@dataclass(frozen=True, slots=True)
class VideoTrack:
    """The video track that is used.

    Attributes:
        index: number of the stream in the container.
        width: stored width in pixels, before rotation.
        height: stored height in pixels, before rotation.
        fps: average frame rate in Hz, 0 if the container does not tell.
        start: first timestamp on the container's own clock, microseconds.
        number: which of the video tracks it is, from 1; cover art is not counted.
        count: how many there are.
        title: its name, empty if it has none.
    """

    index: int
    width: int
    height: int
    fps: float
    start: int
    number: int = 1
    count: int = 1
    title: str = ""


def sounds_of(path: Path, container: InputContainer, wanted: Wanted, limits: LimitsConfig) -> tuple[AudioTrack, ...]:
    """The sound tracks to use: one, or several where they are to be mixed, or each a speaker; none if there is none.

    Raises:
        UserError: the track that is wanted is not there, or cannot be decoded.
    """
    every = list(container.streams.audio)
    tracks = [_sound(stream, at, len(every)) for at, stream in enumerate(every, 1) if usable(stream)]
    if not tracks:
        return ()
    if isinstance(wanted.audio, int):
        return (_by_number(path, wanted.audio, tracks, len(every), "sound track", "audio.track"),)
    if wanted.audio in (ALL, EACH):
        return tuple(tracks)
    preferred = sorted(tracks, key=lambda track: _rank(container.streams[track.index]))
    if wanted.audio != AUTO:
        code = language_code(wanted.audio)
        preferred = [track for track in preferred if track.language == code]
        if not preferred:
            raise UserError(
                f"'{path}' has no sound track in the language '{wanted.audio}': it has {described(tracks)}; "
                "choose one with --set audio.track=NUMBER"
            )
    if len(preferred) == 1:
        return (preferred[0],)
    # Networks are not loaded for a file that has one track.
    from lipstream.stages.media.listening import heard_in

    heard = heard_in(path, tuple(track.index for track in preferred), limits)
    return (_first_heard(preferred, heard, wanted.language),)


def picture_of(path: Path, container: InputContainer, wanted: Wanted, limits: LimitsConfig) -> VideoTrack | None:
    """The video track to use, None if there is none. Cover art is no video.

    Raises:
        UserError: the track that is wanted is not there, or cannot be decoded.
    """
    moving = [stream for stream in container.streams.video if _moves(stream)]
    tracks = [_picture(stream, at, len(moving)) for at, stream in enumerate(moving, 1) if usable(stream)]
    if not tracks:
        return None
    if isinstance(wanted.video, int):
        return _by_number(path, wanted.video, tracks, len(moving), "video track", "video.track")
    preferred = sorted(tracks, key=lambda track: _rank(container.streams[track.index]))
    if len(preferred) == 1:
        return preferred[0]
    from lipstream.stages.media.listening import shown_in

    shown = shown_in(path, tuple(track.index for track in preferred), limits)
    return next((track for track, shows in zip(preferred, shown, strict=True) if shows), preferred[0])


def origin_of(container: InputContainer) -> int:
    """The container's time that is session time zero: the earliest start of its tracks, microseconds.

    Of all its tracks, used or not: a player counts from there too.
    """
    sounds = [_sound_start(stream) for stream in container.streams.audio if usable(stream)]
    pictures = [_start(stream) for stream in container.streams.video if _moves(stream) and usable(stream)]
    return min([*sounds, *pictures], default=0)


def usable(stream: Stream) -> bool:
    """Whether a track can be decoded, as far as it declares: its codec is known, and it is not encrypted."""
    return stream.codec_context is not None and not locked(stream)


def locked(stream: Stream) -> bool:
    """Whether a track declares that it is encrypted."""
    context = stream.codec_context
    tag = "" if context is None else str(context.codec_tag).lower()
    return tag in _LOCKED_TAGS or not _LOCKED_KEYS.isdisjoint(stream.metadata)


def described(tracks: Sequence[AudioTrack]) -> str:
    """Sound tracks in a few words: `1 (fr), 2 (en, Mic)`."""
    return ", ".join(f"{track.number}{_particulars(track.language, track.title)}" for track in tracks)


def in_words(track: AudioTrack | VideoTrack) -> str:
    """Which of the tracks it is: `track 2 of 3 (en, Mic)`."""
    language = track.language if isinstance(track, AudioTrack) else None
    return f"track {track.number} of {track.count}{_particulars(language, track.title)}"


def to_micros(timestamp: int, time_base: Fraction) -> int:
    """Convert a container timestamp to integer microseconds, rounding down."""
    return timestamp * 1_000_000 * time_base.numerator // time_base.denominator


def _particulars(language: str | None, title: str) -> str:
    known = ", ".join(each for each in (language, title) if each)
    return f" ({known})" if known else ""


def _first_heard(tracks: Sequence[AudioTrack], heard: Sequence[Heard], language: str | None) -> AudioTrack:
    """Of tracks in order of preference, the first of the wanted language in which somebody speaks, and so on down."""
    most = max(each.speech for each in heard)
    enough = max(_LEAST_SPEECH, _SHARE_OF_MOST * most)
    both = list(zip(tracks, heard, strict=True))
    speaking = [track for track, each in both if each.speech >= enough]
    audible = [track for track, each in both if not each.silent]
    pool = speaking or audible or list(tracks)
    return next((track for track in pool if language is not None and track.language == language), pool[0])


def _by_number(path: Path, number: int, tracks: Sequence[T], count: int, noun: str, key: str) -> T:
    for track in tracks:
        if track.number == number:
            return track
    there = f"it has {count} {noun}{'' if count == 1 else 's'}"
    reason = f"has no {noun} {number}: {there}" if number > count else f"has a {noun} {number} that cannot be decoded"
    raise UserError(f"'{path}' {reason}; expected another number with --set {key}=NUMBER, or auto")


def _rank(stream: Stream) -> tuple[bool, bool, int]:
    """What is told beside the picture comes last, what the file prefers first, and else the order of the file holds."""
    return bool(stream.disposition & _COMMENTS), not stream.disposition & Disposition.default, stream.index


def _sound(stream: Stream, number: int, count: int) -> AudioTrack:
    context = stream.codec_context
    tag, title = stream.metadata.get("language"), _title(stream)
    start = _sound_start(stream)
    handler = str(stream.metadata.get("handler_name", ""))[:60]
    return AudioTrack(
        stream.index, context.sample_rate, context.channels, start, number, count, language_code(tag), title, handler
    )


def _sound_start(stream: Stream) -> int:
    start = _start(stream)
    return 0 if -_PRIMING_US <= start < 0 else start


def _picture(stream: Stream, number: int, count: int) -> VideoTrack:
    context, fps = stream.codec_context, float(stream.average_rate or 0)
    return VideoTrack(stream.index, context.width, context.height, fps, _start(stream), number, count, _title(stream))


def _title(stream: Stream) -> str:
    return str(stream.metadata.get("title", ""))[:60]


def _moves(stream: Stream) -> bool:
    return not stream.disposition & (Disposition.attached_pic | Disposition.timed_thumbnails | Disposition.still_image)


def _start(stream: Stream) -> int:
    if stream.start_time is None or stream.time_base is None:
        return 0
    return to_micros(stream.start_time, stream.time_base)
