"""One opening of the microphone: the device, its callback, and the blocks waiting to be taken."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass

from lipstream.config.schema import AudioConfig
from lipstream.stages.capture.capture_track import CaptureTrack
from lipstream.stages.capture.microphone_backend import CaptureStream, MicrophoneBackend, choose_microphone

log = logging.getLogger(__name__)

RING_SECONDS = 5.0
"""Seconds of blocks kept while nobody takes them; what comes beyond is dropped and counted."""

BackendFactory = Callable[[], MicrophoneBackend]


@dataclass(frozen=True, slots=True)
class DeviceBlock:
    """What one callback brought.

    Attributes:
        data: interleaved float32 frames.
        arrival: session time of the callback, microseconds.
        dropped: frames that came before it but found the ring full.
        overflow: the device says that it lost frames before it.
        recorded: when its last frame was recorded, in seconds on the sound system's clock; None if not known.
    """

    data: bytes
    arrival: int
    dropped: int
    overflow: bool
    recorded: float | None = None


class MicrophoneOpening:
    """Opens the device on a thread of its own, because a sound system that hangs must not hang the pipeline.

    Args:
        make_backend: makes the access to the devices.
        config: which device, and the size of its blocks.
        now: session time in microseconds.
        noun: what to call the device in messages, before its name.

    Attributes:
        done: set once the device delivers or has failed.
        error: why it failed, None if it did not.
        listening: set by the user once blocks are wanted; those that come earlier are not kept.
        ring: the blocks, copied by the device's callback.
        stream: the device, once it delivers.
        track: puts its blocks on the timeline; made here because its filter takes seconds to load the first time.
        name: what to call it in messages.
    """

    def __init__(
        self, make_backend: BackendFactory, config: AudioConfig, now: Callable[[], int], noun: str = "microphone"
    ) -> None:
        self.done = threading.Event()
        self.error: Exception | None = None
        self.listening = threading.Event()
        self.ring: queue.Queue[DeviceBlock] = queue.Queue(max(2, round(RING_SECONDS / config.block)))
        self.stream: CaptureStream | None = None
        self.track: CaptureTrack | None = None
        self.name = f"the {noun}"
        self._noun = noun
        self._make_backend = make_backend
        self._config = config
        self._now = now
        self._backend: MicrophoneBackend | None = None
        self._dropped = 0
        self._thread = threading.Thread(target=self._open, name="open microphone", daemon=True)
        self._thread.start()

    def end(self) -> threading.Thread:
        """Stop listening and release the device, on a thread, which is returned; a lost device may hang there."""
        self.listening.clear()
        thread = threading.Thread(target=self._release, name="close microphone", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            # None is to be had, as at the end of a program from Python 3.12 on.
            self._release()
            return self._thread
        return thread

    def _open(self) -> None:
        try:
            self._backend = self._make_backend()
            device = choose_microphone(self._backend.devices(), self._config.microphone)
            self.name = f"{self._noun} '{device.name}'"
            self.stream = self._backend.start(device, self._config.block, self._keep)
            self.track = CaptureTrack(self.stream.rate, self.stream.channels)
        except Exception as error:  # noqa: BLE001 - reported by whoever waits for `done`
            self.error = error
        self.done.set()

    def _release(self) -> None:
        self._thread.join()
        try:
            if self.stream is not None:
                self.stream.close()
            if self._backend is not None:
                self._backend.close()
        except OSError:
            log.debug("closing %s failed", self.name, exc_info=True)

    def _keep(self, data: bytes, overflow: bool, recorded: float | None = None) -> None:
        # On the device's thread: copy, and nothing else.
        if not self.listening.is_set() or self.stream is None:
            return
        try:
            self.ring.put_nowait(DeviceBlock(data, self._now(), self._dropped, overflow, recorded))
            self._dropped = 0
        except queue.Full:
            self._dropped += len(data) // (4 * self.stream.channels)
