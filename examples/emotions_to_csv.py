"""Log emotions to a table: one row whenever the emotion of a face, or of a voice without a face, becomes another one.

python examples/emotions_to_csv.py OUT.csv [FILE]
"""

from __future__ import annotations

import argparse
import csv
import sys
from pathlib import Path

from lipstream import Pipeline
from lipstream.events import EmotionChanged
from lipstream.pipeline import UserError


def main() -> None:
    parser = argparse.ArgumentParser(description="Log emotions to a table.")
    parser.add_argument("out", type=Path, help="the table to write")
    parser.add_argument("file", nargs="?", help="a recording (default: microphone and camera)")
    args = parser.parse_args()
    run = Pipeline.from_config("file", input=args.file) if args.file else Pipeline.from_config("live")

    # The iterator gives every event in order, here, on this thread: the open file belongs to nobody else.
    with run, args.out.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["time", "who", "from", "to", "probability", "valence", "arousal", "face", "voice"])
        for event in run.events():
            if not isinstance(event, EmotionChanged):
                continue
            who = "voice" if event.face is None else f"face {event.face}"
            probability = event.probabilities.get(event.label, "")
            affect = (event.valence, event.arousal, event.weights["face"], event.weights["voice"])
            rows.writerow([f"{event.time:.3f}", who, event.previous, event.label, probability, *affect])
            file.flush()


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        pass
