"""What `pip install lipstream` brings is what captions take: no torch, no CUDA, nothing to compile, under 900 MB."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib

import pytest

from tests.packaging.rooms import ROOT

MOST_MB = 900
HEAVY = {"torch", "torchaudio", "triton", "mediapipe", "ctranslate2", "ray", "pyarrow"}
SOURCE_ONLY = {"pyaudio"}


@pytest.fixture(scope="module")
def sizes() -> dict[str, tuple[int, set[str]]]:
    """Extra -> megabytes and packages it adds, of what is installed here; "(core)" is what comes without an extra."""
    command = [sys.executable, str(ROOT / "scripts" / "install_size.py"), "--installed"]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
    rows = (line.split("\t") for line in done.stdout.splitlines())
    return {name: (int(size.removesuffix(" MB")), set(packages.split(", "))) for name, size, packages in rows}


def test_captions_take_nothing_heavy_and_nothing_to_compile(sizes: dict[str, tuple[int, set[str]]]):
    size, packages = sizes["(core)"]
    assert packages >= {"numpy", "onnxruntime", "av", "ai-edge-litert"}
    assert packages & (HEAVY | SOURCE_ONLY) == set()
    assert not [name for name in packages if name.startswith(("nvidia-", "cuda-"))]
    assert 300 < size < MOST_MB


def test_the_web_page_is_slim_too(sizes: dict[str, tuple[int, set[str]]]):
    size, packages = sizes["web"]
    assert "aiortc" in packages and packages & (HEAVY | SOURCE_ONLY) == set()
    assert sizes["(core)"][0] + size < MOST_MB


def test_a_full_installation_has_the_rest(sizes: dict[str, tuple[int, set[str]]]):
    """It is what `make` installs, through `dev`."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    (full,) = project["full"]
    users = set(project) - {"full", "dev", "bench", "docs"}
    assert set(full.removeprefix("lipstream[").removesuffix("]").split(",")) == users
    assert any("full" in each for each in project["dev"])
    assert {"torch", "torchaudio"} <= sizes["train"][1]


def test_every_extra_is_in_the_table_of_extras():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    table = (ROOT / "docs" / "install.md").read_text(encoding="utf-8")
    assert [extra for extra in project["optional-dependencies"] if f"| `{extra}` |" not in table] == []


def test_the_sizes_in_the_table_are_those_that_were_measured():
    """bench/results/extras.json is written by `python scripts/install_size.py --installed --json`."""
    table = (ROOT / "docs" / "install.md").read_text(encoding="utf-8")
    measured = json.loads((ROOT / "bench" / "results" / "extras.json").read_text(encoding="utf-8"))["figures"]
    for figure in measured:
        name = "(none)" if figure["what"] == "no extra" else figure["what"]
        (row,) = [line for line in table.splitlines() if line.startswith(f"| {name} |")]
        size = f"{figure['value']:,} MB" if figure["value"] else "under 1 MB"
        assert f"| {size}" in row, f"{row}: it was {size}"


WITHOUT_TORCH = """
import sys
sys.modules["torch"] = sys.modules["torchaudio"] = None
from lipstream.commands.main import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize(
    "command",
    [
        ["train", "emotion", "--data", "folder"],
        ["train", "speech", "--data", "folder"],
        ["eval", "emotion", "--data", "folder"],
        ["enroll", "ann", "folder"],
        ["live", "--profile", "ann"],
        ["live", "--grow", "ann"],
    ],
    ids=" ".join,
)
def test_what_needs_torch_says_so_in_one_line(command: list[str], tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH, *command],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
        cwd=tmp_path,
    )
    assert done.returncode == 2, done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("lipstream: error: ")
    assert "torch, which is not installed: pip install 'lipstream[train]'" in line
    assert list(tmp_path.iterdir()) == []
