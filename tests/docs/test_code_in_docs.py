"""The Python in the documents compiles; that of the pages for newcomers runs, on a real recording, as it stands."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.blocks import DOCUMENTS, ROOT, blocks, name_of
from tests.media_factory import beginning

RUN = ("README.md", "docs/tutorial.md", "docs/python.md")
"""Documents whose blocks are run. Others have tests of their own, or show parts of something."""

# In one process, which loads the networks once; each block is a program of its own all the same.
_ONE_AFTER_THE_OTHER = """
import json, os, pathlib
here = pathlib.Path.cwd()
for number, (name, code) in enumerate(json.loads((here / "blocks.json").read_text())):
    os.chdir(here / pathlib.Path(name).stem)
    print(f"== {name}", flush=True)
    exec(compile(code, f"block {number}, {name}", "exec"), {"__name__": "__main__"})
"""


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_every_block_of_python_compiles(document: Path):
    for code in blocks(document, "python"):
        compile(code, name_of(document), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


def test_there_is_something_to_run():
    assert all(blocks(ROOT / name, "python") for name in RUN)
    assert blocks(ROOT / "docs" / "own_stage.md", "python")


@pytest.mark.media
def test_every_block_of_python_runs(obama_speech: Path, tmp_path: Path):
    for name in RUN:
        folder = tmp_path / Path(name).stem
        folder.mkdir()
        beginning(obama_speech, folder / "talk.mp4", 5.0)
    # Nobody speaks into a microphone here: what is live reads the recording.
    recorded = '"file", input="talk.mp4"'
    code = [
        (name, block.replace('from_config("live"', f"from_config({recorded}"))
        for name in RUN
        for block in blocks(ROOT / name, "python")
    ]
    (tmp_path / "blocks.json").write_text(json.dumps(code))
    done = subprocess.run(
        [sys.executable, "-c", _ONE_AFTER_THE_OTHER],
        cwd=tmp_path,
        check=False,
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    _, *said = done.stdout.split("== ")
    assert len(said) == len(code)
    told = [(name, output) for (name, block), output in zip(code, said, strict=True) if "event.text" in block]
    assert {name for name, _ in told} == set(RUN) and all("years" in output for _, output in told), done.stdout
