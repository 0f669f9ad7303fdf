"""How big Lipstream is when it is installed, and how long that takes.

    python scripts/install_size.py --extras web --most 900    (make size)
    python scripts/install_size.py --installed                what each extra adds, of the packages installed here

The first makes a fresh environment in a temporary folder, installs this checkout into it with the tested versions,
captions the demo clip with it, and prints what it takes on the disk; exit code 1 if that is more megabytes (10^6 bytes)
than `--most`. Model files lie elsewhere and are told of apart. The second reads the lists of files that packages bring;
what an environment needs besides (pip, compiled byte code) is not in them.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import platform
import shlex
import subprocess
import sys
import tempfile
import time
import tomllib
import venv
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
TESTED = ROOT / "requirements" / "tested.txt"
LARGEST = 8
"""Packages that are named."""
_CLIP = "from lipstream.models import assets; print(assets.resolve('media/obama_speech.mp4'))"


def on_disk(folder: Path) -> int:
    """Bytes that the files below a folder take on the disk, in whole blocks, as `du` counts them."""
    files = (path.lstat() for path in folder.rglob("*") if not path.is_dir() or path.is_symlink())
    return sum(getattr(file, "st_blocks", 0) * 512 or file.st_size for file in files)


# Most extras share packages, and one of torch's size has thousands of files.
@functools.cache
def size_of(package: str) -> int:
    """Bytes of the files that an installed package brings."""
    paths = (Path(str(file.locate())) for file in metadata.distribution(package).files or ())
    return sum(path.stat().st_size for path in paths if path.is_file())


def by_extra() -> dict[str, tuple[int, list[str]]]:
    """Extra -> bytes and packages that it adds to what captions take; "" is that itself."""
    from installed import installed
    from packaging.requirements import Requirement

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    core = [Requirement(text) for text in project["dependencies"]]
    extras: dict[str, list[str]] = project["optional-dependencies"]
    base = set(installed(core))
    found = {"": (sum(map(size_of, base)), sorted(base))}
    for extra in extras:
        added = set(installed(core + _requirements(extra, extras))) - base
        found[extra] = (sum(map(size_of, added)), sorted(added))
    return found


def _requirements(extra: str, extras: dict[str, list[str]]) -> list[Requirement]:
    """The requirements of an extra, those of the extras it names included."""
    from packaging.requirements import Requirement

    found = []
    for requirement in map(Requirement, extras[extra]):
        if requirement.name == "lipstream":
            found += [each for name in requirement.extras for each in _requirements(name, extras)]
        else:
            found.append(requirement)
    return found


def megabytes(size: int) -> str:
    """A size in words."""
    return f"{size / 1e6:.0f} MB"


def show_installed(target: Path | None) -> None:
    """Print what each extra adds, and write it where that is asked for."""
    found = by_extra()
    for extra, (size, packages) in found.items():
        print(f"{extra or '(core)'}\t{megabytes(size)}\t{', '.join(packages)}")
    if target is not None:
        figures = [
            {"what": f"`{extra}`" if extra else "no extra", "system": "adds", "value": round(size / 1e6), "unit": "MB"}
            for extra, (size, _) in found.items()
        ]
        write(target, "the files that installed packages bring, in the versions of requirements/tested.txt", figures)


def write(target: Path, data: str, figures: list[dict[str, object]]) -> None:
    """Write figures in the form that scripts/numbers_page.py reads."""
    arguments = [each for at, each in enumerate(sys.argv[1:]) if "--json" not in (each, sys.argv[at])]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    about = {
        "format": 1,
        "bench": target.stem,
        "command": shlex.join(["python", "scripts/install_size.py", *arguments]),
        "day": datetime.now(UTC).date().isoformat(),
        "version": project["version"],
        "machine": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "data": data,
    }
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps({**about, "figures": figures}, indent=1) + "\n", encoding="utf-8")


def measure(extras: str, most: int | None, target: Path | None) -> int:
    """Install, caption the demo clip, and print sizes and times; the exit code."""
    with tempfile.TemporaryDirectory() as folder:
        room = Path(folder) / "environment"
        venv.create(room, with_pip=True)
        python = room / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        what = f"{ROOT}[{extras}]" if extras else str(ROOT)
        begun = time.monotonic()
        pip = [str(python), "-m", "pip", "install", "-qq", "--disable-pip-version-check", "--constraint", str(TESTED)]
        subprocess.run([*pip, what], check=True)
        took = time.monotonic() - begun
        size = on_disk(room)
        print(f"Python {sys.version.split()[0]}, {what.removeprefix(str(ROOT)) or 'no extra'}: ", end="")
        print(f"{megabytes(size)} on the disk, installed in {took:.0f} s", flush=True)
        site = next(room.glob("lib/python*/site-packages"), room / "Lib" / "site-packages")
        parts = sorted((on_disk(part) if part.is_dir() else part.stat().st_size, part.name) for part in site.iterdir())
        print("largest:", ", ".join(f"{name} {megabytes(part)}" for part, name in reversed(parts[-LARGEST:])))
        captioned = caption(python, Path(folder))
    if target is not None:
        name = f"`lipstream[{extras}]`" if extras else "`lipstream`"
        figures: list[dict[str, object]] = [
            {"what": name, "system": "a fresh install", "unit": "MB", "value": round(size / 1e6)},
            {"what": f"{name}, time to install", "system": "a fresh install", "unit": "s", "value": round(took)},
            {"what": "a clip of 9 s, first run", "system": "a fresh install", "unit": "s", "value": round(captioned)},
        ]
        write(target, "a fresh environment, with pip and compiled byte code", figures)
    if most is not None and size > most * 1e6:
        print(f"more than {most} MB", file=sys.stderr)
        return 1
    return 0


def caption(python: Path, folder: Path) -> float:
    """Caption the demo clip with an environment, away from this checkout; the seconds that took."""
    clip = subprocess.run([str(python), "-c", _CLIP], cwd=folder, check=True, capture_output=True, text=True).stdout
    command = [str(python), "-m", "lipstream", "file", clip.strip(), "-o", str(folder), "-f", "txt"]
    begun = time.monotonic()
    subprocess.run(command, cwd=folder, check=True)
    took = time.monotonic() - begun
    text = next(folder.glob("*.txt")).read_text(encoding="utf-8")
    print(f"captioned a clip of 9 s in {took:.0f} s: {' '.join(text.split())[:60]}...")
    return took


def main() -> int:
    """Measure, or show what is installed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--extras", default="", help="of the fresh environment, with commas between them")
    parser.add_argument("--most", metavar="MB", type=int, help="fail above this")
    parser.add_argument("--installed", action="store_true", help="print what each extra adds, and install nothing")
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="write the figures there, for scripts/numbers_page.py"
    )
    args = parser.parse_args()
    if args.installed:
        show_installed(args.json)
        return 0
    return measure(args.extras, args.most, args.json)


if __name__ == "__main__":
    sys.exit(main())
