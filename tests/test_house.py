"""The rules of the house: who may import whom, training apart from inference, one import name, no crowded folders."""

from __future__ import annotations

import ast
import functools
import os
import re
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from tests.packaging.rooms import ROOMS, ROOT

MAY_IMPORT = {
    "configs": set(),
    "pipeline": set(),
    "models": set(),
    "stages": {"pipeline", "models"},
    "views": {"pipeline", "models", "stages"},
    "web": {"pipeline", "models", "stages", "views"},
    "commands": {"pipeline", "models", "stages", "views", "web"},
}
"""The rooms, and the other rooms that each may import: the table in docs/architecture.md."""
SHARED = {"lipstream.config", "lipstream.events", "lipstream.version"}
"""What lies in lipstream/ for the rooms above `pipeline` and `models`."""
FOR_EVERY_ROOM = {"lipstream.plugins"}
"""What imports nothing of Lipstream's itself."""
FACADE_FOR = {"commands", "views", "web"}
"""Rooms that may use what lipstream/ has for users, as these do."""
OF_LIPSTREAM = {
    "captions.py": {"pipeline", "stages"},
    "push.py": {"pipeline", "stages"},
    "__main__.py": {"commands"},
    "plugins.py": set(),
}
"""What files of lipstream/ may import that is not `pipeline`: the facade builds the graph, `-m` runs the commands."""

APART = {"training", "evaluation", "enrolment"}
"""Folders that nothing imports that runs captions."""
MAY_TRAIN = {"commands", "bench", "tests"}
LEARNS_BESIDE = {"stages/enrol/growth_of.py", "stages/enrol/own_profile.py"}
"""What learns while captions run, if its user wants that: it imports training when it is asked for, not before."""

MOST_FILES = 20
CROWDED = {
    "bench": "scripts that are run one by one: a measurement each, and two files that they share",
}
"""Folders that may have more files of source, with the reason."""

FOREIGN = {
    "tests/packaging/test_wheel.py": "scripts of users beside folders of these names",
    "tests/test_house.py": "what the search is to find",
    "tests/packaging/test_one_name.py": "a module that is loaded twice, to see that it is noticed",
}
"""Files whose strings may import such names, with the reason."""

SOURCE = {".py", ".js", ".css", ".html"}
TEXTS = ("*.md", "*.sh", "*.yml", "Makefile", "Dockerfile", ".ci/run")
NOT_OURS = {".git", ".venv", ".venv-tools", "build", "dist", "demo_output", "node_modules", "__pycache__"}
BY_NAME = {"import_module", "__import__", "find_spec", "importorskip", "setattr", "delattr", "patch", "run_module"}
"""Calls that take the dotted name of a module."""

_ROOM = "|".join(ROOMS)
_IMPORT = re.compile(rf"(?:^|[;\n'\"])\s*(?:>>> )?(?:from\s+(?:{_ROOM})[\w.]*\s+import\b|import\s+(?:{_ROOM})\b)")
_RUN = re.compile(rf"-m\s+(?:{_ROOM})\b")
_FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


@functools.cache
def all_files() -> list[Path]:
    """Files of the tree that are the project's own."""
    found: list[Path] = []
    for folder, inner, names in os.walk(ROOT):
        # Not gone into: an environment has more files than the project.
        inner[:] = [name for name in inner if name not in NOT_OURS and not name.endswith(".egg-info")]
        found += [Path(folder) / name for name in names if name not in NOT_OURS]
    return sorted(found)


def files(*patterns: str) -> Iterator[Path]:
    """Those of them that match any of the patterns."""
    for pattern in patterns:
        yield from (path for path in all_files() if path.match(pattern))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@functools.cache
def imports(code: str) -> tuple[tuple[int, str], ...]:
    """Lines, and the names of all that a module imports, wherever in it, also by `import_module`."""
    return tuple(imports_of(ast.walk(ast.parse(code))))


