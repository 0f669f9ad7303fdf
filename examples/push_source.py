"""Captions of sound and pictures that this program has itself.

They are decoded from a recording here, as a robot, a game or a meeting would have them.

python examples/push_source.py FILE
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import threading

import av

from lipstream import Pipeline, PushSource, TranscriptFinal
from lipstream.pipeline import UserError


def hand_over(path: str, source: PushSource) -> None:
    """Hand over what a recording has, in order of time, until nobody wants any more of it."""
    try:
        with av.open(path) as container:
            for frame in container.decode(*container.streams.audio[:1], *container.streams.video[:1]):
                if isinstance(frame, av.AudioFrame):
                    taken = source.push_audio(frame, time=frame.time)
                elif isinstance(frame, av.VideoFrame):
                    taken = source.push_frame(frame, time=frame.time)
                else:
                    continue
                if not taken:
                    break
    finally:
        source.end()


async def main() -> None:
    parser = argparse.ArgumentParser(description="Captions of what a program hands over.")
    parser.add_argument("file", help="a recording")
    path = parser.parse_args().file
    try:
        with av.open(path) as container:
            source = PushSource(audio=bool(container.streams.audio), video=bool(container.streams.video))
    except (OSError, ValueError) as error:
        sys.exit(f"error: {error}")

    # "file": as fast as it goes, nothing is skipped. Who has a camera and a microphone takes "live".
    async with await Pipeline.afrom_config("file", source=source) as run:
        threading.Thread(target=hand_over, args=(path, source), daemon=True).start()
        async for event in run.aevents(TranscriptFinal):
            print(f"{event.start:7.2f}  {event.text}", flush=True)


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except UserError as error:
        sys.exit(f"error: {error}")
