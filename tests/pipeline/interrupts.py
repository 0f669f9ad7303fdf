"""Ctrl-C at a chosen point, made certain."""

from __future__ import annotations

import dis
import functools
import inspect
import itertools
import sys
from collections.abc import Callable
from types import CodeType, FrameType

_CALLS = ("CALL", "CALL_FUNCTION_EX", "CALL_KW")
_MODULES = ("lipstream.pipeline.", "lipstream.captions", "threading")


def interrupted(work: Callable[[], object], at: int) -> str | None:
    """Do something, with a KeyboardInterrupt at the `at`-th point, from 0, at which Python looks for one.

    These points are, on the main thread, the entry of a function, the return from a call, and the jump back in a loop;
    those in the dataflow and in `threading`, as far as the dataflow uses it, count.

    Returns:
        Where it came; None if there were fewer points.
    """
    left, where = at, None

    def point(frame: FrameType) -> None:
        nonlocal left, where
        left -= 1
        if left < 0 and where is None:
            where = f"{frame.f_code.co_qualname}, line {frame.f_lineno}"
            raise KeyboardInterrupt

    def trace(frame: FrameType, event: str, argument: object) -> object:
        # What is raised in a destructor, or in a generator that is being closed, is lost.
        if not str(frame.f_globals.get("__name__")).startswith(_MODULES) or _in_destructor(frame):
            return None
        if event == "call":
            frame.f_trace_opcodes, frame.f_trace_lines = True, False
            if not frame.f_code.co_flags & inspect.CO_GENERATOR:
                point(frame)
        elif event == "opcode" and frame.f_lasti in _points(frame.f_code):
            point(frame)
        return trace

    sys.settrace(trace)
    try:
        work()
    except KeyboardInterrupt:
        assert where is not None
    finally:
        sys.settrace(None)
    return where


def _in_destructor(frame: FrameType | None) -> bool:
    # What runs the tests lies below; to look through it at every call would cost more than the run.
    while frame is not None and frame.f_code.co_name not in ("__del__", "interrupted"):
        frame = frame.f_back
    return frame is not None and frame.f_code.co_name == "__del__"


@functools.cache
def _points(code: CodeType) -> frozenset[int]:
    """The instructions that come behind a call, or to which a loop jumps back."""
    instructions = list(dis.get_instructions(code))
    behind = {after.offset for call, after in itertools.pairwise(instructions) if call.opname in _CALLS}
    back = {each.argval for each in instructions if each.opname == "JUMP_BACKWARD"}
    return frozenset(behind | back)