def imports_of(nodes: Iterable[ast.AST]) -> Iterator[tuple[int, str]]:
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            yield from ((node.lineno, f"{module}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Call):
            called = getattr(node.func, "attr", getattr(node.func, "id", ""))
            given = node.args[0].value if node.args and isinstance(node.args[0], ast.Constant) else None
            if called in BY_NAME and isinstance(given, str) and (called == "import_module" or "." in given):
                yield node.lineno, given


def forbidden(name: str, code: str) -> Iterator[str]:
    """Imports of other rooms that a file of a room may not have."""
    room, _, rest = name.partition("/")
    for line, imported in imports(code):
        first, *parts = imported.split(".")
        if first != "lipstream":
            continue
        target = parts[0] if parts else ""
        if target in ROOMS:
            allowed = OF_LIPSTREAM.get(rest, {"pipeline"}) if room == "lipstream" else MAY_IMPORT[room] | {room}
            if target not in allowed:
                yield f"line {line}: {room} imports {imported}"
        elif room == "lipstream" or f"lipstream.{target}" in FOR_EVERY_ROOM:
            continue
        elif f"lipstream.{target}" in SHARED:
            if room in ("pipeline", "models"):
                yield f"line {line}: {room} imports {imported}"
        elif room not in FACADE_FOR:
            yield f"line {line}: {room} imports {imported}, which is for users"


def of_training(name: str, code: str) -> Iterator[str]:
    """Imports of training that a file may not have."""
    *folders, _ = name.split("/")
    if name in LEARNS_BESIDE or APART & set(folders) or (folders and folders[0] in MAY_TRAIN):
        return
    for line, imported in imports(code):
        if imported.startswith("lipstream.") and APART & set(imported.split(".")):
            yield f"line {line}: {imported}"


def bare(name: str, code: str) -> Iterator[str]:
    """Imports of rooms by their bare names, in code and in strings that are run as code."""
    nodes = list(ast.walk(ast.parse(code)))
    for line, imported in imports_of(nodes):
        if imported.partition(".")[0] in ROOMS or imported.startswith("."):
            yield f"line {line}: import of {imported}"
    if name in FOREIGN:
        return
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            for found in (*_IMPORT.finditer(node.value), *_RUN.finditer(node.value)):
                yield f"line {node.lineno}: {found[0].strip()!r} in a string"
        elif isinstance(node, ast.List | ast.Tuple):
            words = [each.value if isinstance(each, ast.Constant) else None for each in node.elts]
            for flag, module in pairwise(words):
                if flag == "-m" and str(module).partition(".")[0] in ROOMS:
                    yield f"line {node.lineno}: -m {module}"


def test_rooms_import_one_way():
    found = {}
    for path in files("*.py"):
        if path.relative_to(ROOT).parts[0] in ("lipstream", *ROOMS):
            found[name_of(path)] = list(forbidden(name_of(path), path.read_text(encoding="utf-8")))
    assert len(found) > 300
    assert {name: lines for name, lines in found.items() if lines} == {}


def test_every_room_has_its_place_in_the_order():
    assert set(MAY_IMPORT) == set(ROOMS)
    table = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    assert [room for room in ROOMS if f"| `{room}/` |" not in table] == []


def test_nothing_that_runs_captions_imports_training():
    found = {
        name_of(path): list(of_training(name_of(path), path.read_text(encoding="utf-8"))) for path in files("*.py")
    }
    assert {name: lines for name, lines in found.items() if lines} == {}


def test_the_rooms_are_imported_as_parts_of_lipstream_alone():
    """A module that is imported under two names is there twice."""
    found = {name_of(path): list(bare(name_of(path), path.read_text(encoding="utf-8"))) for path in files("*.py")}
    for path in files(*TEXTS):
        text = path.read_text(encoding="utf-8")
        code = "\n".join(_FENCED.findall(text)) if path.suffix == ".md" else text
        found[name_of(path)] = [each[0].strip() for each in (*_IMPORT.finditer(code), *_RUN.finditer(code))]
    assert {name: lines for name, lines in found.items() if lines} == {}


def test_no_folder_is_crowded():
    counts: dict[str, int] = {}
    for path in files("*"):
        if path.suffix in SOURCE and path.name != "__init__.py":
            folder = path.parent.relative_to(ROOT).as_posix()
            counts[folder] = counts.get(folder, 0) + 1
    crowded = {folder: count for folder, count in counts.items() if count > MOST_FILES and folder not in CROWDED}
    assert crowded == {}, "sort them by subject, or give the reason here"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("models/face/x.py", "import lipstream.pipeline"),
        ("models/face/x.py", "from lipstream import pipeline"),
        ("models/face/x.py", "from lipstream.events import Word"),
        ("pipeline/x.py", "def f():\n    from lipstream.models import assets"),
        ("stages/x.py", "from lipstream.views import drawing"),
        ("stages/x.py", "from lipstream import Pipeline"),
        ("stages/x.py", "importlib.import_module('lipstream.commands')"),
        ("views/x.py", "from lipstream.web.files import uploads"),
        ("lipstream/events.py", "from lipstream.stages.payloads import FaceFrame"),
    ],
)
def test_the_search_finds_imports_against_the_order(name: str, code: str):
    assert list(forbidden(name, code))


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("stages/x.py", "from lipstream.events import Word\nfrom lipstream.models.face import lips"),
        ("web/x.py", "from lipstream import Pipeline\nfrom lipstream.views.drawing import scene"),
        ("lipstream/captions.py", "from lipstream.stages.build import build"),
        ("models/x.py", "import torch\nfrom lipstream.models.errors import ModelError"),
        ("models/x.py", "from lipstream.plugins import PluginError"),
    ],
)
def test_the_search_lets_imports_in_order_pass(name: str, code: str):
    assert not list(forbidden(name, code))


@pytest.mark.parametrize(
    ("name", "code", "allowed"),
    [
        ("models/av_speech/lip_fusion.py", "from lipstream.models.av_speech.training.fusion import x", False),
        ("models/weights.py", "from lipstream.models import training", False),
        ("stages/enrol/takes.py", "def f():\n    import lipstream.models.av_speech.enrolment.sentences", False),
        ("scripts/x.py", "from lipstream.models.emotion.evaluation.metrics import softmax", False),
        ("models/av_speech/training/fusion.py", "from lipstream.models.training.loop import Task", True),
        ("models/av_speech/enrolment/x.py", "from lipstream.models.av_speech.evaluation.trials import y", True),
        ("commands/train.py", "from lipstream.models.training.device import CPU", True),
    ],
)
def test_the_search_finds_training_in_inference(name: str, code: str, allowed: bool):
    assert list(of_training(name, code)) == [] if allowed else list(of_training(name, code))


@pytest.mark.parametrize(
    "code",
    [
        "import pipeline",
        "from models.face import lips",
        "from . import neighbour",
        "importlib.import_module('stages')",
        "monkeypatch.setattr('stages.build.connect', None)",
        "run('import sys; import pipeline.clock')",
        "CODE = '''\nfrom stages.build import connect\n'''",
        "[sys.executable, '-m', 'commands.main']",
        "shell('python -m commands file')",
    ],
)
def test_the_search_finds_bare_imports(code: str):
    assert list(bare("somewhere.py", code))


@pytest.mark.parametrize(
    "code",
    ["import lipstream.pipeline", "SAYING = 'from models of old'", "model.setattr('stages', 1)", "import modelsx"],
)
def test_the_search_takes_nothing_else_for_a_bare_import(code: str):
    assert not list(bare("somewhere.py", code))
