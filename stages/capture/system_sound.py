"""What this machine plays: calls, videos, whatever comes out of its loudspeakers."""

from __future__ import annotations

import sys
from typing import Any, ClassVar

from lipstream.config.schema import AudioConfig
from lipstream.pipeline import UserError
from lipstream.stages.capture.microphone import Microphone
from lipstream.stages.capture.microphone_backend import MicrophoneBackend, MicrophoneInfo, PortAudio
from lipstream.stages.capture.microphone_opening import BackendFactory, DeviceBlock, MicrophoneOpening

VIRTUAL_DEVICES = ("blackhole", "loopback", "soundflower", "background music", "vb-cable")
"""Parts of the names of devices that give what is played, on systems that do not do so themselves."""


class WasapiLoopback(PortAudio):
    """The outputs of Windows, through the build of PyAudio that can record them.

    Raises:
        UserError: it is not installed.
    """

    module: ClassVar[str] = "pyaudiowpatch"
    install: ClassVar[str] = "system sound on Windows needs PyAudioWPatch: pip install PyAudioWPatch"

    def wants(self, info: dict[str, Any]) -> bool:
        """Whether it is the loopback of an output."""
        return bool(info.get("isLoopbackDevice"))

    def default_index(self) -> int | None:
        """The loopback of the default output."""
        try:
            return int(self._audio.get_default_wasapi_loopback()["index"])
        except (OSError, LookupError):
            return None


class VirtualDevice(PortAudio):
    """A virtual device into which the system plays and from which one can record, as on macOS."""

    def wants(self, info: dict[str, Any]) -> bool:
        """Whether it is called like one."""
        return any(name in str(info["name"]).casefold() for name in VIRTUAL_DEVICES)

    def devices(self) -> list[MicrophoneInfo]:
        """Those there are.

        Raises:
            UserError: there is none; says what to install.
        """
        found = super().devices()
        if not found:
            raise UserError(
                "this system gives its sound to nobody without a virtual device: install one such as BlackHole (brew "
                "install blackhole-2ch), add it and your loudspeakers to a multi-output device in Audio MIDI Setup, "
                "and choose that as output"
            )
        return found


def backend() -> MicrophoneBackend:
    """Access to what this system plays.

    Raises:
        UserError: it cannot be had; says what to install.
    """
    if sys.platform == "win32":
        return WasapiLoopback()
    if sys.platform == "darwin":
        return VirtualDevice()
    from lipstream.stages.capture.pulse_monitor import PulseMonitor

    return PulseMonitor()


class SystemSound(Microphone):
    """Captures what this machine plays, as mono 16 kHz sound, in the way of a microphone.

    Args:
        config: which output, by `system`.
        make_backend: makes the access to the outputs.
    """

    noun: ClassVar[str] = "system sound"

    def __init__(self, config: AudioConfig, make_backend: BackendFactory = backend) -> None:
        super().__init__(config.model_copy(update={"microphone": config.system}), make_backend)

    def _check_silence(self, opening: MicrophoneOpening, block: DeviceBlock) -> None:
        """Do nothing: as long as nothing is played there is nothing but silence."""
