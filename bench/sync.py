"""Whether sound and picture stay together: skew of flashes and beeps in files, and live with clocks that drift.

    python bench/sync.py [--minutes 60] [--ppm 200] [--seed 0]

Skew is how much earlier the sound of an event is placed than its picture. ITU-R BT.1359-1 gives +45 ms (sound first)
and -125 ms (sound late) as the limits at which people begin to notice. Files are generated; the live sources run
against simulated devices on a scripted clock, which takes a minute or two for an hour.

In the `SETTLE` seconds after a failure of the microphone the times are still being found; those events are listed
apart. Exit status 1 if any of the others is outside the limits.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from sync_clips import clips, skews, write
from sync_live import make_world, simulate
from sync_live import skews as live_skews

EARLIEST, LATEST = 0.045, -0.125
"""Limits of ITU-R BT.1359-1, seconds: sound before the picture, and behind it."""
SETTLE = 3.0


def within(values: Sequence[float]) -> bool:
    """Whether all skews are inside the limits."""
    return all(LATEST <= value <= EARLIEST for value in values)


def line(name: str, values: Sequence[float]) -> str:
    """One row of the table."""
    if not values:
        return f"{name:30} no events"
    skew = np.array(values) * 1000
    return (
        f"{name:30} {len(values):5} events   mean {skew.mean():+7.2f}   p95 |skew| "
        f"{np.percentile(abs(skew), 95):6.2f}   from {skew.min():+8.2f} to {skew.max():+8.2f} ms"
    )


def check_files(seconds: float) -> bool:
    """Print the skew of every clip; returns whether all are inside the limits."""
    good = True
    with tempfile.TemporaryDirectory() as folder:
        for clip in clips(seconds):
            path, events = write(clip, Path(folder))
            values = skews(path, len(events))
            good = good and within(values)
            print(line(clip.name, values), flush=True)
    return good


def check_live(minutes: float, ppm: float, seed: int) -> bool:
    """Print the skew of simulated live runs; returns whether it stays inside the limits."""
    good = True
    for drift in (ppm, -ppm):
        begin = time.monotonic()
        world = make_world(minutes * 60, drift, seed)
        found = simulate(world)
        placed = live_skews(world, found)
        steady = [skew for since, skew in placed if since > SETTLE]
        outside = [since for since, skew in placed if not within([skew])]
        good = good and within(steady) and bool(steady)
        print(
            f"\nlive, {minutes:g} simulated minutes in {time.monotonic() - begin:.0f} s: microphone {drift:+g} ppm, "
            f"camera {-drift:+g} ppm,\n{len(world.sound_gaps)} failures of the microphone, "
            f"{len(world.picture_gaps)} of the camera"
        )
        print(line(f"  from {SETTLE:g} s after a failure", steady))
        print(line("  all", [skew for _, skew in placed]))
        print(
            f"  last outside the limits {max(outside, default=0.0):.2f} s after a failure ({len(outside)} events)",
            flush=True,
        )
    return good


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60.0, help="simulated minutes of each live run")
    parser.add_argument("--ppm", type=float, default=200.0, help="drift of the devices' clocks")
    parser.add_argument("--seconds", type=float, default=20.0, help="length of each clip")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    good = check_files(arguments.seconds)
    good = check_live(arguments.minutes, arguments.ppm, arguments.seed) and good
    print(f"\nlimits {LATEST * 1000:+.0f} to {EARLIEST * 1000:+.0f} ms: {'kept' if good else 'NOT KEPT'}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
