"""Notices of native libraries are dropped, everything else still reaches standard error."""

from __future__ import annotations

import os
import sys

import pytest

from lipstream.models.face.native_log import notices_hidden

NOTICES = (
    b"W0000 00:00:1795300175.760187    7156 face_landmarker_graph.cc:181] Sets acceleration to xnnpack by default.\n"
    b"I0000 00:00:1795300175.760187    7156 gl_context.cc:344] GL version\n"
    b"INFO: Created TensorFlow Lite XNNPACK delegate for CPU.\n"
    b"WARNING: Logging before InitGoogle() is written to STDERR\n"
)
ERROR = b"E0000 00:00:1795300175.760187    7156 calculator_graph.cc:928] INVALID_ARGUMENT\n"


def test_notices_are_dropped_and_errors_are_kept(capfd):
    with notices_hidden():
        os.write(2, NOTICES + ERROR)

    assert capfd.readouterr().err == ERROR.decode()


def test_lines_of_python_are_kept_in_order(capfd):
    with notices_hidden():
        print("before", file=sys.stderr)
        os.write(2, NOTICES)
        print("Warning: after", file=sys.stderr)

    assert capfd.readouterr().err == "before\nWarning: after\n"


def test_an_exception_passes_and_what_was_written_is_shown(capfd):
    with pytest.raises(RuntimeError, match="cannot"), notices_hidden():
        os.write(2, ERROR)
        raise RuntimeError("cannot")

    assert capfd.readouterr().err == ERROR.decode()


def test_afterwards_standard_error_is_as_before(capfd):
    with notices_hidden():
        pass
    os.write(2, NOTICES)

    assert capfd.readouterr().err == NOTICES.decode()


def test_a_program_without_standard_error_is_left_alone(monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)

    with notices_hidden():
        done = True

    assert done
