"""A run with a tone, a picture that counts and a sentence now and then, recorded; as a program, until it is killed.

python -m tests.views.recording.room FILE.mkv
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import numpy as np

from lipstream.config import load_config
from lipstream.events import TranscriptFinal, Word
from lipstream.pipeline import Graph, Port, Source, micros
from lipstream.pipeline.session import Session
from lipstream.stages.payloads import SAMPLE_RATE, AudioBlock, VideoFrame
from lipstream.views.recording.captions import RecordedCaptions
from lipstream.views.recording.recorder import Recorder

WIDTH, HEIGHT, FPS = 320, 240, 25
BLOCK = 0.04
EVERY = 2.0
"""Seconds from one sentence to the next; each has lasted 1.5 s and is told half a second after its end."""


class Tone(Source):
    """A tone in blocks of 40 ms, and a sentence every two seconds, at the pace of the clock.

    Args:
        blocks: how many; None for no end.
        say: where to tell each block's time.
    """

    outputs: ClassVar[Mapping[str, Port]] = {"audio": Port(AudioBlock)}

    def __init__(self, blocks: int | None, say: bool) -> None:
        self._blocks = blocks
        self._say = say
        self._count = 0

    def produce(self) -> bool:
        if self._blocks is not None and self._count >= self._blocks:
            return False
        start = self._count * BLOCK
        self.context.clock.sleep(micros(start) - self.context.clock.now(), self.context.stopping)
        at = np.arange(round(BLOCK * SAMPLE_RATE)) + round(start * SAMPLE_RATE)
        samples = (0.3 * np.sin(2 * np.pi * 440 * at / SAMPLE_RATE)).astype(np.float32)
        self.emit("audio", AudioBlock(samples), micros(start), micros(BLOCK))
        self._count += 1
        number = self._count / (EVERY / BLOCK)
        if number == int(number):
            self.publish(final(int(number), start + BLOCK - EVERY, start + BLOCK - 0.5))
        if self._say:
            print(f"{self._count * BLOCK:.2f}", flush=True)
        return True


class Counting(Source):
    """A picture every 40 ms, each lighter than the last."""

    outputs: ClassVar[Mapping[str, Port]] = {"video": Port(VideoFrame)}

    def __init__(self, frames: int | None) -> None:
        self._frames = frames
        self._count = 0

    def produce(self) -> bool:
        if self._frames is not None and self._count >= self._frames:
            return False
        start = micros(self._count / FPS)
        self.context.clock.sleep(start - self.context.clock.now(), self.context.stopping)
        image = np.full((HEIGHT, WIDTH, 3), self._count % 200 + 20, np.uint8)
        self.emit("video", VideoFrame(image, (WIDTH, HEIGHT)), start)
        self._count += 1
        return True


def final(number: int, start: float, end: float) -> TranscriptFinal:
    words = (Word(word="Sentence", start=start, end=start + 0.5, confidence=1.0),)
    words += (Word(word=f"{number}.", start=start + 0.5, end=end, confidence=1.0),)
    return TranscriptFinal(segment=number, start=start, end=end, text=f"Sentence {number}.", words=words)


def recorded(
    path: Path, seconds: float | None, picture: bool = True, say: bool = False
) -> tuple[Session, Recorder, RecordedCaptions]:
    """A run that has not started, and what records it."""
    graph = Graph()
    graph.add("audio", Tone(None if seconds is None else round(seconds / BLOCK), say))
    if picture:
        graph.add("video", Counting(None if seconds is None else round(seconds * FPS)))
    config = load_config("live")
    recorder = Recorder.on(graph, path, config)
    session = Session(graph, lossless=False, media_time=False)
    captions = RecordedCaptions(recorder.put, config.subtitles)
    session.add_sink("captions", captions)
    return session, recorder, captions


if __name__ == "__main__":
    session, _, _ = recorded(Path(sys.argv[1]), None, say=True)
    session.start()
    session.wait()
