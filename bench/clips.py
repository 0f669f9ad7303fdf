"""Media for the benchmarks, made from the demo clip and the recordings the model packages carry."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt

from lipstream.models.assets import cache_dir, resolve

POCKETSPHINX = "pocketsphinx==5.1.1"
"""Source package that carries five LibriVox clips with their transcripts."""
RATE = 16_000


def read_audio(path: Path) -> npt.NDArray[np.float32]:
    """(N,) float32 mono at 16 kHz."""
    resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE)
    pieces = []
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            pieces += [out.to_ndarray()[0] for out in resampler.resample(frame)]
        pieces += [out.to_ndarray()[0] for out in resampler.resample(None)]
    return np.concatenate(pieces)


def demo_frames(width: int, height: int) -> list[npt.NDArray[np.uint8]]:
    """All frames of the demo clip, letterboxed to a size."""
    frames = []
    with av.open(str(resolve("media/obama_speech.mp4"))) as container:
        for frame in container.decode(video=0):
            image = frame.to_ndarray(format="rgb24")
            scale = min(width / image.shape[1], height / image.shape[0])
            small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
            canvas = np.zeros((height, width, 3), np.uint8)
            top, left = (height - small.shape[0]) // 2, (width - small.shape[1]) // 2
            canvas[top : top + small.shape[0], left : left + small.shape[1]] = small
            frames.append(canvas)
    return frames


def talking_clip(
    target: Path,
    sound: npt.NDArray[np.float32],
    fps: int = 25,
    size: tuple[int, int] = (640, 360),
    frames: list[npt.NDArray[np.uint8]] | None = None,
) -> Path:
    """Write a clip: the demo clip's speaker, or other frames of that size, to and fro, at `fps`, under any sound.

    The demo clip has about 12 frames a second; in between its frames are blended, so that every frame is new.
    """
    faces = frames or demo_frames(*size)
    there_and_back = faces + faces[-2:0:-1]
    step = 12 / fps

    def images() -> Iterator[npt.NDArray[np.uint8]]:
        for index in range(int(len(sound) / RATE * fps)):
            whole, part = divmod(index * step, 1)
            one, other = (there_and_back[(int(whole) + i) % len(there_and_back)] for i in (0, 1))
            yield np.asarray(cv2.addWeighted(one, 1 - part, other, part, 0), dtype=np.uint8)

    return write_clip(target, images(), sound, fps, size, {"preset": "veryfast", "crf": "23"})


def write_clip(
    target: Path,
    images: Iterable[npt.NDArray[np.uint8]],
    sound: npt.NDArray[np.float32],
    fps: int,
    size: tuple[int, int],
    options: dict[str, str],
    **of_sound: int,
) -> Path:
    """Write pictures and sound as H.264 and AAC, in what the suffix says.

    Args:
        target: the file.
        images: (H, W, 3) uint8 RGB each, of `size`.
        sound: (N,) float32 at 16 kHz.
        fps: pictures a second.
        size: width and height in pixels.
        options: of libx264.
        of_sound: of the AAC stream, such as `bit_rate`.
    """
    with av.open(str(target), "w") as container:
        video = container.add_stream("libx264", rate=fps, options=options)
        video.width, video.height, video.pix_fmt = *size, "yuv420p"
        audio = container.add_stream("aac", rate=RATE, layout="mono", **of_sound)
        for index, image in enumerate(images):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, fps)
            container.mux(video.encode(frame))
        for start in range(0, len(sound), 1024):
            block = av.AudioFrame.from_ndarray(sound[None, start : start + 1024], format="fltp", layout="mono")
            block.pts, block.sample_rate, block.time_base = start, RATE, Fraction(1, RATE)
            container.mux(audio.encode(block))
        container.mux(video.encode(None))
        container.mux(audio.encode(None))
    return target


def looped(clip: Path, target: Path, times: int) -> Path:
    """Write a clip that plays another one so many times, without encoding it again."""
    with av.open(str(clip)) as source, av.open(str(target), "w") as output:
        streams = {stream.index: output.add_stream_from_template(stream) for stream in source.streams}
        packets = [packet for packet in source.demux() if packet.dts is not None]
        ends = [(packet.dts + (packet.duration or 1)) * packet.time_base for packet in packets]
        length = max(ends) - min(packet.dts * packet.time_base for packet in packets)
        stamps = [(packet, packet.stream.index, packet.pts, packet.dts, packet.time_base) for packet in packets]
        for turn in range(times):
            for packet, index, pts, dts, base in stamps:
                shift = round(turn * length / base)
                packet.stream = streams[index]
                packet.time_base, packet.pts, packet.dts = base, pts + shift, dts + shift
                output.mux(packet)
    return target


def librivox() -> list[tuple[Path, str]]:
    """The LibriVox clips (wav, transcript) of the pocketsphinx source package; fetched once."""
    folder = cache_dir() / "bench" / "librivox"
    if not list(folder.glob("*.wav")):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as temporary:
            # Not ":all:", with which pip also builds what the package is built with from source.
            source = ["--no-binary", "pocketsphinx", POCKETSPHINX]
            command = ["pip", "download", "-q", "--no-deps", *source, "-d", temporary]
            subprocess.run([sys.executable, "-m", *command], check=True)
            with tarfile.open(next(Path(temporary).glob("*.tar.gz"))) as archive:
                for member in archive:
                    name = Path(member.name)
                    if name.parent.name == "librivox" and name.suffix in (".wav", ".txt"):
                        (folder / name.name).write_bytes(archive.extractfile(member).read())
    return [(wav, wav.with_suffix(".txt").read_text(encoding="utf-8")) for wav in sorted(folder.glob("*.wav"))]
