"""How this project opens ONNX Runtime sessions."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import onnxruntime as ort

from lipstream.models.errors import ModelError

log = logging.getLogger(__name__)

# For Windows, and for a program that had loaded onnxruntime before `models` could refuse in the environment.
ort.disable_telemetry_events()


@cache
def _one_heap() -> bool:
    """Have all networks of the process take what they compute from one heap, once; whether that could be done.

    Each with a heap of its own would keep for itself what its longest input took.
    """
    heap = ort.OrtMemoryInfo("Cpu", ort.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, ort.OrtMemType.DEFAULT)
    try:
        ort.create_and_register_allocator(heap, ort.OrtArenaCfg(0, -1, -1, -1))
    except Exception as error:  # noqa: BLE001 - onnxruntime's own classes have no other base
        # The program around has made one already, which serves as well, or this build has none.
        log.debug("networks have a heap each: %s", error)
        return False
    return True


def session_options(threads: int) -> Any:  # noqa: ANN401  (onnxruntime carries no types)
    """How a network runs on the CPU with `threads` threads of its own.

    Idle threads sleep instead of spinning: the cores are shared with capture and face tracking.
    """
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # A pattern is kept for every input shape ever seen; audio and text come in a new length each time.
    options.enable_mem_pattern = False
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if _one_heap():
        options.add_session_config_entry("session.use_env_allocators", "1")
    return options


def giving_back() -> Any:  # noqa: ANN401  (onnxruntime carries no types)
    """Options of a call after which the memory that it computed in is given back.

    For a network that takes a long input at once, and much memory for it, before others have their turn.
    """
    options = ort.RunOptions()
    options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
    return options


def open_session(path: Path, threads: int, more_outputs: Sequence[str] = ()) -> Any:  # noqa: ANN401  (onnxruntime carries no types)
    """Open a network on the CPU with `threads` threads of its own.

    Args:
        path: the file.
        threads: CPU threads.
        more_outputs: names of values inside the graph of an `.ort` file to be had as outputs too.

    Raises:
        ModelError: the file is missing or not a network onnxruntime can run.
    """
    if not path.is_file():
        raise ModelError(f"model file {path} is missing; run `lipstream models pull`")
    options = session_options(threads)
    try:
        return ort.InferenceSession(_content(path, more_outputs), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own classes have no other base
        reason = str(error).splitlines()[0]
        raise ModelError(f"onnxruntime cannot load {path} ({reason}); run `lipstream models verify`") from error


def _content(path: Path, more_outputs: Sequence[str]) -> str | bytes:
    if not more_outputs:
        return str(path)
    from lipstream.models.ort_outputs import (
        with_outputs,  # Here, because onnxruntime's reader of its own format loads slowly.
    )

    return with_outputs(path.read_bytes(), more_outputs)
