"""What a user writes against the installed Lipstream is checked by mypy, in an environment without the source tree."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from tests.packaging.rooms import PIP_INSTALL, ROOT

TYPED = Path(__file__).parent / "typed"
EXAMPLES = ROOT / "examples"


@pytest.fixture(scope="session")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment with the wheel, and of the rest all that this one has, but for Lipstream."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    interpreter = next(path for name in ("bin", "Scripts") for path in (folder / name).glob("python*"))
    found = [str(interpreter), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    packages = subprocess.run(found, check=True, capture_output=True, text=True, timeout=60).stdout.strip()
    subprocess.run([*PIP_INSTALL, "--target", packages, str(wheel)], check=True, timeout=120)
    # A folder on the path; what is installed in it as editable is not, for that is a line of code in a file there.
    (Path(packages) / "rest.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return interpreter


def checked(python: Path, folder: Path) -> dict[str, list[str]]:
    """Run mypy --strict on everything in a folder: what it says of each file."""
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--hide-error-context", "--no-error-summary"]
    command += [f"--python-executable={python}", f"--cache-dir={folder.parent / 'cache'}", "."]
    done = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True, timeout=280)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    found: dict[str, list[str]] = {}
    for line in done.stdout.splitlines():
        file, _, message = line.partition(":")
        found.setdefault(Path(file).as_posix(), []).append(message.partition("error: ")[2])
    return found


def test_the_users_script_the_examples_and_the_plugins_pass_mypy_strict(python: Path, tmp_path: Path, monkeypatch):
    for name in ("PYTHONPATH", "MYPYPATH"):
        monkeypatch.delenv(name, raising=False)
    where = subprocess.run(
        [str(python), "-c", "import lipstream; print(lipstream.__file__)"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert Path(where.stdout.strip()).is_relative_to(python.parents[1])
    folder = tmp_path / "user"
    folder.mkdir()
    for path in (*TYPED.glob("*.py"), *EXAMPLES.glob("*.py")):
        shutil.copy(path, folder)
    shutil.copytree(EXAMPLES / "plugin_package" / "lipstream_example", folder / "lipstream_example")
    found = checked(python, folder)
    assert set(found) == {"wrong.py"}, found
    # These it must find, or it would have found nothing wrong with the others for want of types.
    first, second, third, fourth = found["wrong.py"]
    assert first.startswith('Module "lipstream" has no attribute "TranscriptFnal"')
    assert second.startswith('"TranscriptFinal" has no attribute "txt"')
    assert third.startswith('Argument 1 has incompatible type "Callable[[TranscriptPartial], None]"')
    assert fourth.startswith('"VadConfig" has no attribute "treshold"')


@pytest.mark.media
def test_the_users_script_runs(tmp_path: Path, environment: dict[str, str], beckett: Path):
    assert len((TYPED / "script.py").read_text(encoding="utf-8").splitlines()) < 30
    done = subprocess.run(
        [sys.executable, str(TYPED / "script.py"), str(beckett)],
        cwd=tmp_path,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) >= 2
    assert [line for line in lines if line.startswith("finished 10.")], done.stdout
