"""No pickle is ever loaded: whoever could swap such a file would run code of their own."""

from __future__ import annotations

import ast
import re
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lipstream.models import assets
from tests.trust.conftest import ROOT, WatchedRun

ROOMS = ("bench", "commands", "configs", "examples", "lipstream", "models", "pipeline", "scripts", "stages", "views")
ROOMS += ("web", "main.py", "setup.py")
LOADERS = {"pickle", "_pickle", "cPickle", "cloudpickle", "dill", "joblib", "jsonpickle", "marshal", "shelve"}
NEVER = {"torch.load", "torch.jit.load", "torch.package", "yaml.load", "yaml.unsafe_load", "yaml.full_load"}
NEVER |= {"pandas.read_pickle", "pd.read_pickle", "eval", "exec"}
NUMPY = {"np.load", "numpy.load"}
KNOWN = {"models/voice/training/export.py": "torch.load"}
"""Reads one published file, by its SHA-256, with weights_only: when the network that ships is made anew, not before."""
DATA = {".bin", ".json", ".mp4", ".onnx", ".ort", ".safetensors", ".task", ".tflite", ".txt", ".wav"}


def sources() -> list[Path]:
    roots = [ROOT / name for name in ROOMS]
    files = [path for root in roots if root.is_dir() for path in sorted(root.rglob("*.py"))]
    return files + [root for root in roots if root.is_file()]


def offences(code: str) -> Iterator[str]:
    """What in a module could unpickle or run what it reads."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            if name in NEVER or re.fullmatch(r".*\.(read_pickle|load_pickle)", name):
                yield f"line {node.lineno}: {name}"
            if name in NUMPY and "allow_pickle=False" not in ast.unparse(node):
                yield f"line {node.lineno}: {name} without allow_pickle=False"
            continue
        else:
            continue
        for name in names:
            if name.partition(".")[0] in LOADERS or name in NEVER:
                yield f"line {node.lineno}: import of {name}"


@pytest.mark.parametrize(
    "code",
    [
        "import pickle",
        "from joblib import load",
        "from torch import load",
        "import torch\ntorch.load('x')",
        "np.load('x')",
        "np.load('x', allow_pickle=True)",
        "yaml.load(text, yaml.Loader)",
        "import shelve as s",
        "import marshal",
        "frame = pd.read_pickle('x')",
    ],
)
def test_the_search_finds_what_it_is_for(code: str):
    assert list(offences(code))


def test_no_source_loads_a_pickle():
    found = {str(path.relative_to(ROOT)): list(offences(path.read_text(encoding="utf-8"))) for path in sources()}
    assert len(found) > 100
    left = {name: [line for line in lines if not line.endswith(KNOWN.get(name, ":"))] for name, lines in found.items()}
    assert {name: lines for name, lines in left.items() if lines} == {}


@pytest.mark.parametrize("name", KNOWN)
def test_the_one_file_that_is_known_is_told_by_its_digest_and_read_for_weights_alone(name: str):
    code = (ROOT / name).read_text(encoding="utf-8")
    assert code.index("!= SHA256") < code.index("torch.load(")
    assert code.count("torch.load(") == code.count("weights_only=True") == 1


def test_no_model_file_is_a_pickle():
    files = [status.path for status in assets.status() if status.state == "ready"]
    files += [path for path in (ROOT / "models").rglob("weights/*") if path.suffix not in (".md", ".py")]
    assert {path.suffix for path in files} <= DATA
    assert not [status.name for status in assets.status() if Path(status.name).suffix not in DATA]
    for path in files:
        with path.open("rb") as file:
            assert not re.match(rb"\x80[\x02-\x05]", file.read(2)), path
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                assert not [name for name in archive.namelist() if name.endswith((".pkl", ".pickle"))], path


@pytest.mark.media
@pytest.mark.parametrize("what", ["file", "live"])
def test_no_pickle_is_loaded_in_a_whole_run(watched: Callable[[str], WatchedRun], what: str):
    assert watched(what).unpickled == []
