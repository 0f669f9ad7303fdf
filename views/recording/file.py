"""The file of a recording: whole at every moment, so that what is in it plays whatever becomes of the program."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import BinaryIO, cast

import av
import cv2
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from lipstream.stages.payloads import SAMPLE_RATE, Float32, UInt8
from lipstream.stages.sinks.subtitles.cue import Cue
from lipstream.views.media.mux import MATROSKA
from lipstream.views.media.subtitle_track import SubtitleTrack

CLUSTER_MS = 500
"""What is written at once: a program that is killed takes so much of the recording with it, and what the encoders
hold."""
_OPTIONS = {
    "cluster_time_limit": str(CLUSTER_MS),
    "flush_packets": "1",
    # Captions are rare, and nothing waits for them, microseconds.
    "max_interleave_delta": "500000",
}
_TICK = Fraction(1, 1000)
_FPS = 25
# No frame is kept back to be coded better, and one can begin to play twice a second.
_X264 = {"preset": "veryfast", "crf": "23", "tune": "zerolatency", "g": str(_FPS), "threads": "2"}
_LOUDEST = 32767


class RecordingFile:
    """Writes sound, pictures and captions as they come. Safe to use from several threads.

    Sound is kept without loss as 16 kHz, 16 bit, mono, which is what is captioned; pictures as H.264 in the size of the
    first one. All three are in session time.

    Args:
        file: open for writing; closed with it.
        sounds: titles of the sound tracks there will be; the first is the one that players play.
        size: width and height of the picture in pixels; None without.
    """

    def __init__(self, file: BinaryIO, sounds: Sequence[str], size: tuple[int, int] | None) -> None:
        self._lock = threading.Lock()
        self._file = file
        self._output: OutputContainer = av.open(_Unbuffered(file), "w", format=MATROSKA, container_options=_OPTIONS)
        self._sounds = {title: self._add_sound(title) for title in sounds}
        self._picture = self._add_picture(*size) if size else None
        self._captions = SubtitleTrack(self._output, MATROSKA, preferred=True)
        self._newest_picture = -1
        self._newest_caption = -1
        self._closed = False
        self._output.start_encoding()

    def _add_sound(self, title: str) -> AudioStream:
        stream = self._output.add_stream("pcm_s16le", SAMPLE_RATE)
        assert isinstance(stream, AudioStream)
        stream.layout = "mono"
        stream.time_base = Fraction(1, SAMPLE_RATE)
        stream.metadata["title"] = title
        return stream

    def _add_picture(self, width: int, height: int) -> VideoStream:
        stream = self._output.add_stream("libx264", _FPS, options=_X264)
        # The encoder halves the resolution of colour.
        stream.width, stream.height = width - width % 2, height - height % 2
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = _TICK
        return stream

    def add_sound(self, title: str, samples: Float32, time: int) -> None:
        """Write a stretch of sound.

        Args:
            title: of its track.
            samples: (N,) float32 in [-1, 1], 16 kHz.
            time: of the first, session time in microseconds.
        """
        if not len(samples):
            return
        whole = (np.clip(samples, -1, 1) * _LOUDEST).astype(np.int16)
        frame = AudioFrame.from_ndarray(whole[np.newaxis], format="s16", layout="mono")
        frame.sample_rate = SAMPLE_RATE
        frame.time_base = Fraction(1, SAMPLE_RATE)
        frame.pts = time * SAMPLE_RATE // 1_000_000
        with self._lock:
            if not self._closed:
                self._output.mux(self._sounds[title].encode(frame))

    def add_picture(self, image: UInt8, time: int) -> None:
        """Write a picture; one that is not later than the last, by a millisecond, is left out.

        Args:
            image: (H, W, 3) RGB.
            time: session time in microseconds.
        """
        if self._picture is None or time // 1000 <= self._newest_picture:
            return
        size = self._picture.width, self._picture.height
        if (image.shape[1], image.shape[0]) != size:
            image = cast(UInt8, cv2.resize(image, size, interpolation=cv2.INTER_AREA))
        frame = VideoFrame.from_ndarray(image, format="rgb24")
        frame.pts, frame.time_base = time // 1000, _TICK
        with self._lock:
            if not self._closed:
                self._newest_picture = frame.pts
                self._output.mux(self._picture.encode(frame))

    def add_captions(self, cues: Iterable[Cue]) -> None:
        """Write captions; each lies where the file has got to, and says when it belongs.

        Args:
            cues: in order; one that does not come after those before begins with the millisecond after.
        """
        with self._lock:
            if self._closed:
                return
            for cue in cues:
                start = max(cue.start, self._newest_caption + 1)
                if start >= cue.end:
                    continue
                self._newest_caption = start
                moved = Cue(start, cue.end, cue.lines)
                for _, packet in self._captions.packets([moved]):
                    self._output.mux(packet)

    def close(self) -> None:
        """Make it whole. Idempotent."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            try:
                for sound in self._sounds.values():
                    self._output.mux(sound.encode(None))
                if self._picture is not None:
                    self._output.mux(self._picture.encode(None))
                self._output.close()
            finally:
                self._file.close()


class _Unbuffered:
    """A file that PyAV writes into, and that holds nothing back."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.name = str(file.name)

    def write(self, data: bytes) -> int:
        written = self._file.write(data)
        self._file.flush()
        return written

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()
