"""What is in a media file, found out before anything is loaded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from av.container import InputContainer

from lipstream.config import LimitsConfig
from lipstream.pipeline import UserError
from lipstream.stages.media import limits as media_limits
from lipstream.stages.media.opening import WANTED, opened
from lipstream.stages.media.riff import goes_on
from lipstream.stages.media.tracks import ANY, AudioTrack, VideoTrack, Wanted, locked, origin_of, picture_of, sounds_of

# FFmpeg draws plain text as a picture ("tty") and reads old text art; a note renamed .mp4 is no video.
_TEXT_FORMATS = {"tty", "bin", "xbin", "adf", "idf"}
_PICTURE_FORMATS = {"image2", "ico"}
# Formats whose declared duration is written down, not guessed from the bit rate.
KNOWS_DURATION = {"matroska,webm", "mov,mp4,m4a,3gp,3g2,mj2", "avi", "flv", "asf"}
_COUNTS_DURATION = {"wav", "w64", "aiff", "au", "caf", "flac"}
# Playlists and the like. What they name would be read as well: other files, or one that never ends.
_LISTS = {"hls", "concat", "dash", "imf", "sdp", "webm_dash_manifest", "rtsp"}


@dataclass(frozen=True, slots=True)
class MediaInfo:
    """What a media file holds.

    Attributes:
        path: the file.
        format: FFmpeg's name of the container format.
        duration: seconds, None if not known before reading it all.
        origin: the container's time that is session time zero: the earliest start of its tracks, microseconds.
        sounds: the sound tracks that are used: one, several that are to be mixed, or none.
        video: the video track, None without one. Cover art is no video.
    """

    path: Path
    format: str
    duration: float | None
    origin: int
    sounds: tuple[AudioTrack, ...]
    video: VideoTrack | None

    @property
    def audio(self) -> AudioTrack | None:
        """The sound track, the first of several; None without one."""
        return self.sounds[0] if self.sounds else None

    @property
    def has_audio(self) -> bool:
        """Whether there is a sound track that can be decoded."""
        return bool(self.sounds)

    @property
    def has_video(self) -> bool:
        """Whether there is a video track that can be decoded."""
        return self.video is not None


def probe(path: Path, limits: LimitsConfig = media_limits.DEFAULT, wanted: Wanted = ANY) -> MediaInfo:
    """Look into a media file, and choose the tracks to use.

    Raises:
        UserError: missing, unreadable, not media, damaged beyond use, beyond the limits, without a sound or video
            track, or without the one that is wanted.
    """
    with opened(path, limits) as container:
        return describe(path, container, limits, wanted)


def describe(
    path: Path, container: InputContainer, limits: LimitsConfig = media_limits.DEFAULT, wanted: Wanted = ANY
) -> MediaInfo:
    """Describe an open container; where it has several tracks of a kind, they are looked into for the one to use.

    Raises:
        UserError: it has neither a sound nor a video track that can be decoded, or not the one that is wanted, or is
            beyond the limits.
    """
    name = container.format.name
    if name in _LISTS:
        raise UserError(f"'{path}' is a list of media files; {WANTED}: name the files themselves")
    if name in _TEXT_FORMATS:
        raise UserError(f"'{path}' is text, not media; {WANTED}")
    if name in _PICTURE_FORMATS or name.endswith("_pipe"):
        raise UserError(f"'{path}' is a still picture; {WANTED}")
    media_limits.check_tracks(path, len(container.streams), limits)
    sounds, video = sounds_of(path, container, wanted, limits), picture_of(path, container, wanted, limits)
    if not sounds and video is None:
        if any(locked(stream) for stream in container.streams):
            raise UserError(f"'{path}' is encrypted; expected a recording that can be played without a key")
        kinds = ", ".join(sorted({stream.type for stream in container.streams})) or "nothing"
        raise UserError(
            f"'{path}' has neither a sound nor a video track that can be decoded (it holds {kinds}); "
            f"expected at least one"
        )
    # A damaged header may claim less than nothing.
    duration = None if container.duration is None or container.duration < 0 else container.duration / 1e6
    if name == "wav" and goes_on(path):
        duration = None
    if duration is not None and name in KNOWS_DURATION | _COUNTS_DURATION:
        media_limits.check_duration(path, duration, limits)
    for audio in sounds:
        media_limits.check_sound(path, audio.channels, audio.rate, limits)
    if video is not None:
        media_limits.check_picture(path, name, video.width, video.height, limits)
    return MediaInfo(path, name, duration, origin_of(container), sounds, video)
