"""Whether this machine's user has agreed that a profile grows: asked once, remembered here, taken back at any time."""

from __future__ import annotations

import json
import os
import stat
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import platformdirs

from lipstream.config import Config
from lipstream.models.whole_file import whole_file
from lipstream.stages.capture.camera_capture import CameraKind, camera_kind

_ENGLISH: Final = ("auto", "en")
OWN_PROFILE: Final = "me"
"""The profile that grows for who agreed in the page or the window: neither asks for a name."""


def is_own(name: str) -> bool:
    """Whether a profile of this name is the user's own; macOS and Windows take `Me` for the same file."""
    return (name.casefold() if sys.platform in ("darwin", "win32") else name) == OWN_PROFILE


def consent_path() -> Path:
    """Where this user's answer is kept."""
    return platformdirs.user_data_path("lipstream", appauthor=False) / "growing.json"


class GrowthConsent:
    """The answer of this machine's user.

    It is read anew whenever its file has changed: it may be given, and taken back, in the page while a window is open.
    Any thread may ask, and as often as it likes.

    Args:
        path: of the file; it is there once somebody has answered.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path or consent_path()
        self._known: tuple[tuple[int, int, int], bool | None] | None = None

    @property
    def answer(self) -> bool | None:
        """Yes, no, or None where nobody has answered; a file that cannot be read is a no."""
        try:
            found = os.stat(self._path)
        except FileNotFoundError:
            return None
        except OSError:
            return False
        made = found.st_mtime_ns, found.st_ino, found.st_size
        known = self._known
        if known is None or known[0] != made:
            known = self._known = made, self._read() if stat.S_ISREG(found.st_mode) else False
        return known[1]

    @property
    def given(self) -> bool:
        """Whether the answer is yes."""
        return self.answer is True

    def give(self) -> None:
        """Agree.

        Raises:
            ModelError: it cannot be written.
        """
        self._write(True)

    def refuse(self) -> None:
        """Do not agree, or take it back.

        Raises:
            ModelError: it cannot be written.
        """
        self._write(False)

    def _read(self) -> bool | None:
        try:
            told: Any = json.loads(self._path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError):
            return False
        return isinstance(told, dict) and told.get("grow") is True

    def _write(self, grow: bool) -> None:
        with whole_file(self._path) as partial:
            partial.write_text(json.dumps({"grow": grow, "profile": OWN_PROFILE}) + "\n", encoding="utf-8")


def may_be_asked(config: Config) -> bool:
    """Whether a run could grow its user's own profile.

    It is live, from camera and microphone of this machine, in English; what learning needs is installed; and nothing is
    said about profiles already.
    """
    fusion, audio, video = config.fusion, config.audio, config.video
    own = audio.enabled and audio.source == "microphone" and video.enabled
    plain = fusion.general and fusion.ask and fusion.grow is None and fusion.profile is None
    read = config.speech.task == "transcribe" and config.speech.language in _ENGLISH
    here = camera_kind(video.camera) is CameraKind.DEVICE
    return config.mode == "live" and own and plain and read and here and find_spec("torch") is not None
