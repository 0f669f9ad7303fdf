"""Captions as they form: what is said just now in one row that is rewritten, finished sentences above it.

python examples/print_captions.py [FILE]      a recording at its own pace; without one, microphone and camera
"""

from __future__ import annotations

import argparse
import sys

from lipstream import Pipeline
from lipstream.events import TranscriptFinal, TranscriptPartial
from lipstream.pipeline import Degraded, UserError


def main() -> None:
    parser = argparse.ArgumentParser(description="Print captions.")
    parser.add_argument("file", nargs="?", help="a recording (default: microphone and camera)")
    file = parser.parse_args().file
    run = Pipeline.from_config("file", input=file, pace="realtime") if file else Pipeline.from_config("live")
    rewrites = sys.stdout.isatty()

    @run.on(TranscriptPartial)
    def forming(event: TranscriptPartial) -> None:
        if rewrites:
            print(f"\r\x1b[K\x1b[2m{event.text[-70:]}\x1b[0m", end="", flush=True)

    @run.on(TranscriptFinal)
    def finished(event: TranscriptFinal) -> None:
        begin = "\r\x1b[K" if rewrites else ""
        print(f"{begin}{event.start:7.2f}  {event.text}", flush=True)

    # A hook for each class of events; without a decorator where a line is enough.
    run.on(Degraded, lambda event: print(f"({event.modality}: {event.reason})", file=sys.stderr))
    run.run()


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        sys.exit(f"error: {error}")
