"""Files for Chromium's fake camera and microphone, made from a clip."""

from __future__ import annotations

import wave
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np

RATE = 48_000
FRAMES = 20
"""Pictures a second of the fake camera, which has no variable rate."""


@dataclass(frozen=True, slots=True)
class FakeDevices:
    """What the fake devices play from the moment they are opened; the picture begins anew at its end.

    Attributes:
        camera: Y4M.
        microphone: WAV.
    """

    camera: Path
    microphone: Path

    @property
    def arguments(self) -> tuple[str, ...]:
        """Chromium's arguments for them."""
        return (
            "--use-fake-device-for-media-stream",
            f"--use-file-for-fake-video-capture={self.camera}",
            f"--use-file-for-fake-audio-capture={self.microphone}%noloop",
        )


def fake_devices(clip: Path, folder: Path, before: float, after: float) -> FakeDevices:
    """Have the fake devices play a clip.

    Args:
        clip: with one sound and one picture.
        folder: for the files.
        before: seconds of silence, and of the first picture, before it.
        after: seconds of silence, and of the last picture, after it.
    """
    camera, microphone = folder / "camera.y4m", folder / "microphone.wav"
    _write_sound(clip, microphone, before, after)
    _write_picture(clip, camera, before, after)
    return FakeDevices(camera, microphone)


def _write_sound(clip: Path, target: Path, before: float, after: float) -> None:
    resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
    with av.open(str(clip)) as container, wave.open(str(target), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(bytes(2 * round(before * RATE)))
        for frame in [*container.decode(audio=0), None]:
            for block in resampler.resample(frame):
                file.writeframes(block.to_ndarray().tobytes())
        file.writeframes(bytes(2 * round(after * RATE)))


def _write_picture(clip: Path, target: Path, before: float, after: float) -> None:
    with av.open(str(clip)) as container:
        frames = [(frame.time, frame.to_ndarray(format="yuv420p")) for frame in container.decode(video=0)]
    times = np.array([time for time, _ in frames])
    height, width = frames[0][1].shape
    with target.open("wb") as file:
        # Chromium knows no other word for the colours than C420, and FFmpeg writes another.
        file.write(f"YUV4MPEG2 W{width} H{height * 2 // 3} F{FRAMES}:1 Ip A1:1 C420\n".encode())
        for tick in range(round((before + times[-1] + after) * FRAMES)):
            shown = max(0, int(np.searchsorted(times, tick / FRAMES - before, side="right")) - 1)
            file.write(b"FRAME\n" + frames[shown][1].tobytes())
