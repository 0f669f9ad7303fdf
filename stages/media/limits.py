"""What a media file may ask for: checked on what it declares before anything is decoded, and again on what comes."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from av.audio.frame import AudioFrame

from lipstream.config import LimitsConfig
from lipstream.pipeline import UserError

DEFAULT = LimitsConfig()

# Formats in which a picture's size is written down: there an unknown size is one that was refused.
_DECLARE_SIZE = {"matroska,webm", "mov,mp4,m4a,3gp,3g2,mj2", "avi", "asf", "gif"}
_UNSIZED = "has a picture whose size is damaged or too large"


def decoder_options(limits: LimitsConfig) -> dict[str, str]:
    """Options with which FFmpeg refuses larger pictures before it reserves memory for them."""
    return {"max_pixels": str(limits.max_pixels)}


def check_tracks(path: Path, count: int, limits: LimitsConfig) -> None:
    """Refuse a file with too many tracks.

    Raises:
        UserError: there are more than the limit.
    """
    if count > limits.max_tracks:
        raise _refusal(path, f"has {count} tracks", "max_tracks", limits.max_tracks)


def check_duration(path: Path, seconds: float, limits: LimitsConfig) -> None:
    """Refuse a file that claims to be too long.

    Raises:
        UserError: it is longer than the limit.
    """
    if seconds > limits.max_duration:
        raise _refusal(path, f"claims to last {_in_words(seconds)}", "max_duration", f"{limits.max_duration:.0f}", " s")


def check_picture(path: Path, format_name: str, width: int, height: int, limits: LimitsConfig) -> None:
    """Refuse a picture that is too large.

    Raises:
        UserError: it has more pixels than the limit.
    """
    if width * height > limits.max_pixels:
        raise _refusal(path, f"has a picture of {width}x{height}", "max_pixels", limits.max_pixels)
    if width * height == 0 and format_name in _DECLARE_SIZE:
        raise _refusal(path, _UNSIZED, "max_pixels", limits.max_pixels)


def check_sound(path: Path, channels: int, rate: int, limits: LimitsConfig) -> None:
    """Refuse sound with too many channels or at an impossible rate.

    Raises:
        UserError: it is outside the limits.
    """
    if channels > limits.max_channels:
        raise _refusal(path, f"has {channels} channels of sound", "max_channels", limits.max_channels)
    if rate > limits.max_sample_rate:
        raise _refusal(path, f"has sound at {rate} Hz", "max_sample_rate", limits.max_sample_rate, " Hz")
    # 0 is not known yet.
    if 0 < rate < limits.min_sample_rate:
        raise _refusal(path, f"has sound at {rate} Hz", "min_sample_rate", limits.min_sample_rate, " Hz")


def allowed(frame: AudioFrame, limits: LimitsConfig) -> bool:
    """Whether decoded sound is within the limits; a stream may change in its midst."""
    in_range = limits.min_sample_rate <= frame.sample_rate <= limits.max_sample_rate
    return in_range and 0 < frame.layout.nb_channels <= limits.max_channels


def _refusal(path: Path, what: str, key: str, limit: object, unit: str = "") -> UserError:
    return UserError(
        f"'{path}' {what}; the limit is {limit}{unit}, expected a file within it: "
        f"if this one is to be trusted, allow it with --set limits.{key}=..."
    )


def _in_words(seconds: float) -> str:
    try:
        return str(timedelta(seconds=round(seconds)))
    except (OverflowError, ValueError):
        return f"{seconds:.3g} s"
