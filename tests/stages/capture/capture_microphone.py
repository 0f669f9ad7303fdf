"""Captures the PulseAudio device until standard input closes; run by the tests in a process of its own.

Usage: python capture_microphone.py OUTPUT.npz
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import numpy as np

from lipstream.config.schema import AudioConfig
from lipstream.pipeline import UserError
from lipstream.pipeline.clock import MonotonicClock
from lipstream.pipeline.testing import run_source
from lipstream.stages.capture.microphone import Microphone

LIMIT_US = 60_000_000


class UntilClosed(Microphone):
    """Says "ready" at the first sound, and ends when standard input does."""

    def open(self) -> None:
        super().open()
        self.context.clock.start()
        self._over = threading.Event()
        self._announced = False
        threading.Thread(target=self._wait, daemon=True).start()

    def _wait(self) -> None:
        sys.stdin.read()
        self._over.set()

    def emit(self, port: str, payload: object, timestamp: int, duration: int = 0) -> None:
        super().emit(port, payload, timestamp, duration)
        if not self._announced:
            self._announced = True
            print("ready", flush=True)

    def produce(self) -> bool:
        return super().produce() and not self._over.is_set() and self.context.clock.now() < LIMIT_US


def main() -> int:
    try:
        run = run_source(UntilClosed(AudioConfig(microphone="pulse")), clock=MonotonicClock())
    except UserError as error:
        print(f"unusable: {error}", flush=True)
        return 3
    np.savez(
        Path(sys.argv[1]),
        samples=np.concatenate([packet.payload.samples for packet in run]),
        starts=np.array([packet.timestamp for packet in run]),
        ends=np.array([packet.end for packet in run]),
        lost=run.counters.get("audio.lost_seconds", 0.0),
        events=[type(event).__name__ for event in run.events],
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
