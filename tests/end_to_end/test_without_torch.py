"""Recordings are captioned, and live runs begun, where torch cannot be imported: it is for training and profiles."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BLOCKED = """
import sys
sys.modules["torch"] = sys.modules["torchaudio"] = None
from lipstream.commands.main import main
import lipstream.commands.live, lipstream.commands.serve
import lipstream.stages.build
import lipstream.web.server, lipstream.web.session
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.media
def test_a_recording_gets_its_words_and_emotions_without_torch(obama_speech, tmp_path):
    command = [sys.executable, "-c", BLOCKED, "file", str(obama_speech), "-o", str(tmp_path), "-f", "json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    (made,) = tmp_path.glob("*.json")
    told = json.loads(made.read_text(encoding="utf-8"))
    assert told["segments"] and told["faces"] and told["emotions"]
    assert "whisper-base/model.bin" in told["models"]
