"""Nothing leaves the machine."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from tests.trust.conftest import ROOT, WatchedRun, environment

pytestmark = pytest.mark.media

_PROBE = """
import socket
assert [name for _, name in socket.if_nameindex()] == ["lo"], socket.if_nameindex()
try:
    socket.create_connection(("127.0.0.1", 9), 1)
except OSError as error:
    print(error.strerror)
"""


@cache
def without_network() -> list[str]:
    """The command that runs another without any network, not even loopback, or a skip where that is not permitted."""
    unshare, sudo, setpriv = (shutil.which(name) for name in ("unshare", "sudo", "setpriv"))
    if not sys.platform.startswith("linux") or unshare is None:
        pytest.skip("network namespaces are Linux's, made with util-linux's unshare")
    ways = [[unshare, "--net"], [unshare, "--map-root-user", "--net"]]
    if sudo and setpriv:
        user = ["--reuid", str(os.getuid()), "--regid", str(os.getgid()), "--clear-groups"]
        ways.append([sudo, "-n", "-E", unshare, "--net", setpriv, *user])
    refusals = []
    for way in ways:
        tried = subprocess.run([*way, "true"], check=False, capture_output=True, text=True)
        if tried.returncode == 0:
            return way
        refusals.append(tried.stderr.strip())
    pytest.skip(f"network namespaces are not permitted here: {'; '.join(refusals)}")


def test_the_namespace_has_no_network():
    done = subprocess.run(
        [*without_network(), sys.executable, "-c", _PROBE], check=False, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (0, "Network is unreachable\n"), done.stderr


def test_the_demo_runs_without_any_network(tmp_path: Path, obama_speech: Path):
    # LIPSTREAM_OFFLINE is not set: the run must do without the network, not merely be told to.
    variables = [f"{name}={value}" for name, value in environment(tmp_path).items()]
    demo = [sys.executable, str(ROOT / "main.py"), "demo", "--pace", "max"]
    command = [*without_network(), "env", "-i", *variables, *demo]
    done = subprocess.run(command, cwd=tmp_path / "cwd", check=False, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    assert "years of negotiations" in done.stdout
    data = json.loads((tmp_path / "cwd/demo_output/obama_speech.json").read_text(encoding="utf-8"))
    assert data["faces"] and data["lips"]


@pytest.mark.parametrize("what", ["file", "live"])
def test_a_run_asks_for_no_network_and_starts_no_program(watched: Callable[[str], WatchedRun], what: str):
    run = watched(what)
    assert "negotiations" in " ".join(run.texts)
    assert run.network == []
    # How Python's ctypes finds a shared library.
    assert [program for program in run.processes if "'/sbin/ldconfig'" not in program] == []


_EARLY = """
import os, sys
import lipstream.models
assert "onnxruntime" not in sys.modules
print(os.environ["ORT_DISABLE_TELEMETRY"], os.environ["HF_HUB_DISABLE_TELEMETRY"])
"""


def test_the_usage_data_of_libraries_is_refused_before_they_are_loaded(tmp_path: Path):
    done = subprocess.run(
        [sys.executable, "-c", _EARLY], env=environment(tmp_path), check=False, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (0, "1 1\n"), done.stderr
