"""What the overlay costs a frame: everything there is to draw, with captions that change as they do in speech.

    python bench/overlay.py

Target: a median under 4 ms at 640x480 and 1280x720 on one core.
"""

from __future__ import annotations

import argparse
import statistics
import time
from dataclasses import replace

import cv2
import numpy as np
from machine import describe, percentile

from lipstream.models.emotion.classes import EMOTIONS
from lipstream.views.drawing.captions import CaptionRoll
from lipstream.views.drawing.overlay import Overlay
from lipstream.views.drawing.scene import EmotionMark, FaceMark, Scene, SoundMark

SIZES = ((320, 240), (640, 480), (1280, 720), (1920, 1080), (480, 848))
FRAMES_A_WORD = 10
TEXT = (
    "It was the best of times, it was the worst of times, it was the age of wisdom, it was the age of foolishness, "
    "c'était l'époque de la foi, 信仰の時代であり、 it was the epoch of incredulity, it was the season of Light"
)
WORDS = TEXT.split()


def full_scene() -> Scene:
    """A scene with everything in it but captions."""
    angles = np.linspace(0, 2 * np.pi, 20, endpoint=False)
    lips = tuple((0.5 + 0.05 * float(np.cos(a)), 0.6 + 0.02 * float(np.sin(a))) for a in angles)
    speaker = FaceMark(1, (0.35, 0.2, 0.65, 0.75), lips, speaker=True, talking=True)
    other = FaceMark(2, (0.05, 0.3, 0.2, 0.6), tuple((x - 0.38, y - 0.1) for x, y in lips))
    return Scene(
        faces=(speaker, other),
        lips_count=0.6,
        emotion=EmotionMark(1, "happy", dict.fromkeys(EMOTIONS, 1 / 7), 0.7, 0.3),
        sound=SoundMark(-20.0, True),
        warnings=("camera 0 is frozen, trying again; going on with sound only",),
        figures=(("frames", "25 / s"), ("latency", "0.4 s")),
        switched_off=("lips off",),
        notes=("saved lipstream-20260101-120000.png",),
    )


def measure(width: int, height: int, frames: int) -> tuple[list[float], list[float]]:
    """Milliseconds of wall clock and of processor a frame."""
    overlay, roll, scene = Overlay("bgr"), CaptionRoll(), full_scene()
    pictures = np.random.default_rng(0).integers(0, 255, (4, height, width, 3), dtype=np.uint8)
    wall, busy = [], []
    for frame in range(frames):
        words = 1 + frame // FRAMES_A_WORD % len(WORDS)
        stable = " ".join(WORDS[: max(0, words - 3)])
        roll.partial(1 + frame // FRAMES_A_WORD // len(WORDS), stable, " ".join(WORDS[:words])[len(stable) :])
        scene = replace(scene, captions=roll.lines, sound=SoundMark(-20.0 - frame % 17, frame % 50 < 40))
        began, spent = time.perf_counter(), time.thread_time()
        overlay.draw(pictures[frame % 4], scene)
        wall.append((time.perf_counter() - began) * 1e3)
        busy.append((time.thread_time() - spent) * 1e3)
    return wall, busy


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=1000, help="frames of each size (default: %(default)s)")
    frames = parser.parse_args().frames
    cv2.setNumThreads(1)
    print(describe())
    print("milliseconds a frame      median    p95   worst   processor median")
    for width, height in SIZES:
        wall, busy = measure(width, height, frames)
        print(
            f"{f'{width} x {height}':24} {statistics.median(wall):7.2f} {percentile(wall, 0.95):6.2f} "
            f"{max(wall):7.2f} {statistics.median(busy):18.2f}"
        )


if __name__ == "__main__":
    main()
