"""What takes sound, pictures and captions from a live run and has them written."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

import av

from lipstream.config import Config
from lipstream.events import Recording
from lipstream.pipeline import Bounds, Graph, Packet, Policy, Port, Sink, UserError, micros
from lipstream.pipeline.exclusive import open_exclusively
from lipstream.stages.payloads import AudioBlock, VideoFrame
from lipstream.stages.sinks.subtitles.cue import Cue
from lipstream.views.recording.file import RecordingFile

_SOUNDS = {"audio": "Microphone", "system": "System sound"}
"""Titles of the tracks, by the port their sound comes on."""
_SOURCES = {"audio": "audio", "system": "system_audio"}
"""The sources they come from."""
_FIRST_PICTURE_US = 1_500_000
"""So long the first picture is waited for; a camera that takes longer is recorded in the size it was asked for."""
_SOUND = Bounds(Policy.DROP_OLDEST, items=4096, duration=micros(20))
_PICTURES = Bounds(Policy.DROP_OLDEST, items=25, duration=micros(4))


class Recorder(Sink):
    """Records the sound and the pictures of a graph as its sources give them.

    A disk that is too slow makes holes in the recording and never in the captions: what waits too long is left out. One
    that is full ends the recording, with `Degraded`, and not the run.

    Args:
        path: the file to make; there must be none.
        size: width and height of the picture where none has come by the time the recording begins.
        sounds: titles of the sounds there are, by the port they come on.
        picture: whether there are pictures.

    Attributes:
        failure: why the recording ended early; None if it did not.
    """

    inputs: ClassVar[Mapping[str, Port]] = {
        "audio": Port(AudioBlock, optional=True),
        "system": Port(AudioBlock, optional=True),
        "video": Port(VideoFrame, optional=True),
    }

    def __init__(self, path: Path, size: tuple[int, int], sounds: Mapping[str, str], picture: bool) -> None:
        self.path = path
        self.failure: str | None = None
        self._size = size
        self._sounds = sounds
        self._has_picture = picture
        self._place: BinaryIO | None = None
        self._file: RecordingFile | None = None
        self._waiting: list[tuple[str, Packet[Any]]] = []
        # Captions come on another thread than sound and pictures: this guards them, and which file they go into.
        self._lock = threading.Lock()
        self._cues: list[Cue] = []
        self._told = False

    @classmethod
    def on(cls, graph: Graph, path: Path, config: Config) -> Recorder:
        """Add a recorder to a graph that has not started, in front of all that changes what sources give.

        Raises:
            UserError: the file cannot be made.
        """
        picture = "video" in graph.components
        sounds = {port: _SOUNDS[port] for port in _SOUNDS if _SOURCES[port] in graph.components}
        size = (config.video.width, config.video.height)
        recorder = cls(path, size, sounds, picture)
        recorder.claim()
        # Taken as it comes: neither of the two waits for the other.
        graph.add("recorder", recorder, skew_limit=0)
        for port in sounds:
            graph.connect(f"{_SOURCES[port]}.audio", f"recorder.{port}", _SOUND)
        if picture:
            graph.connect("video.video", "recorder.video", _PICTURES)
        return recorder

    def claim(self) -> None:
        """Make the file.

        Raises:
            UserError: it cannot be made.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._place = open_exclusively(self.path)
        except OSError as error:
            raise UserError(f"--record {self.path}: cannot write there: {error.strerror or error}") from error

    def process(self, port: str, packet: Packet[Any]) -> None:
        """Write a stretch of sound or a picture."""
        if self.failure is None:
            if self._file is not None or self._begins(packet):
                self._write(port, packet)
            else:
                self._waiting.append((port, packet))
        self._tell_failure()

    def finish(self) -> None:
        """Write what has waited for a first picture that never came."""
        if self.failure is None and self._file is None and self._waiting:
            self._begin(self._size if self._has_picture else None)
        self._tell_failure()

    def _begins(self, packet: Packet[Any]) -> bool:
        """Whether enough is known to begin the file; it is begun then."""
        if not self._has_picture:
            self._begin(None)
        elif isinstance(packet.payload, VideoFrame):
            height, width = packet.payload.image.shape[:2]
            self._begin((width, height))
        elif self._waiting and packet.timestamp - self._waiting[0][1].timestamp >= _FIRST_PICTURE_US:
            self._begin(self._size)
        return self._file is not None or self.failure is not None

    def _begin(self, size: tuple[int, int] | None) -> None:
        assert self._place is not None
        with self._ending():
            file = RecordingFile(self._place, list(self._sounds.values()), size)
            with self._lock:
                self._file = file
            self.publish(Recording(on=True, file=self.path.name))
        waiting, self._waiting = self._waiting, []
        for port, packet in waiting:
            self._write(port, packet)

    def _write(self, port: str, packet: Packet[Any]) -> None:
        payload = packet.payload
        if self._file is None or self.failure is not None:
            return
        with self._ending():
            if isinstance(payload, VideoFrame):
                self._file.add_picture(payload.image, packet.timestamp)
            else:
                self._file.add_sound(self._sounds[port], payload.samples, packet.timestamp)
        self.put([])

    def put(self, cues: list[Cue]) -> None:
        """Write captions, behind those that came before there was a file; from any thread."""
        with self._ending(), self._lock:
            if self.failure is not None:
                return
            self._cues += cues
            if self._file is not None and self._cues:
                written, self._cues = self._cues, []
                self._file.add_captions(written)

    @contextlib.contextmanager
    def _ending(self) -> Iterator[None]:
        """End the recording where it cannot be written; `process` and `finish` report it, on the thread for it."""
        try:
            yield
        except (OSError, av.FFmpegError) as error:
            self.failure = _reason(error)

    def _tell_failure(self) -> None:
        if self.failure is None or self._told:
            return
        self._told = True
        modality = "video" if self._has_picture else "audio"
        text = f"recording into {self.path} has ended: {self.failure}; captions go on"
        self.degrade(modality, text, trouble="recording")
        self.publish(Recording(on=False, file=self.path.name))

    def close(self) -> None:
        """Leave the file to `end`: captions may still come."""

    def end(self) -> bool:
        """Make the file whole once the run is over.

        Returns:
            Whether there is anything in it; an empty one is removed.
        """
        with self._lock:
            file, place = self._file, self._place
            self._file = self._place = None
        if file is None:
            if place is not None:
                place.close()
                self.path.unlink(missing_ok=True)
            return False
        try:
            file.close()
        except (OSError, av.FFmpegError) as error:
            self.failure = self.failure or _reason(error)
        return True


def _reason(error: BaseException) -> str:
    return getattr(error, "strerror", None) or str(error)
