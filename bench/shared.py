"""Memory of several live runs in one process, which share their networks.

Usage: python bench/shared.py [--runs 4] [--sound-only] [--set key=value]...

Each run is handed the same seconds of speech, and a talking head, and stays open; told is the resident memory of the
process once each of them has captioned that.
"""

from __future__ import annotations

import argparse
import gc
import time

import av
import psutil
from clips import RATE, read_audio
from machine import describe

from lipstream import Pipeline, PushSource, TranscriptFinal
from lipstream.config import parse_assignment
from lipstream.models.assets import resolve

SECONDS = 8.0
PATIENCE = 120.0


def begin(settings: dict[str, object], pictures: bool) -> tuple[Pipeline, PushSource]:
    """A run that has captioned a sentence, and waits for more."""
    source = PushSource(video=pictures)
    run = Pipeline.from_config("live", source=source, **settings)
    heard: list[str] = []
    run.on(TranscriptFinal, lambda event: heard.append(event.text))
    run.start()
    while not run.begun:
        time.sleep(0.05)
    speech = read_audio(resolve("media/obama_speech.mp4"))
    with av.open(str(resolve("media/obama_speech.mp4"))) as clip:
        frames = [(frame.time, frame.to_ndarray(format="rgb24")) for frame in clip.decode(video=0)] if pictures else []
    begun = time.monotonic()
    for at in range(0, round(SECONDS * 10)):
        source.push_audio(speech[at * RATE // 10 : (at + 1) * RATE // 10], RATE)
        while frames and (frames[0][0] or 0.0) <= at / 10:
            source.push_frame(frames.pop(0)[1])
        time.sleep(max(0.0, begun + at / 10 - time.monotonic()))
    while not heard and time.monotonic() - begun < PATIENCE:
        time.sleep(0.1)
    if not heard:
        raise SystemExit("nothing was captioned")
    return run, source


def main() -> None:
    parser = argparse.ArgumentParser(description="Memory of several live runs in one process.")
    parser.add_argument("--runs", type=int, default=4)
    parser.add_argument("--sound-only", action="store_true")
    parser.add_argument("--set", action="append", default=[], type=parse_assignment, metavar="KEY=VALUE")
    args = parser.parse_args()
    print(describe())
    kept = []
    before = 0.0
    for number in range(1, args.runs + 1):
        kept.append(begin(dict(args.set), not args.sound_only))
        gc.collect()
        resident = psutil.Process().memory_info().rss / 2**20
        print(f"{number} open: {resident:6.0f} MiB" + (f" (+{resident - before:.0f})" if before else ""), flush=True)
        before = resident
    for run, source in kept:
        source.end()
        run.wait(PATIENCE)


if __name__ == "__main__":
    main()
