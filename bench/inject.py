"""Shows what `live` says when something goes wrong: runs it on fake devices and networks, in real time, and breaks one.

    python bench/inject.py                       lists the faults
    python bench/inject.py camera-freeze         breaks the camera after the first sentence
    python bench/inject.py decoder-takes-10-s -o out -f srt,jsonl

The fake speaker says "one two three" before the fault and "four five six" after it. What follows the name of the fault
is for `live`. tests/faults runs the same scripts against a scripted clock.
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lipstream.commands.failures import leave
from lipstream.commands.main import main
from tests.faults.run import drive
from tests.faults.scripts import SCRIPTS
from tests.faults.world import WallClock, World


def show(fault: str, arguments: list[str]) -> int:
    """Run `live` while a fault happens; returns its exit code."""
    world = World(WallClock())
    failures: list[BaseException] = []
    driver = threading.Thread(target=drive, args=(world, SCRIPTS[fault], failures, world.stop), daemon=True)
    with world.in_place():
        driver.start()
        code = main(["live", "--set", "emotion.enabled=false", *arguments])
    for failure in failures:
        print(f"inject: the script broke off: {failure!r}", file=sys.stderr)
    return code


def cli() -> int:
    """Show the fault named first among the arguments."""
    fault, *arguments = sys.argv[1:] or [""]
    if fault not in SCRIPTS:
        for name, script in SCRIPTS.items():
            print(f"{name:28} {script.__doc__}")
        return 0 if fault in ("", "-h", "--help") else 2
    return show(fault, arguments)


if __name__ == "__main__":
    # As the program ends: a network that is still being loaded would not let the interpreter end.
    leave(cli())
