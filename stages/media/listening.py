"""A short look into several tracks of a file, to tell the one that is meant from those that are silent or black."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.container import InputContainer
from av.video.frame import VideoFrame

from lipstream.config import LimitsConfig
from lipstream.models.errors import ModelError
from lipstream.models.speech.vad import WINDOW, SileroVad
from lipstream.stages.media.limits import allowed, check_tracks, decoder_options
from lipstream.stages.media.opening import is_locked, opened
from lipstream.stages.payloads import SAMPLE_RATE, Float32
from lipstream.stages.sound.level import SILENT
from lipstream.stages.sound.mixdown import Mixdown

LOOKS = 6
"""Places, spread over the file, at which is looked."""
LOOK_SECONDS = 10.0
"""Seconds of each track that are listened to at each of them."""
_MANY = 8
"""Of more tracks than this, less of each is listened to."""
_SPOKEN = 0.5
_SHOWS = 4.0
"""Standard deviation of the brightness, of 255, from which on a picture shows something."""
_FRAMES = 3
_SHOWN_SIDE = 160
_MOST_PACKETS = 20_000


@dataclass(frozen=True, slots=True)
class Heard:
    """What a track holds, as far as it was listened to.

    Attributes:
        speech: seconds of speech.
        peak: the loudest sample, in [0, 1].
    """

    speech: float
    peak: float

    @property
    def silent(self) -> bool:
        """Whether there is nothing in it."""
        return self.peak < SILENT


def heard_in(path: Path, tracks: Sequence[int], limits: LimitsConfig) -> tuple[Heard, ...]:
    """Listen to a minute, spread over the file, of each of several tracks.

    Args:
        path: the file.
        tracks: numbers of streams in the container.
        limits: what the file may ask for.

    Raises:
        UserError: the file cannot be read.
    """
    return _heard(path, _state_of(path), tuple(tracks), limits)


def shown_in(path: Path, tracks: Sequence[int], limits: LimitsConfig) -> tuple[bool, ...]:
    """Whether each of several video tracks shows something, and not one colour, where it is looked at.

    Args:
        path: the file.
        tracks: numbers of streams in the container.
        limits: what the file may ask for.

    Raises:
        UserError: the file cannot be read.
    """
    return _shown(path, _state_of(path), tuple(tracks), limits)


def _state_of(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns


# Sound and picture of a run, and what is made of it later, open the file anew each time.
@lru_cache(maxsize=64)
def _heard(path: Path, state: tuple[int, int], tracks: tuple[int, ...], limits: LimitsConfig) -> tuple[Heard, ...]:
    listeners = {index: _Listener() for index in tracks}
    length = LOOK_SECONDS * min(1.0, _MANY / len(tracks))
    with opened(path, limits) as container:
        check_tracks(path, len(container.streams), limits)
        for _ in _looks(container):
            for index, frame in _frames(container, tracks, length):
                if allowed(frame, limits):
                    listeners[index].hear(frame)
            for listener in listeners.values():
                listener.end()
    return tuple(Heard(each.speech, each.peak) for each in listeners.values())


@lru_cache(maxsize=64)
def _shown(path: Path, state: tuple[int, int], tracks: tuple[int, ...], limits: LimitsConfig) -> tuple[bool, ...]:
    shown = dict.fromkeys(tracks, False)
    with opened(path, limits) as container:
        check_tracks(path, len(container.streams), limits)
        for index in tracks:
            container.streams[index].codec_context.options = decoder_options(limits)
        for _ in _looks(container):
            left = [index for index in tracks if not shown[index]]
            counts = dict.fromkeys(left, 0)
            for index, frame in _frames(container, left, LOOK_SECONDS):
                counts[index] += 1
                shown[index] = shown[index] or _shows(frame)
                if all(shown[each] or counts[each] >= _FRAMES for each in left):
                    break
            if all(shown.values()):
                break
    return tuple(shown.values())


def _shows(frame: VideoFrame) -> bool:
    scale = min(1.0, _SHOWN_SIDE / max(frame.width, frame.height))
    width, height = (max(1, round(side * scale)) for side in (frame.width, frame.height))
    grey = frame.reformat(width=width, height=height, format="gray").to_ndarray()
    return bool(grey.std() >= _SHOWS)


def _looks(container: InputContainer) -> Iterator[None]:
    """Go to one place after the other; only to the beginning where the file is short, or cannot be gone about in."""
    yield
    duration, begin = container.duration or 0, container.start_time or 0
    step = max(round(LOOK_SECONDS * 1e6), duration // LOOKS)
    places = [begin + at * step for at in range(1, LOOKS) if at * step < duration]
    for place in places:
        try:
            container.seek(place)
        except (av.FFmpegError, OSError):
            return
        yield


def _frames(container: InputContainer, tracks: Sequence[int], length: float) -> Iterator[tuple[int, Any]]:
    """What can be decoded of some tracks in the next seconds, with the number of its stream."""
    ends: dict[int, float] = {}
    packets = 0
    try:
        for packet in container.demux([container.streams[index] for index in tracks]):
            packets += 1
            if packets > _MOST_PACKETS:
                return
            if packet.size == 0 or is_locked(packet):
                continue
            index = packet.stream_index
            if packet.pts is not None and packet.time_base is not None:
                at = float(packet.pts * packet.time_base)
                end = ends.setdefault(index, at + length)
                # A track that comes to its end before is not waited for.
                if at >= end + length or all(at >= each for each in ends.values()):
                    return
                if at >= end:
                    continue
            try:
                for frame in packet.decode():
                    yield index, frame
            except av.FFmpegError:
                continue
    except av.FFmpegError:
        return


class _Listener:
    """Counts the speech in one track."""

    def __init__(self) -> None:
        self.speech = 0.0
        self.peak = 0.0
        self._mixdown: Mixdown | None = None
        self._pieces: list[Float32] = []
        self._detector = _detector()

    def hear(self, frame: AudioFrame) -> None:
        """Take a decoded frame."""
        if self._mixdown is None or not self._mixdown.accepts(frame):
            self._mixdown = Mixdown(frame)
        self._pieces.append(self._mixdown.process(frame))

    def end(self) -> None:
        """Judge the stretch that was heard."""
        sound = np.concatenate(self._pieces) if self._pieces else np.zeros(0, np.float32)
        self._pieces, self._mixdown = [], None
        if not len(sound):
            return
        sound = sound - np.float32(np.median(sound))
        peak = float(np.abs(sound).max())
        self.peak = max(self.peak, peak)
        if peak < SILENT or self._detector is None:
            return
        self._detector.reset()
        # As loud as speech usually is: the network hears little in what is very quiet.
        sound = (sound * np.float32(0.5 / peak)).astype(np.float32)
        for first in range(0, len(sound) - WINDOW + 1, WINDOW):
            if self._detector.probability(sound[first : first + WINDOW]) >= _SPOKEN:
                self.speech += WINDOW / SAMPLE_RATE


def _detector() -> SileroVad | None:
    """The network; None where it cannot be had, and silence alone tells tracks apart."""
    detector = SileroVad()
    try:
        detector.load()
    except ModelError:
        return None
    return detector
