"""Microphones through PortAudio, and the little of them that `Microphone` uses."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from lipstream.pipeline import UserError
from lipstream.stages.capture.native_noise import devices_quiet
from lipstream.stages.sound.resample import supported

log = logging.getLogger(__name__)

_INSTALL = (
    "install PortAudio (Debian, Ubuntu: sudo apt-get install portaudio19-dev; macOS: brew install portaudio) and then "
    "PyAudio (pip install 'lipstream[live]'), or run without a microphone"
)
_FALLBACK_RATES = (48_000, 44_100, 16_000)
_MAX_CHANNELS = 2


class BlockCallback(Protocol):
    """Called on the device's own thread with each block."""

    def __call__(self, data: bytes, overflow: bool, recorded: float | None = None) -> None:
        """Take a block.

        Args:
            data: interleaved float32 frames.
            overflow: whether frames were lost before them.
            recorded: when the last of them was recorded, in seconds on a clock of the sound system's; None if it does
                not tell.
        """


@dataclass(frozen=True, slots=True)
class MicrophoneInfo:
    """An input device.

    Attributes:
        index: PortAudio's number of it; may change when devices come and go.
        name: its name.
        channels: how many it has.
        rate: its native rate, samples a second.
        default: whether it is the system's default input.
    """

    index: int
    name: str
    channels: int
    rate: int
    default: bool


class CaptureStream(Protocol):
    """A device that is delivering blocks."""

    rate: int
    channels: int

    def active(self) -> bool:
        """Whether it still delivers."""

    def close(self) -> None:
        """Stop it."""


class MicrophoneBackend(Protocol):
    """Access to the input devices. A device that was plugged in later is only seen by a new backend."""

    def devices(self) -> list[MicrophoneInfo]:
        """All input devices."""

    def start(self, device: MicrophoneInfo, block: float, callback: BlockCallback) -> CaptureStream:
        """Begin to capture in blocks of so many seconds.

        Raises:
            OSError: the device cannot be opened.
        """

    def close(self) -> None:
        """Release everything."""


class PortAudio:
    """The input devices as PortAudio, through PyAudio, has them.

    Raises:
        UserError: PyAudio or PortAudio is not installed; says what to install.
    """

    module: ClassVar[str] = "pyaudio"
    """The module that is PortAudio's, or that of another build of it."""
    install: ClassVar[str] = f"the microphone cannot be used: {_INSTALL}"

    def __init__(self) -> None:
        try:
            self._module: Any = importlib.import_module(self.module)
        except (ImportError, OSError) as error:
            raise UserError(f"{self.install} ({error})") from error
        with devices_quiet():
            self._audio: Any = self._module.PyAudio()

    def devices(self) -> list[MicrophoneInfo]:
        """All input devices."""
        default = self.default_index()
        infos = (self._audio.get_device_info_by_index(index) for index in range(self._audio.get_device_count()))
        return [
            MicrophoneInfo(
                index=info["index"],
                name=str(info["name"]),
                channels=info["maxInputChannels"],
                rate=round(info["defaultSampleRate"]),
                default=info["index"] == default,
            )
            for info in infos
            if info["maxInputChannels"] > 0 and self.wants(info)
        ]

    def wants(self, info: dict[str, Any]) -> bool:
        """Whether a device, as PortAudio describes it, is one of those that are meant."""
        return True

    def default_index(self) -> int | None:
        """PortAudio's number of the device to use unless told otherwise."""
        try:
            return int(self._audio.get_default_input_device_info()["index"])
        except OSError:
            return None

    def start(self, device: MicrophoneInfo, block: float, callback: BlockCallback) -> CaptureStream:
        """Begin to capture at the device's native rate, or another one if it is refused.

        Raises:
            OSError: the device cannot be opened.
        """
        refused: OSError | None = None
        for rate in dict.fromkeys((device.rate, *_FALLBACK_RATES)):
            if not supported(rate):
                continue
            try:
                return self._start(device, rate, block, callback)
            except OSError as error:
                refused = refused or error
        raise refused or OSError(f"no usable sample rate (the device says {device.rate} Hz)")

    def _start(self, device: MicrophoneInfo, rate: int, block: float, callback: BlockCallback) -> CaptureStream:
        module, overflow = self._module, self._module.paInputOverflow

        def deliver(data: bytes, frames: int, times: Mapping[str, float] | None, status: int) -> tuple[None, int]:
            # Some of the sound systems behind PortAudio leave the time at 0.
            begun = times["input_buffer_adc_time"] if times else 0.0
            callback(data, bool(status & overflow), begun + frames / rate if begun > 0 else None)
            return None, module.paContinue

        channels = min(device.channels, _MAX_CHANNELS)
        try:
            with devices_quiet():
                stream = self._audio.open(
                    rate=rate,
                    channels=channels,
                    # PortAudio converts from whatever the device has.
                    format=module.paFloat32,
                    input=True,
                    input_device_index=device.index,
                    frames_per_buffer=max(1, round(block * rate)),
                    stream_callback=deliver,
                )
        except (ValueError, SystemError) as error:
            raise OSError(str(error)) from error
        return _PortAudioStream(stream, rate, channels)

    def close(self) -> None:
        """Release PortAudio."""
        self._audio.terminate()


class _PortAudioStream:
    def __init__(self, stream: Any, rate: int, channels: int) -> None:  # noqa: ANN401 - PyAudio is not typed
        self._stream = stream
        self.rate = rate
        self.channels = channels

    def active(self) -> bool:
        try:
            return bool(self._stream.is_active())
        except OSError:
            return False

    def close(self) -> None:
        self._stream.close()


def choose_microphone(devices: list[MicrophoneInfo], wanted: int | str | None) -> MicrophoneInfo:
    """The device meant by an index, by a part of its name in any case, or by None for the system's default.

    Raises:
        UserError: there is none; lists those there are.
    """
    if not devices:
        raise UserError("no microphone was found: connect one, or run without a microphone")
    if wanted is None:
        return next((device for device in devices if device.default), devices[0])
    if isinstance(wanted, int) or wanted.isdecimal():
        matches = [device for device in devices if device.index == int(wanted)]
    else:
        matches = [device for device in devices if wanted.casefold() in device.name.casefold()]
    if not matches:
        there = "; ".join(f"{device.index}: {device.name}" for device in devices)
        raise UserError(f"no microphone is called '{wanted}': expected an index or part of a name of one of: {there}")
    if len(matches) > 1:
        log.info("%d microphones match '%s': using %s", len(matches), wanted, matches[0].name)
    return matches[0]
