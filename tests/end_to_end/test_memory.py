"""Memory over many runs of one process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.media_factory import beginning

ROOT = Path(__file__).resolve().parents[2]
MOST_GROWTH = 20.0
"""MiB that a process may grow by from its third run on."""

PROGRAM = """
import json, sys
from pathlib import Path
import psutil
from lipstream import Pipeline
resident = []
for _ in range(int(sys.argv[2])):
    Pipeline.from_config("file", input=sys.argv[1]).run()
    resident.append(psutil.Process().memory_info().rss / 2**20)
print(json.dumps(resident))
"""


@pytest.fixture
def short_clip(obama_speech: Path, tmp_path: Path) -> Path:
    """The first two and a half seconds of the talking head."""
    return beginning(obama_speech, tmp_path / "short.mp4", 2.5)


@pytest.mark.media
def test_memory_does_not_grow_with_every_recording(short_clip: Path):
    """Finished runs once kept their networks in reference cycles: 60 MiB and more a recording."""
    command = [sys.executable, "-c", PROGRAM, str(short_clip), "8"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=500)
    resident = json.loads(done.stdout)
    assert resident[-1] - resident[2] < MOST_GROWTH, resident
