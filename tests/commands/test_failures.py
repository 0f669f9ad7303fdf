"""How the process ends."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)


def test_an_error_is_not_lost_while_native_libraries_have_standard_error_redirected():
    done = run(
        "import os; from lipstream.commands.failures import own_stderr, report; own_stderr(); "
        "os.dup2(os.open(os.devnull, os.O_WRONLY), 2); report('the line')"
    )
    assert done.stderr == "lipstream: error: the line\n"


def test_a_thread_that_was_left_behind_neither_holds_up_the_exit_nor_changes_its_code():
    done = run(
        "import threading; from lipstream.commands.failures import leave; "
        "threading.Thread(target=threading.Event().wait, daemon=True).start(); print('flushed'); leave(130)"
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "flushed\n", "")
