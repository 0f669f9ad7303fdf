"""`serve` as a process of its own."""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


@contextlib.contextmanager
def real_server(*arguments: str) -> Iterator[str]:
    """Run `serve` on a free port; gives its address, with a slash at its end."""
    command = [sys.executable, "main.py", "serve", "--port", "0", *arguments]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        said = process.stderr.readline()
        address = re.search(r"http://\S+", said)
        assert address, said
        yield address[0]
    finally:
        process.terminate()
        process.communicate(timeout=60)
