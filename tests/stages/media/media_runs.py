"""Reads media through the sources under test and looks at what came out."""

from __future__ import annotations

import itertools
import threading
from pathlib import Path

import numpy as np

from lipstream.pipeline.testing import ScriptedClock, StageRun, run_source
from lipstream.stages.media.audio import MediaAudio
from lipstream.stages.media.video import MediaVideo

RATE = 16_000


class SelfMovingClock(ScriptedClock):
    """A clock on which sleeping takes no time but moves it on; remembers how long it slept."""

    def __init__(self) -> None:
        super().__init__()
        self.slept: list[int] = []

    def sleep(self, duration: int, stop: threading.Event) -> None:
        self.slept.append(duration)
        self.advance(max(0, duration))


def hear(path: Path) -> StageRun:
    """Everything `MediaAudio` gives for a file; checks that blocks follow each other without gap or overlap."""
    run = run_source(MediaAudio(path))
    for before, after in itertools.pairwise(run):
        assert before.end == after.timestamp
    for packet in run:
        assert packet.timestamp >= 0
        assert packet.payload.samples.dtype == np.float32
        assert np.abs(packet.payload.samples).max() <= 1.0
        assert abs(packet.duration - len(packet.payload.samples) * 62.5) <= 1
    return run


def sound(run: StageRun) -> np.ndarray:
    """(N,) all samples of a run."""
    return np.concatenate([packet.payload.samples for packet in run]) if len(run) else np.empty(0, np.float32)


def watch(path: Path, max_side: int = 640, max_fps: float = 1000.0) -> StageRun:
    """Everything `MediaVideo` gives for a file; checks that timestamps grow."""
    run = run_source(MediaVideo(path, max_side=max_side, max_fps=max_fps))
    stamps = times(run)
    assert all(before < after for before, after in itertools.pairwise(stamps))
    for packet in run:
        assert packet.timestamp >= 0
        assert packet.payload.image.dtype == np.uint8
        assert packet.payload.image.flags.c_contiguous
    return run


def times(run: StageRun) -> list[float]:
    """Timestamps of all packets in seconds."""
    return [packet.timestamp / 1e6 for packet in run]


def reasons(run: StageRun) -> list[str]:
    """The reasons of all `Degraded` events."""
    return [event.reason for event in run.events if type(event).__name__ == "Degraded"]


def level(samples: np.ndarray) -> float:
    """Amplitude of a sine from its root mean square."""
    return float(np.sqrt(2 * np.mean(np.square(samples))))


def bursts(samples: np.ndarray, threshold: float = 0.2) -> list[float]:
    """Seconds at which the sound rises above a threshold after silence."""
    loud = np.flatnonzero(np.abs(samples) > threshold)
    if len(loud) == 0:
        return []
    first = np.concatenate([[True], np.diff(loud) > RATE // 10])
    return [index / RATE for index in loud[first]]
