"""Sound and pictures of a clip, for training and evaluation."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from av.container import InputContainer

from lipstream.models.errors import ModelError
from lipstream.models.speech.engine import SAMPLE_RATE

Float32 = npt.NDArray[np.float32]
UInt8 = npt.NDArray[np.uint8]


def read_sound(path: Path) -> Float32:
    """(N,) float32, mono, 16 kHz, in [-1, 1].

    Raises:
        ModelError: the file cannot be read or has no sound.
    """
    resampler = av.AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE)
    try:
        with av.open(str(path)) as container:
            frames = [r for frame in container.decode(audio=0) for r in resampler.resample(frame)]
            blocks = [frame.to_ndarray()[0] for frame in [*frames, *resampler.resample(None)]]
    except (OSError, IndexError, ValueError, av.FFmpegError) as error:
        raise ModelError(f"{path}: expected a sound file, but it cannot be read ({error})") from None
    sound: Float32 = np.concatenate(blocks) if blocks else np.zeros(0, np.float32)
    if len(sound) < SAMPLE_RATE // 4:
        raise ModelError(f"{path}: expected speech of a second or more, got {len(sound) / SAMPLE_RATE:.2f} s of sound")
    return sound


def has_pictures(path: Path) -> bool:
    """Whether a media file has a video stream.

    Raises:
        ModelError: the file cannot be read.
    """
    with _opened(path) as container:
        return any(not stream.disposition & av.stream.Disposition.attached_pic for stream in container.streams.video)


def has_sound(path: Path) -> bool:
    """Whether a media file has an audio stream.

    Raises:
        ModelError: the file cannot be read.
    """
    with _opened(path) as container:
        return len(container.streams.audio) > 0


def _opened(path: Path) -> InputContainer:
    try:
        container: InputContainer = av.open(str(path))
    except (OSError, ValueError, av.FFmpegError) as error:
        raise ModelError(f"{path}: expected a clip of sound or video, but it cannot be read ({error})") from None
    return container


def read_pictures(path: Path, rate: float) -> Iterator[tuple[float, UInt8]]:
    """Frames of a video: seconds from the start of the file and (H, W, 3) uint8 RGB, at most `rate` a second.

    Raises:
        ModelError: the file cannot be read.
    """
    due = -1.0
    try:
        with av.open(str(path)) as container:
            for frame in container.decode(video=0):
                seconds = frame.time or 0.0
                if seconds + 1e-3 >= due:
                    due = max(due, seconds) + 1 / rate
                    yield seconds, np.ascontiguousarray(frame.to_ndarray(format="rgb24"))
    except (OSError, IndexError, ValueError, av.FFmpegError) as error:
        raise ModelError(f"{path}: expected a video, but it cannot be read ({error})") from None
