"""What is in a media file, found out before anything is loaded."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Disposition, Stream
from av.video.stream import VideoStream

from lipstream.config import LimitsConfig
from lipstream.pipeline import UserError
from lipstream.stages.media import limits as media_limits

# FFmpeg draws plain text as a picture ("tty") and reads old text art; a note renamed .mp4 is no video.
_TEXT_FORMATS = {"tty", "bin", "xbin", "adf", "idf"}
_PICTURE_FORMATS = {"image2", "ico"}
# An RIFF size at or beyond this means "not known when the header was written": the writer could not seek back.
_RIFF_STREAMED = 0x7FFF0000
# Formats whose declared duration is written down, not guessed from the bit rate.
KNOWS_DURATION = {"matroska,webm", "mov,mp4,m4a,3gp,3g2,mj2", "avi", "flv", "asf"}
_COUNTS_DURATION = {"wav", "w64", "aiff", "au", "caf", "flac"}
# Playlists and the like. What they name would be read as well: other files, or one that never ends.
_LISTS = {"hls", "concat", "dash", "imf", "sdp", "webm_dash_manifest", "rtsp"}
# Encoder delay shows as a negative start; decoders cut it off again. Nothing real starts further back than this.
_PRIMING_US = 500_000
# A live playlist without an end would be waited for; its pieces are not read either.
_OPEN_OPTIONS = {"protocol_whitelist": "file,crypto,data", "max_reload": "0", "allowed_segment_extensions": "none"}
# As a path it has lost one of its slashes. A scheme of one letter is a drive of Windows.
_ADDRESS = re.compile(r"([a-z][a-z0-9+.-]+):/+(.+)", re.IGNORECASE | re.DOTALL)
_CAMERAS = {"rtsp", "rtsps", "rtmp", "udp"}
_WANTED = "expected video or audio such as mp4, mkv, webm, wav or mp3"


@dataclass(frozen=True, slots=True)
class AudioTrack:
    """The sound track that is used.

    Attributes:
        index: number of the stream in the container.
        rate: samples a second as declared; the stream may change it.
        channels: number of channels as declared.
        start: first timestamp on the container's own clock, microseconds.
    """

    index: int
    rate: int
    channels: int
    start: int


@dataclass(frozen=True, slots=True)
class VideoTrack:
    """The video track that is used.

    Attributes:
        index: number of the stream in the container.
        width: stored width in pixels, before rotation.
        height: stored height in pixels, before rotation.
        fps: average frame rate in Hz, 0 if the container does not tell.
        start: first timestamp on the container's own clock, microseconds.
    """

    index: int
    width: int
    height: int
    fps: float
    start: int


@dataclass(frozen=True, slots=True)
class MediaInfo:
    """What a media file holds.

    Attributes:
        path: the file.
        format: FFmpeg's name of the container format.
        duration: seconds, None if not known before reading it all.
        origin: the container's time that is session time zero: the earliest start of its tracks, microseconds.
        audio: the sound track, None without one.
        video: the video track, None without one. Cover art is no video.
    """

    path: Path
    format: str
    duration: float | None
    origin: int
    audio: AudioTrack | None
    video: VideoTrack | None

    @property
    def has_audio(self) -> bool:
        """Whether there is a sound track that can be decoded."""
        return self.audio is not None

    @property
    def has_video(self) -> bool:
        """Whether there is a video track that can be decoded."""
        return self.video is not None


def probe(path: Path, limits: LimitsConfig = media_limits.DEFAULT) -> MediaInfo:
    """Look into a media file.

    Raises:
        UserError: missing, unreadable, not media, damaged beyond use, beyond the limits, or without a sound or video
            track.
    """
    with opened(path, limits) as container:
        return describe(path, container, limits)


@contextmanager
def opened(path: Path, limits: LimitsConfig = media_limits.DEFAULT) -> Iterator[InputContainer]:
    """An open PyAV container, closed on leaving.

    Raises:
        UserError: as for `probe`.
    """
    container = open_container(path, limits)
    try:
        yield container
    finally:
        container.close()


def open_container(path: Path, limits: LimitsConfig = media_limits.DEFAULT) -> InputContainer:
    """Open a media file with PyAV. Files that it names are not decoded, and nothing is fetched.

    Raises:
        UserError: missing, unreadable or not media; one line that says what to do.
    """
    _check_file(path)
    try:
        # An absolute path, because FFmpeg takes "12:30.mp4" for a protocol.
        container: InputContainer = av.open(
            str(path.absolute()),
            metadata_errors="replace",
            options={**_OPEN_OPTIONS, **media_limits.decoder_options(limits)},
        )
    except PermissionError as error:
        raise UserError(f"'{path}' cannot be read: permission denied; check who may read the file") from error
    except (av.FFmpegError, OSError, ValueError) as error:
        raise UserError(_not_media(path, error)) from error
    return container


def _not_read(scheme: str, rest: str) -> str:
    if scheme.lower() == "file":
        return f"'file:///{rest}' is an address, and recordings are read by their path: give '/{rest}'"
    line = f"'{scheme}://{rest}' is an address, and recordings are read from disk only: download it and give the file"
    return line + (f"; a network camera is for: lipstream live --camera {scheme}://..." if scheme in _CAMERAS else "")


def _check_file(path: Path) -> None:
    try:
        if (address := _ADDRESS.fullmatch(path.as_posix())) and not path.exists():
            raise UserError(_not_read(*address.groups()))
        if path.is_dir():
            raise UserError(f"'{path}' is a folder; expected a media file: name the files inside it")
        if not path.exists():
            raise UserError(f"'{path}' does not exist; expected a media file: check the spelling of the path")
        if not path.is_file():
            raise UserError(f"'{path}' is not a regular file; expected a media file such as talk.mp4")
        if path.stat().st_size == 0:
            raise UserError(f"'{path}' is empty (0 bytes); expected a media file: copy or record it again")
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise UserError("the name of the input file is too long; expected the path of a media file") from error
        raise UserError(f"'{path}' cannot be read: {error.strerror}; check who may read the file") from error


def _not_media(path: Path, error: Exception) -> str:
    if isinstance(error, av.error.InvalidDataError):
        return (
            f"'{path}' is not a media file that can be read (its content is not what its name says, or the recording "
            f"was cut off before its index was written); {_WANTED}"
        )
    reason = getattr(error, "strerror", None) or str(error)
    return f"'{path}' cannot be opened as media: {reason}; {_WANTED}"


def describe(path: Path, container: InputContainer, limits: LimitsConfig = media_limits.DEFAULT) -> MediaInfo:
    """Describe an open container.

    Raises:
        UserError: it has neither a sound nor a video track that can be decoded, or is beyond the limits.
    """
    name = container.format.name
    if name in _LISTS:
        raise UserError(f"'{path}' is a list of media files; {_WANTED}: name the files themselves")
    if name in _TEXT_FORMATS:
        raise UserError(f"'{path}' is text, not media; {_WANTED}")
    if name in _PICTURE_FORMATS or name.endswith("_pipe"):
        raise UserError(f"'{path}' is a still picture; {_WANTED}")
    media_limits.check_tracks(path, len(container.streams), limits)
    audio, video = _audio_track(container), _video_track(container)
    if audio is None and video is None:
        kinds = ", ".join(sorted({stream.type for stream in container.streams})) or "nothing"
        raise UserError(
            f"'{path}' has neither a sound nor a video track that can be decoded (it holds {kinds}); "
            f"expected at least one"
        )
    starts = [track.start for track in (audio, video) if track is not None]
    # A damaged header may claim less than nothing.
    duration = None if container.duration is None or container.duration < 0 else container.duration / 1e6
    if duration is not None and name in KNOWS_DURATION | _COUNTS_DURATION:
        media_limits.check_duration(path, duration, limits)
    if audio is not None:
        media_limits.check_sound(path, audio.channels, audio.rate, limits)
    if video is not None:
        media_limits.check_picture(path, name, video.width, video.height, limits)
    return MediaInfo(path, name, duration, min(starts), audio, video)


def _audio_track(container: InputContainer) -> AudioTrack | None:
    stream = _best(container.streams.best("audio"), container.streams.audio)
    if not isinstance(stream, AudioStream):
        return None
    start = _start(stream)
    if -_PRIMING_US <= start < 0:
        start = 0
    return AudioTrack(stream.index, stream.codec_context.sample_rate, stream.codec_context.channels, start)


def _video_track(container: InputContainer) -> VideoTrack | None:
    moving = [stream for stream in container.streams.video if _moves(stream)]
    stream = _best(container.streams.best("video"), moving)
    if not isinstance(stream, VideoStream):
        return None
    codec = stream.codec_context
    return VideoTrack(stream.index, codec.width, codec.height, float(stream.average_rate or 0), _start(stream))


def _moves(stream: Stream) -> bool:
    return not stream.disposition & (Disposition.attached_pic | Disposition.timed_thumbnails | Disposition.still_image)


def _best(preferred: Stream | None, candidates: Sequence[Stream]) -> Stream | None:
    # A stream in a codec that FFmpeg does not know has no codec context.
    usable = [stream for stream in candidates if stream.codec_context is not None]
    return preferred if preferred in usable else next(iter(usable), None)


def _start(stream: Stream) -> int:
    if stream.start_time is None or stream.time_base is None:
        return 0
    return to_micros(stream.start_time, stream.time_base)


def to_micros(timestamp: int, time_base: Fraction) -> int:
    """Convert a container timestamp to integer microseconds, rounding down."""
    return timestamp * 1_000_000 * time_base.numerator // time_base.denominator


def cut_short(path: Path) -> bool:
    """Whether a WAV or AVI file is shorter than its own header says; FFmpeg silently goes by the file's size."""
    with path.open("rb") as file:
        header = file.read(12)
    if len(header) < 12 or header[:4] != b"RIFF" or header[8:] not in (b"WAVE", b"AVI "):
        return False
    declared = int.from_bytes(header[4:8], "little")
    return 0 < declared < _RIFF_STREAMED and declared + 8 > path.stat().st_size
