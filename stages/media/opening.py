"""Opening media files with PyAV."""

from __future__ import annotations

import errno
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av
from av.codec.hwaccel import HWAccel, hwdevices_available
from av.container import InputContainer
from av.packet import Packet

from lipstream.config import LimitsConfig
from lipstream.pipeline import UserError
from lipstream.stages.media import limits as media_limits
from lipstream.stages.media.riff import goes_on

log = logging.getLogger(__name__)

# A live playlist without an end would be waited for; its pieces are not read either.
_OPEN_OPTIONS = {"protocol_whitelist": "file,crypto,data", "max_reload": "0", "allowed_segment_extensions": "none"}
# As a path it has lost one of its slashes. A scheme of one letter is a drive of Windows.
_ADDRESS = re.compile(r"([a-z][a-z0-9+.-]+):/+(.+)", re.IGNORECASE | re.DOTALL)
_CAMERAS = {"rtsp", "rtsps", "rtmp", "udp"}
WANTED = "expected video or audio such as mp4, mkv, webm, wav or mp3"


@contextmanager
def opened(path: Path, limits: LimitsConfig = media_limits.DEFAULT) -> Iterator[InputContainer]:
    """An open PyAV container, closed on leaving.

    Raises:
        UserError: missing, unreadable or not media.
    """
    container = open_container(path, limits)
    try:
        yield container
    finally:
        container.close()


def open_container(
    path: Path, limits: LimitsConfig = media_limits.DEFAULT, hardware: HWAccel | None = None
) -> InputContainer:
    """Open a media file with PyAV. Files that it names are not decoded, and nothing is fetched.

    Args:
        path: the file.
        limits: what it may ask for.
        hardware: what is to decode its pictures; None for the processor.

    Raises:
        UserError: missing, unreadable or not media; one line that says what to do.
    """
    _check_file(path)
    try:
        lengths = {"ignore_length": "1"} if goes_on(path) else {}
        # An absolute path, because FFmpeg takes "12:30.mp4" for a protocol.
        container: InputContainer = av.open(
            str(path.absolute()),
            metadata_errors="replace",
            options={**_OPEN_OPTIONS, **lengths, **media_limits.decoder_options(limits)},
            hwaccel=hardware,
        )
    except PermissionError as error:
        raise UserError(f"'{path}' cannot be read: permission denied; check who may read the file") from error
    except (av.FFmpegError, OSError, ValueError) as error:
        raise UserError(_not_media(path, error)) from error
    return container


def _not_read(scheme: str, rest: str) -> str:
    if scheme.lower() == "file":
        return f"'file:///{rest}' is an address, and recordings are read by their path: give '/{rest}'"
    given = f"'{scheme}://{rest}' is an address"
    if scheme.lower() in ("http", "https"):
        return f"{given}, and a recording on disk is expected here: download it and give the file"
    line = f"{given}, and only those with http:// or https:// are fetched: download it and give the file"
    return line + (f"; a network camera is for: lipstream live --camera {scheme}://..." if scheme in _CAMERAS else "")


def _check_file(path: Path) -> None:
    try:
        if (address := _ADDRESS.fullmatch(path.as_posix())) and not path.exists():
            raise UserError(_not_read(*address.groups()))
        if path.is_dir():
            raise UserError(f"'{path}' is a folder; expected a media file; all inside it: lipstream batch '{path}'")
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
            f"was cut off before its index was written); {WANTED}"
        )
    reason = getattr(error, "strerror", None) or str(error)
    return f"'{path}' cannot be opened as media: {reason}; {WANTED}"


def open_with_hardware(path: Path, limits: LimitsConfig) -> InputContainer:
    """Open a media file whose pictures a graphics card decodes, if one is there; else the processor does, as ever.

    Raises:
        UserError: as for `open_container`.
    """
    for device in hwdevices_available():
        try:
            return open_container(path, limits, HWAccel(device_type=device, allow_software_fallback=True))
        except (UserError, av.FFmpegError, RuntimeError, ValueError, NotImplementedError):
            log.debug("%s cannot decode %s", device, path, exc_info=True)
    return open_container(path, limits)


def is_locked(packet: Packet[Any]) -> bool:
    """Whether a packet is encrypted (ISO 23001-7)."""
    return packet.has_sidedata("encryption_info")
