"""What this machine plays, as PulseAudio and PipeWire give it: the monitor of an output."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import threading
from ctypes import POINTER, byref, c_char_p, c_int, c_size_t, c_uint8, c_uint32, c_void_p
from typing import Any

from lipstream.pipeline import UserError
from lipstream.stages.capture.microphone_backend import BlockCallback, CaptureStream, MicrophoneInfo

DEFAULT = "@DEFAULT_MONITOR@"
"""The sound server's own name for the monitor of whatever output is the default."""
RATE, CHANNELS = 48_000, 2
_BYTES_A_FRAME = 4 * CHANNELS
_RECORD, _FLOAT32 = 2, 5  # From pulse/def.h and pulse/sample.h.
_ANY = 0xFFFFFFFF
_CLOSE_SECONDS = 0.5
_LIST_SECONDS = 5.0
_INSTALL = (
    "system sound needs PulseAudio or PipeWire with its PulseAudio server and the library libpulse (Debian, Ubuntu: "
    "sudo apt-get install libpulse0 pipewire-pulse)"
)


class _SampleSpec(ctypes.Structure):
    _fields_ = [("format", c_int), ("rate", c_uint32), ("channels", c_uint8)]


class _BufferAttributes(ctypes.Structure):
    _fields_ = [(name, c_uint32) for name in ("maxlength", "tlength", "prebuf", "minreq", "fragsize")]


class PulseMonitor:
    """The monitors of the outputs of a PulseAudio server, through its library's simple interface.

    Raises:
        UserError: the library is not there; says what to install.
    """

    def __init__(self) -> None:
        try:
            self._library: Any = ctypes.CDLL("libpulse-simple.so.0")
        except OSError as error:
            raise UserError(f"{_INSTALL} ({error})") from error
        self._library.pa_simple_new.restype = c_void_p
        self._library.pa_simple_new.argtypes = [
            c_char_p, c_char_p, c_int, c_char_p, c_char_p,
            POINTER(_SampleSpec), c_void_p, POINTER(_BufferAttributes), POINTER(c_int),
        ]  # fmt: skip
        self._library.pa_simple_read.argtypes = [c_void_p, c_void_p, c_size_t, POINTER(c_int)]
        self._library.pa_simple_free.argtypes = [c_void_p]

    def devices(self) -> list[MicrophoneInfo]:
        """The monitors there are; the default one alone where the sound server's tool is not installed.

        Raises:
            UserError: no sound server answers.
        """
        sources = _asked("list", "short", "sources")
        if sources is None:
            raise UserError(f"no sound server answers; {_INSTALL}")
        rows = (line.split("\t") for line in sources.splitlines())
        names = [row[1] for row in rows if len(row) > 1 and row[1].endswith(".monitor")]
        default = f"{(_asked('get-default-sink') or '').strip()}.monitor"
        if not names:
            return [MicrophoneInfo(0, DEFAULT, CHANNELS, RATE, default=True)]
        return [MicrophoneInfo(n, name, CHANNELS, RATE, default=name == default) for n, name in enumerate(names)]

    def start(self, device: MicrophoneInfo, block: float, callback: BlockCallback) -> CaptureStream:
        """Begin to capture an output, in blocks of so many seconds.

        Raises:
            UserError: no sound server answers, or it refuses.
        """
        frames = max(1, round(block * RATE))
        attributes = _BufferAttributes(_ANY, _ANY, _ANY, _ANY, frames * _BYTES_A_FRAME)
        error = c_int()
        handle = self._library.pa_simple_new(
            None, b"Lipstream", _RECORD, device.name.encode(), b"captions of what is played",
            byref(_SampleSpec(_FLOAT32, RATE, CHANNELS)), None, byref(attributes), byref(error),
        )  # fmt: skip
        if not handle:
            raise UserError(f"system sound cannot be opened ({_reason(error.value)}); {_INSTALL}")
        return _PulseStream(self._library, handle, frames * _BYTES_A_FRAME, callback)

    def close(self) -> None:
        """Nothing is held but the streams."""


class _PulseStream:
    """Reads a stream on a thread of its own, which frees it at its end: reading cannot be interrupted."""

    def __init__(self, library: Any, handle: int, size: int, callback: BlockCallback) -> None:  # noqa: ANN401 - C
        self.rate = RATE
        self.channels = CHANNELS
        self._library = library
        self._handle = handle
        self._size = size
        self._callback = callback
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._read, name="system sound", daemon=True)
        self._thread.start()

    def active(self) -> bool:
        return self._thread.is_alive()

    def close(self) -> None:
        self._ending.set()
        self._thread.join(_CLOSE_SECONDS)

    def _read(self) -> None:
        buffer = ctypes.create_string_buffer(self._size)
        error = c_int()
        while not self._ending.is_set():
            if self._library.pa_simple_read(self._handle, buffer, self._size, byref(error)) < 0:
                break
            self._callback(buffer.raw, False)
        self._library.pa_simple_free(self._handle)


def _asked(*question: str) -> str | None:
    """What the sound server's tool answers; nothing where there is no such tool, None where nobody answers it."""
    tool = shutil.which("pactl")
    if tool is None:
        return ""
    try:
        answer = subprocess.run([tool, *question], capture_output=True, text=True, timeout=_LIST_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout if answer.returncode == 0 else None


def _reason(code: int) -> str:
    try:
        library: Any = ctypes.CDLL("libpulse.so.0")
    except OSError:
        return f"error {code}"
    library.pa_strerror.restype = c_char_p
    library.pa_strerror.argtypes = [c_int]
    text: bytes = library.pa_strerror(code) or b""
    return text.decode(errors="replace").lower()
