"""The notebook runs as it is, cell by cell, and draws what it says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import pytest

ROOT = Path(__file__).parent.parent.parent
NOTEBOOK = ROOT / "examples" / "features.ipynb"
RUN = """
import json, sys
cells = json.load(open(sys.argv[1], encoding="utf-8"))["cells"]
names = {"__name__": "__main__"}
for cell in cells:
    if cell["cell_type"] == "code":
        exec(compile("".join(cell["source"]), cell["id"], "exec"), names)
axes = names["figure"].axes
drawn = [len(each.lines) + len(each.collections) + len(each.patches) for each in axes]
print("axes", drawn, [len(each.texts) for each in axes])
"""


def test_it_is_a_notebook_without_anybodys_outputs():
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert len(code) >= 4 and len({cell["id"] for cell in notebook["cells"]}) == len(notebook["cells"])
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)


@pytest.mark.media
def test_it_draws_mouth_speech_and_emotion_of_the_demo_clip(obama_speech: Path, tmp_path: Path):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "MPLBACKEND": "Agg", "TABLES": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-W", "ignore::UserWarning", "-c", RUN, str(NOTEBOOK)],
        check=False,
        capture_output=True,
        text=True,
        env=environment,
        timeout=280,
    )
    assert done.returncode == 0, done.stderr
    tables, face, moves, axes = done.stdout.splitlines()
    words, segments, rows = (int(word) for word in tables.replace(";", "").split() if word.isdigit())
    assert words > 10 and 1 <= segments < words and rows > 80
    assert face.startswith("face ")
    in_speech, in_pauses = (float(word.strip(",")) for word in moves.split() if word[0].isdigit())
    assert in_speech > in_pauses
    assert axes == f"axes [1, {1 + segments}, 7] [{words}, 0, 0]"
    picture = cv2.imread(str(tmp_path / "features.png"))
    assert picture is not None and picture.shape[1] >= 1000 and picture.std() > 10
