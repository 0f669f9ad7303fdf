"""Lay the packages out as they are imported, for type checkers, which do not ask the build where a package lies.

`build/types/lipstream` holds links to the files of `lipstream/` and to the rooms beside it. `make lint` makes it; an
editor finds them with `build/types` among the paths in which it looks for packages.
"""

from __future__ import annotations

import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("commands", "configs", "models", "pipeline", "stages", "views", "web")


def main() -> None:
    """Make the tree anew."""
    tree = ROOT / "build" / "types" / "lipstream"
    shutil.rmtree(tree, ignore_errors=True)
    tree.mkdir(parents=True)
    for path in (ROOT / "lipstream").iterdir():
        (tree / path.name).symlink_to(path)
    for room in ROOMS:
        (tree / room).symlink_to(ROOT / room)


if __name__ == "__main__":
    main()
